"""Tests of template.yaml: policies and limits that a local cloud stores but doesn't enforce."""

import importlib.machinery
import importlib.util
import re
import unittest

import yaml

import tools
from stack import Names
from up import OWN_PARAMETERS, fallbacks

STACK, ACCOUNT, REGION = "stock", "123456789012", "eu-west-1"
BUCKETS = ("UploadsBucket", "ReportsBucket")
TABLES = ("InventoryTable", "LedgerTable")

# Everything the loader may do, and on which resource. Adding a line is a deliberate decision.
ALLOWED = {
    ("s3:GetObject", "arn:aws:s3:::stock-uploads-123456789012-eu-west-1/uploads/*"),
    ("s3:GetObjectVersion", "arn:aws:s3:::stock-uploads-123456789012-eu-west-1/uploads/*"),
    ("s3:GetObject", "arn:aws:s3:::stock-uploads-123456789012-eu-west-1/rules/*"),
    ("s3:ListBucket", "arn:aws:s3:::stock-uploads-123456789012-eu-west-1"),
    ("s3:ListBucket", "ReportsBucket.Arn"),
    ("s3:ListBucketVersions", "arn:aws:s3:::stock-uploads-123456789012-eu-west-1"),
    ("s3:GetObject", "ReportsBucket.Arn/loads/*"),
    ("s3:PutObject", "ReportsBucket.Arn/loads/*"),
    ("dynamodb:DescribeTable", "InventoryTable.Arn"),
    ("dynamodb:BatchGetItem", "InventoryTable.Arn"),
    ("dynamodb:Scan", "InventoryTable.Arn"),
    ("dynamodb:BatchWriteItem", "InventoryTable.Arn"),
    ("dynamodb:PutItem", "InventoryTable.Arn"),
    ("dynamodb:UpdateItem", "InventoryTable.Arn"),
    ("dynamodb:DeleteItem", "InventoryTable.Arn"),
    ("dynamodb:DescribeTable", "LedgerTable.Arn"),
    ("dynamodb:GetItem", "LedgerTable.Arn"),
    ("dynamodb:UpdateItem", "LedgerTable.Arn"),
    ("dynamodb:DeleteItem", "LedgerTable.Arn"),
    ("dynamodb:ConditionCheckItem", "LedgerTable.Arn"),
    ("dynamodb:Query", "LedgerTable.Arn"),
    ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:123456789012:function:stock-loader"),
    ("sqs:SendMessage", "FailureQueue.Arn"),
    ("sqs:ReceiveMessage", "FailureQueue.Arn"),
    ("sqs:ChangeMessageVisibility", "FailureQueue.Arn"),
    ("sqs:DeleteMessage", "FailureQueue.Arn"),
    ("sqs:GetQueueAttributes", "FailureQueue.Arn"),
    ("sns:Publish", "NotifyTopic"),
    ("events:PutEvents", "arn:aws:events:eu-west-1:123456789012:event-bus/EventBus"),
    ("logs:CreateLogStream", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/stock-loader:log-stream:*"),
    ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/stock-loader:log-stream:*"),
}
# The only actions with a condition. All others must have none: a condition on listing, for example, would change S3's
# answers.
CONDITIONS = {"events:PutEvents": {"StringEquals": {"events:source": "inventory.loader"}}}


class Loader(yaml.SafeLoader):
    """Expands CloudFormation's short forms: !Sub to Fn::Sub, and so on."""


def long_form(loader, tag, node):
    kinds = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: loader.construct_sequence,
        yaml.MappingNode: loader.construct_mapping,
    }
    return {"Ref" if tag == "Ref" else f"Fn::{tag}": kinds[type(node)](node)}


Loader.add_multi_constructor("!", long_form)

TEMPLATE = yaml.load((tools.ROOT / "infra" / "template.yaml").read_text(), Loader)
RESOURCES = TEMPLATE["Resources"]


def text_of(value):
    """Resolves a value for our stack. Attributes of other resources stay as their names in the template."""
    if isinstance(value, str):
        return value
    ((function, of),) = value.items()
    for name, content in {"StackName": STACK, "AccountId": ACCOUNT, "Region": REGION, "Partition": "aws"}.items():
        of = of.replace(f"${{AWS::{name}}}", content).replace(f"AWS::{name}", content)
    return of.replace("${", "").replace("}", "") if function == "Fn::Sub" else of


def properties(resource):
    return RESOURCES[resource]["Properties"]


def of_type(*types):
    return {name for name, resource in RESOURCES.items() if resource["Type"] in types}


def listed(value):
    return value if isinstance(value, list) else [value]


class Buckets(unittest.TestCase):
    def test_all_buckets_are_tested(self):
        self.assertEqual(of_type("AWS::S3::Bucket"), set(BUCKETS))

    def test_plain_http_is_denied_for_bucket_and_objects(self):
        policies = {
            text_of(properties(name)["Bucket"]): properties(name)["PolicyDocument"]["Statement"]
            for name in of_type("AWS::S3::BucketPolicy")
        }
        for bucket in BUCKETS:
            with self.subTest(bucket):
                (statement,) = policies[bucket]
                self.assertEqual(
                    (statement["Effect"], statement["Principal"], statement["Action"]), ("Deny", "*", "s3:*")
                )
                self.assertEqual({text_of(r) for r in statement["Resource"]}, {f"{bucket}.Arn", f"{bucket}.Arn/*"})
                self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_public_access_is_blocked_four_ways(self):
        for bucket in BUCKETS:
            with self.subTest(bucket):
                ways = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
                self.assertEqual(properties(bucket)["PublicAccessBlockConfiguration"], dict.fromkeys(ways, True))

    def test_owned_encrypted_and_versioned(self):
        for bucket in BUCKETS:
            with self.subTest(bucket):
                has = properties(bucket)
                self.assertEqual(has["OwnershipControls"], {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
                (encryption,) = has["BucketEncryption"]["ServerSideEncryptionConfiguration"]
                self.assertIn(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], ("AES256", "aws:kms"))
                self.assertEqual(has["VersioningConfiguration"], {"Status": "Enabled"})

    def test_old_versions_and_unfinished_uploads_go_away(self):
        for bucket in BUCKETS:
            with self.subTest(bucket):
                rules = [
                    rule
                    for rule in properties(bucket)["LifecycleConfiguration"]["Rules"]
                    if rule["Status"] == "Enabled"
                ]
                self.assertTrue(any("NoncurrentVersionExpiration" in rule for rule in rules))
                self.assertTrue(any("AbortIncompleteMultipartUpload" in rule for rule in rules))

    def test_reports_expire_and_uploads_do_not(self):
        self.assertTrue(
            any(
                rule.get("ExpirationInDays") == {"Ref": "ReportDays"}
                for rule in properties("ReportsBucket")["LifecycleConfiguration"]["Rules"]
            )
        )
        self.assertFalse(
            any("ExpirationInDays" in rule for rule in properties("UploadsBucket")["LifecycleConfiguration"]["Rules"])
        )


class Trigger(unittest.TestCase):
    def test_only_uploads_call_the_function(self):
        (call,) = properties("UploadsBucket")["NotificationConfiguration"]["LambdaConfigurations"]
        self.assertEqual((call["Event"], text_of(call["Function"])), ("s3:ObjectCreated:*", "Loader.Arn"))
        self.assertEqual(call["Filter"]["S3Key"]["Rules"], [{"Name": "prefix", "Value": "uploads/"}])

    def test_rules_are_not_uploads(self):
        key = re.compile(TEMPLATE["Parameters"]["RulesKey"]["AllowedPattern"])
        for allowed in ["", "rules/inventory.toml", "rules/eu-1.toml"]:
            self.assertTrue(key.fullmatch(allowed), allowed)
        for refused in ["uploads/inventory.toml", "rules/../uploads/a.toml", "rules/a/b.toml", "rules/a.csv"]:
            self.assertFalse(key.fullmatch(refused), refused)

    def test_reports_call_no_function(self):
        self.assertNotIn("NotificationConfiguration", properties("ReportsBucket"))

    def test_only_our_bucket_in_our_account_may_call(self):
        (permission,) = of_type("AWS::Lambda::Permission")
        has = properties(permission)
        self.assertEqual(has["Principal"], "s3.amazonaws.com")
        self.assertEqual(text_of(has["SourceAccount"]), ACCOUNT)
        self.assertEqual(
            text_of(has["SourceArn"]), f"arn:aws:s3:::{text_of(properties('UploadsBucket')['BucketName'])}"
        )
        self.assertIn(permission, listed(RESOURCES["UploadsBucket"]["DependsOn"]))


class Notifications(unittest.TestCase):
    def test_mails_are_encrypted_and_published_over_tls_only(self):
        self.assertEqual(properties("NotifyTopic")["KmsMasterKeyId"], "alias/aws/sns")
        (policy,) = of_type("AWS::SNS::TopicPolicy")
        (statement,) = properties(policy)["PolicyDocument"]["Statement"]
        self.assertEqual([text_of(topic) for topic in properties(policy)["Topics"]], ["NotifyTopic"])
        self.assertEqual(
            (statement["Effect"], statement["Principal"], statement["Action"], text_of(statement["Resource"])),
            ("Deny", "*", "sns:Publish", "NotifyTopic"),
        )
        self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_an_address_is_subscribed_if_one_is_given(self):
        subscribed = {text_of(properties(name)["TopicArn"]): name for name in of_type("AWS::SNS::Subscription")}
        self.assertEqual(set(subscribed), {"NotifyTopic", "AlarmTopic"})
        for name in subscribed.values():
            self.assertEqual(RESOURCES[name]["Condition"], "HasNotifyEmail")
            self.assertEqual(
                (properties(name)["Protocol"], properties(name)["Endpoint"]), ("email", {"Ref": "NotifyEmail"})
            )
        address = re.compile(TEMPLATE["Parameters"]["NotifyEmail"]["AllowedPattern"])
        for allowed in ["", "erika@example.com", "stock+loads@example.co.uk"]:
            self.assertTrue(address.fullmatch(allowed), allowed)
        for refused in ["erika", "@example.com", "erika@", "a@b@c", "erika muster@example.com"]:
            self.assertFalse(address.fullmatch(refused), refused)

    def test_an_alarm_reports_events_that_stay_in_the_failure_queue(self):
        (alarm,) = of_type("AWS::CloudWatch::Alarm")
        has = properties(alarm)
        self.assertEqual(
            (has["Namespace"], has["MetricName"], has["ComparisonOperator"], has["Threshold"], has["TreatMissingData"]),
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "GreaterThanThreshold", 0, "notBreaching"),
        )
        # Events that the sweep sends again within minutes need no operator.
        self.assertEqual((has["Statistic"], has["Period"], has["EvaluationPeriods"]), ("Minimum", 300, 3))
        (dimension,) = has["Dimensions"]
        self.assertEqual((dimension["Name"], text_of(dimension["Value"])), ("QueueName", "FailureQueue.QueueName"))
        (action,) = has["AlarmActions"]
        # CloudWatch can't use the key alias/aws/sns: an alarm sent to such a topic is silently lost.
        self.assertNotIn("KmsMasterKeyId", properties(text_of(action)))
        self.assertEqual(RESOURCES[alarm]["Condition"], RESOURCES["AlarmTopic"]["Condition"])

    def test_the_event_bus_always_has_a_name(self):
        bus = re.compile(TEMPLATE["Parameters"]["EventBus"]["AllowedPattern"])
        for allowed in ["default", "stock-events", "a.b_c"]:
            self.assertTrue(bus.fullmatch(allowed), allowed)
        for refused in ["", "a*", "aws.partner/x", "arn:aws:events:eu-west-1:1:event-bus/a"]:
            self.assertFalse(bus.fullmatch(refused), refused)


class Role(unittest.TestCase):
    def test_the_loader_may_do_this_and_nothing_else(self):
        (role,) = of_type("AWS::IAM::Role")
        self.assertFalse({"ManagedPolicyArns", "PermissionsBoundary"} & set(properties(role)))
        self.assertFalse(of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"))
        self.assertNotIn("Policies", properties("Loader"))
        found = set()
        for policy in properties(role)["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                allowed = {"Sid", "Effect", "Action", "Resource"}  # no NotAction
                self.assertEqual(set(statement) - {"Condition"}, allowed)
                self.assertEqual(statement["Effect"], "Allow")
                for action in listed(statement["Action"]):
                    self.assertEqual(statement.get("Condition"), CONDITIONS.get(action), action)
                found |= {
                    (action, text_of(resource))
                    for action in listed(statement["Action"])
                    for resource in listed(statement["Resource"])
                }
        self.assertEqual(found, ALLOWED)

    def test_only_objects_and_log_streams_have_wildcards(self):
        for action, resource in ALLOWED:
            with self.subTest(f"{action} {resource}"):
                self.assertNotIn("*", action)
                self.assertRegex(resource, r"^[^*]+(/uploads/\*|/rules/\*|/loads/\*|:log-stream:\*)?$")

    def test_listing_has_no_condition(self):
        # With a condition on the prefix, S3 answers 403 instead of 404 for a missing object.
        for policy in properties("LoaderRole")["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if "s3:ListBucket" in listed(statement["Action"]):
                    self.assertNotIn("Condition", statement)

    def test_only_lambda_may_assume_the_role(self):
        (statement,) = properties("LoaderRole")["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual(
            (statement["Principal"], statement["Action"]), ({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")
        )


class Tables(unittest.TestCase):
    def test_all_tables_are_tested(self):
        self.assertEqual(of_type("AWS::DynamoDB::Table"), set(TABLES))

    def test_recoverable_encrypted_protected_and_on_demand(self):
        for table in TABLES:
            with self.subTest(table):
                has = properties(table)
                self.assertEqual(has["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": True})
                self.assertEqual(has["SSESpecification"], {"SSEEnabled": True})
                self.assertEqual(has["DeletionProtectionEnabled"], {"Ref": "DeletionProtection"})
                self.assertEqual(has["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(TEMPLATE["Parameters"]["DeletionProtection"]["Default"], "true")

    def test_keys_are_those_the_program_uses(self):
        keys = {table: {k["KeyType"]: k["AttributeName"] for k in properties(table)["KeySchema"]} for table in TABLES}
        self.assertEqual(keys, {"InventoryTable": {"HASH": "sku"}, "LedgerTable": {"HASH": "pk", "RANGE": "sk"}})
        self.assertEqual(
            properties("LedgerTable")["TimeToLiveSpecification"], {"AttributeName": "expires", "Enabled": True}
        )
        self.assertNotIn("TimeToLiveSpecification", properties("InventoryTable"))


class Function(unittest.TestCase):
    def test_errors_are_retried_twice_and_then_kept_for_14_days(self):
        calls = properties("Loader")["EventInvokeConfig"]
        self.assertEqual(calls["MaximumRetryAttempts"], 2)
        self.assertEqual(
            (
                calls["DestinationConfig"]["OnFailure"]["Type"],
                text_of(calls["DestinationConfig"]["OnFailure"]["Destination"]),
            ),
            ("SQS", "FailureQueue.Arn"),
        )
        self.assertEqual(properties("FailureQueue")["MessageRetentionPeriod"], 14 * 24 * 3600)
        self.assertTrue(properties("FailureQueue")["SqsManagedSseEnabled"])

    def test_logs_go_to_a_group_with_retention(self):
        self.assertEqual(properties("Loader")["LoggingConfig"]["LogGroup"], {"Ref": "LoaderLog"})
        self.assertEqual(properties("LoaderLog")["RetentionInDays"], {"Ref": "LogDays"})

    def test_the_function_may_invoke_itself_as_often_as_needed(self):
        self.assertEqual(properties("Loader")["RecursiveLoop"], "Allow")

    def test_the_sweep_runs_as_often_as_the_parameter_says(self):
        (sweep,) = properties("Loader")["Events"].values()
        self.assertEqual(sweep["Type"], "Schedule")
        self.assertEqual(text_of(sweep["Properties"]["Schedule"]), "cron(0/SweepMinutes * * * ? *)")
        self.assertEqual(sweep["Properties"]["Input"], '{"sweep":{}}')

    def test_the_environment_has_the_variables_of_the_program(self):
        names = """
            INVENTORY_TABLE LEDGER_TABLE UPLOADS_BUCKET REPORTS_BUCKET RULES_KEY BUCKET_OWNER TABLE_WAIT_SECONDS
            READ_UNITS WRITE_UNITS LEASE_SECONDS HEARTBEAT_SECONDS MARGIN_SECONDS FAILURE_QUEUE NOTIFY_TOPIC EVENT_BUS
            READER_CPU_SECONDS READER_MEGABYTES SCRATCH_MEGABYTES REPORT_DAYS LOG_LEVEL
        """
        self.assertEqual(set(properties("Loader")["Environment"]["Variables"]), set(names.split()))


class Stack(unittest.TestCase):
    def test_names_are_those_that_deploy_derives(self):
        names = Names(STACK, ACCOUNT, REGION)
        self.assertEqual([text_of(properties(bucket)["BucketName"]) for bucket in BUCKETS], names.buckets)
        self.assertEqual([text_of(properties(table)["TableName"]) for table in TABLES], names.tables)
        self.assertEqual(text_of(properties("LoaderLog")["LogGroupName"]), names.log_group)
        self.assertEqual(names.log_group, f"/aws/lambda/{text_of(properties('Loader')['FunctionName'])}")
        self.assertEqual(text_of(properties("Loader")["Environment"]["Variables"]["UPLOADS_BUCKET"]), names.buckets[0])

    def test_only_data_outlives_the_stack(self):
        kept = of_type("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table")
        for name, resource in RESOURCES.items():
            with self.subTest(name):
                expected = "Retain" if name in kept else "Delete"
                self.assertEqual(resource.get("DeletionPolicy", "Delete"), expected)
                self.assertEqual(resource.get("UpdateReplacePolicy", "Delete"), expected)

    def test_parameters_have_limits_a_description_and_a_group(self):
        groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        self.assertEqual(
            sorted(name for group in groups for name in group["Parameters"]), sorted(TEMPLATE["Parameters"])
        )
        for name, parameter in TEMPLATE["Parameters"].items():
            with self.subTest(name):
                self.assertTrue(parameter["Description"].endswith("."))
                if parameter["Type"] == "Number" and "AllowedValues" not in parameter:
                    self.assertLessEqual(parameter["MinValue"], parameter["Default"])
                    self.assertLessEqual(parameter["Default"], parameter["MaxValue"])
                else:
                    self.assertTrue("AllowedValues" in parameter or "AllowedPattern" in parameter)
                if name not in OWN_PARAMETERS and "AllowedValues" in parameter:
                    self.assertIn(parameter["Default"], parameter["AllowedValues"])

    def test_default_limits_are_consistent(self):
        default = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}
        self.assertLessEqual(2 * default["HeartbeatSeconds"], default["LeaseSeconds"])
        self.assertLess(default["LeaseSeconds"], 60)
        self.assertLess(default["TableWaitSeconds"], default["TimeoutSeconds"])
        self.assertLess(2 * default["ReaderMegabytes"], default["MemoryMegabytes"])

    def test_a_pretended_resource_is_detected(self):
        real = {"LogicalResourceId": "A", "ResourceType": "AWS::S3::Bucket", "ResourceStatusReason": None}
        reason = "Resource type AWS::S3::Bukket is not supported but was deployed as a fallback"
        self.assertEqual(
            fallbacks(
                [
                    real,
                    {
                        **real,
                        "LogicalResourceId": "B",
                        "ResourceType": "AWS::S3::Bukket",
                        "ResourceStatusReason": reason,
                    },
                ]
            ),
            ["B (AWS::S3::Bukket)"],
        )


class Demo(unittest.TestCase):
    def test_rows_count_as_in_the_table_whether_new_changed_or_unchanged(self):
        loader = importlib.machinery.SourceFileLoader("demo", str(tools.ROOT / "infra" / "demo"))
        demo = importlib.util.module_from_spec(importlib.util.spec_from_loader("demo", loader))
        loader.exec_module(demo)
        expected = {"ending": "done", "rows": {"written": 3, "rejected": 1}}
        for rows in [{"new": 3, "rejected": 1}, {"changed": 1, "unchanged": 2, "rejected": 1}]:
            self.assertEqual(demo.differences({"ending": "done", "rows": rows}, expected), [])
        self.assertEqual(
            demo.differences({"ending": "held", "rows": {"held": 3}}, expected),
            ["ending held, expected done", "0 rows written, expected 3", "0 rows rejected, expected 1"],
        )


if __name__ == "__main__":
    unittest.main()
