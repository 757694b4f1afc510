"""Checks what the loader's tests assume about the local cloud. Run by `cloud selftest` against one that is up."""

import base64
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

HERE = Path(__file__).resolve().parent


def load_cloud():
    loader = importlib.machinery.SourceFileLoader("cloud", str(HERE / "cloud"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cloud", loader))
    loader.exec_module(module)
    return module


cloud = load_cloud()


def client(service, **config):
    return boto3.client(
        service,
        endpoint_url=cloud.ENDPOINT,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


lambda_, logs, sqs, s3, dynamodb, cloudformation = map(
    client, ("lambda", "logs", "sqs", "s3", "dynamodb", "cloudformation")
)


def eventually(poll, what, seconds=40):
    """Waits for a condition, and fails if it does not come true within the limit."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := poll():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


def unique(name):
    return f"selftest-{name}-{uuid.uuid4().hex[:8]}"


def archive():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        files.writestr(bootstrap, f"#!{sys.executable}\n" + (HERE / "bootstrap_for_tests.py").read_text())
    return packed.getvalue()


def state_of(pid):
    """Returns the kernel's state code of a process; None if it is gone or a zombie."""
    try:
        code = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None
    return None if code == "Z" else code


def meeting_folder(test):
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    test.addCleanup(folder.cleanup)
    return folder.name


class Function:
    def __init__(self, test, **settings):
        self.name = unique("function")
        lambda_.create_function(
            **{
                "FunctionName": self.name,
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Role": "arn:aws:iam::000000000000:role/selftest",
                "Code": {"ZipFile": archive()},
                "Timeout": 30,
                **settings,
            }
        )
        test.addCleanup(lambda_.delete_function, FunctionName=self.name)
        eventually(lambda: self.state() == "Active", "the function")

    def state(self):
        return lambda_.get_function(FunctionName=self.name)["Configuration"]["State"]

    def invoke(self, do, **more):
        answer = lambda_.invoke(FunctionName=self.name, Payload=json.dumps({"do": do, **more}), LogType="Tail")
        self.log = base64.b64decode(answer["LogResult"]).decode()
        return json.load(answer["Payload"]), answer.get("FunctionError")

    def send(self, do, **more):
        lambda_.invoke(FunctionName=self.name, InvocationType="Event", Payload=json.dumps({"do": do, **more}))

    def log_lines(self):
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].rstrip("\n") for event in events]


class Invocations(unittest.TestCase):
    def test_an_event_arrives_with_lambdas_headers_and_environment(self):
        function = Function(self, Timeout=17, MemorySize=256, Environment={"Variables": {"TABLE": "stock"}})
        described, error = function.invoke("describe")
        self.assertIsNone(error)
        headers = described["headers"]
        self.assertRegex(headers["Lambda-Runtime-Aws-Request-Id"], r"^[0-9a-f-]{36}$")
        self.assertTrue(headers["Lambda-Runtime-Invoked-Function-Arn"].endswith(f":function:{function.name}"))
        self.assertRegex(headers["Lambda-Runtime-Trace-Id"], "^Root=1-")
        self.assertAlmostEqual(int(headers["Lambda-Runtime-Deadline-Ms"]) - described["now_ms"], 17_000, delta=1_000)
        environment = described["environment"]
        self.assertEqual(environment["AWS_LAMBDA_FUNCTION_NAME"], function.name)
        self.assertEqual(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256")
        self.assertEqual(environment["AWS_REGION"], "eu-central-1")
        self.assertEqual(environment["AWS_ENDPOINT_URL"], cloud.ENDPOINT)
        self.assertTrue(environment["AWS_SESSION_TOKEN"])
        self.assertEqual(environment["TABLE"], "stock")

    def test_nothing_of_localstacks_environment_leaks(self):
        environment = Function(self).invoke("describe")[0]["environment"]
        foreign = "LOCALSTACK|GATEWAY|LAMBDA_RUNTIME_EXECUTOR|INVENTORY|PYTHON|VIRTUAL|XDG"
        leaked = [name for name in environment if re.match(foreign, name)]
        self.assertEqual(leaked, [])
        self.assertNotIn("AWS_EXECUTION_ENV", environment)
        self.assertEqual(environment["PATH"], "/usr/local/bin:/usr/bin:/bin:/opt/bin")

    def test_every_environment_has_its_own_tmp(self):
        one, other = Function(self), Function(self)
        left = Path(one.invoke("leave a file")[0]["file"])
        self.assertIn(left.name, one.invoke("describe")[0]["found_in_tmp"])
        described = other.invoke("describe")[0]
        self.assertEqual(described["found_in_tmp"], [])
        self.assertNotEqual(described["tmp"], str(left.parent))

    def test_an_environment_serves_one_event_at_a_time_and_is_reused(self):
        function = Function(self)
        with ThreadPoolExecutor(4) as pool:
            pids = {pid for pid, _ in pool.map(lambda _: function.invoke("wait", seconds=0.5), range(4))}
        self.assertEqual(len(pids), 4)
        self.assertIn(function.invoke("describe")[0]["pid"], pids)

    def test_simultaneous_events_run_concurrently(self):
        together = 34  # more than the default size of a thread pool on any machine
        at = meeting_folder(self)
        function = Function(self)
        for _ in range(together - 1):
            function.send("meet", at=at, number=together)
        _, error = function.invoke("meet", at=at, number=together)
        self.assertIsNone(error)

    def test_reserved_concurrency_throttles_callers_and_queues_events(self):
        at = meeting_folder(self)
        function = Function(self)
        lambda_.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
        for _ in range(3):
            function.send("meet", at=at, number=2)
        eventually(lambda: os.listdir(at), "the first event's run")
        with self.assertRaises(lambda_.exceptions.TooManyRequestsException) as refused:
            function.invoke("describe")
        self.assertEqual(refused.exception.response["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded")
        self.assertEqual(len(os.listdir(at)), 1)
        Path(at, "go-on").touch()
        eventually(lambda: len(os.listdir(at)) == 4, "the runs of the waiting events")
        pids = {name.split("-")[0] for name in os.listdir(at)} - {"go"}
        self.assertEqual(len(pids), 1)

    def test_logs_have_start_end_and_report(self):
        function = Function(self, MemorySize=192)
        described = function.invoke("describe")[0]
        request_id = described["headers"]["Lambda-Runtime-Aws-Request-Id"]
        lines = eventually(function.log_lines, "log events in CloudWatch Logs")
        self.assertEqual(lines[0], f"START RequestId: {request_id} Version: $LATEST")
        self.assertEqual(lines[1], f"got describe in {described['pid']}")
        self.assertEqual(lines[2], f"END RequestId: {request_id}")
        self.assertRegex(
            lines[3],
            f"^REPORT RequestId: {request_id}\tDuration: [\\d.]+ ms\tBilled Duration: \\d+ ms\t"
            "Memory Size: 192 MB\tMax Memory Used: \\d+ MB\tInit Duration: [\\d.]+ ms\t$",
        )
        function.invoke("describe")
        self.assertNotIn("Init Duration", function.log)

    def test_json_logging_and_its_log_group_are_honoured(self):
        group = unique("group")
        function = Function(self, LoggingConfig={"LogFormat": "JSON", "LogGroup": group})
        self.addCleanup(logs.delete_log_group, logGroupName=group)
        function.invoke("describe")
        start, *_, report = function.log.splitlines()
        self.assertEqual(json.loads(start)["type"], "platform.start")
        self.assertEqual(json.loads(report)["record"]["status"], "success")
        eventually(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"], "the log group")

    def test_memory_of_children_counts_and_is_limited(self):
        function = Function(self, MemorySize=256)
        self.assertIsNone(function.invoke("eat memory", mb=60)[1])
        used = int(re.search(r"Max Memory Used: (\d+) MB", function.log).group(1))
        self.assertTrue(120 <= used < 200, used)
        before = function.invoke("describe")[0]["pid"]
        answer, error = function.invoke("eat memory", mb=200)
        self.assertEqual((answer["errorType"], error), ("Runtime.OutOfMemory", "Unhandled"))
        self.assertTrue(answer["errorMessage"].endswith("Runtime exited with error: signal: killed"))
        self.assertRegex(function.log, "Max Memory Used: 256 MB\tStatus: error\tError Type: Runtime.OutOfMemory")
        after, error = function.invoke("describe")
        self.assertIsNone(error)
        self.assertNotEqual(after["pid"], before)

    def test_memory_is_not_counted_twice_while_a_child_is_being_started(self):
        function = Function(self, MemorySize=256)
        self.assertIsNone(function.invoke("start children with memory in hand", mb=160, children=300)[1])
        used = int(re.search(r"Max Memory Used: (\d+) MB", function.log).group(1))
        self.assertLess(used, 256)

    def test_a_function_can_return_an_error(self):
        answer, error = Function(self).invoke("fail")
        self.assertEqual(answer, {"errorType": "ValueError", "errorMessage": "as requested"})
        self.assertEqual(error, "Unhandled")

    def test_an_exit_is_an_error_and_the_next_event_gets_a_new_process(self):
        function = Function(self)
        before = function.invoke("describe")[0]["pid"]
        answer, _ = function.invoke("exit")
        self.assertEqual(answer["errorType"], "Runtime.ExitError")
        self.assertTrue(answer["errorMessage"].endswith("Runtime exited with error: exit status 3"))
        self.assertNotEqual(function.invoke("describe")[0]["pid"], before)

    def test_an_answer_counts_even_if_the_process_ends_right_after_it(self):
        function = Function(self)
        self.assertEqual(function.invoke("answer and exit"), ("done", None))
        self.assertIsNone(function.invoke("describe")[1])

    def test_between_events_the_process_is_frozen(self):
        function = Function(self)
        pid = function.invoke("describe")[0]["pid"]
        self.assertEqual(state_of(pid), "T")
        self.assertEqual(function.invoke("describe")[0]["pid"], pid)

    def test_a_timeout_kills_the_process_and_its_children(self):
        function = Function(self, Timeout=2)
        began = time.monotonic()
        answer, _ = function.invoke("hang with children")
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(answer["errorType"], "Sandbox.Timedout")
        self.assertTrue(answer["errorMessage"].endswith("Task timed out after 2.00 seconds"))
        self.assertIn("Status: timeout", function.log)
        pids = re.search(r"children (\d+) (\d+)", function.log).groups()
        for pid in pids:
            eventually(lambda: not state_of(pid), f"end of process {pid}", seconds=5)
        self.assertIsNone(function.invoke("describe")[1])

    def test_an_error_in_the_init_phase_reaches_caller_and_log(self):
        function = Function(self, Environment={"Variables": {"INIT": "refuse"}})
        answer, error = function.invoke("describe")
        self.assertEqual((answer["errorType"], error), ("Config.Missing", "Unhandled"))
        self.assertIn("cannot start", function.log)
        answer, _ = Function(self, Environment={"Variables": {"INIT": "exit"}}).invoke("describe")
        self.assertEqual(answer["errorType"], "Runtime.ExitError")
        self.assertIn("exit status 7", answer["errorMessage"])

    def test_an_event_is_tried_three_times_with_one_request_id_and_then_reported(self):
        function, queue = Function(self), sqs.create_queue(QueueName=unique("failures"))["QueueUrl"]
        self.addCleanup(sqs.delete_queue, QueueUrl=queue)
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        lambda_.put_function_event_invoke_config(
            FunctionName=function.name, DestinationConfig={"OnFailure": {"Destination": arn}}
        )
        function.send("fail")
        message = eventually(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), "the failure's message")
        context = json.loads(message[0]["Body"])["requestContext"]
        self.assertEqual((context["condition"], context["approximateInvokeCount"]), ("RetriesExhausted", 3))
        starts = eventually(
            lambda: len(found := [line for line in function.log_lines() if line.startswith("START")]) >= 3 and found,
            "three attempts in the log",
        )
        self.assertEqual(starts, [f"START RequestId: {context['requestId']} Version: $LATEST"] * 3)

    def test_deleting_a_function_ends_its_processes(self):
        function = Function(self)
        described = function.invoke("describe")[0]
        self.doCleanups()
        eventually(lambda: not state_of(described["pid"]), "end of the process", seconds=5)
        eventually(lambda: not Path(described["tmp"]).exists(), "removal of its files", seconds=5)


def template(days, protect, reserved):
    """Returns a template; if `days` is None, without the properties under test."""
    return {
        "Resources": {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "sku", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "sku", "KeyType": "HASH"}],
                    "DeletionProtectionEnabled": protect,
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": protect},
                },
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "VersioningConfiguration": {"Status": "Enabled"},
                    **({"LifecycleConfiguration": {"Rules": [lifecycle(days)]}} if days else {}),
                },
            },
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": {"Fn::Sub": "/${AWS::StackName}"},
                    **({"RetentionInDays": days} if days else {}),
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "provided.al2023",
                    "Handler": "bootstrap",
                    "Role": "arn:aws:iam::000000000000:role/selftest",
                    "Code": {"S3Bucket": {"Ref": "Code"}, "S3Key": "function.zip"},
                    **({"ReservedConcurrentExecutions": reserved} if reserved else {}),
                },
            },
        },
        "Parameters": {"Code": {"Type": "String"}},
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Table", "Bucket", "Group", "Function")},
    }


def lifecycle(days):
    return {
        "Id": "old",
        "Status": "Enabled",
        "Prefix": "loads/",
        "ExpirationInDays": days,
        "NoncurrentVersionExpiration": {"NoncurrentDays": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }


class CloudFormation(unittest.TestCase):
    def test_properties_that_localstack_drops_are_applied_on_create_update_and_removal(self):
        code, stack = unique("code"), unique("stack")
        s3.create_bucket(Bucket=code, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.addCleanup(s3.delete_bucket, Bucket=code)
        s3.put_object(Bucket=code, Key="function.zip", Body=archive())
        self.addCleanup(s3.delete_object, Bucket=code, Key="function.zip")
        arguments = {"StackName": stack, "Parameters": [{"ParameterKey": "Code", "ParameterValue": code}]}

        def deploy(call, done, **settings):
            call(TemplateBody=json.dumps(template(**settings)), **arguments)
            described = eventually(lambda: self.settled(stack), "the end of the deployment")
            self.assertEqual(described["StackStatus"], done)
            return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

        def remove():
            cloudformation.delete_stack(StackName=stack)
            cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})

        names = deploy(cloudformation.create_stack, "CREATE_COMPLETE", days=30, protect=True, reserved=5)
        self.addCleanup(remove)
        self.assertEqual(self.facts(names), (30, 30, True, "ENABLED", 5))
        with self.assertRaises(ClientError):
            dynamodb.delete_table(TableName=names["Table"])

        same = deploy(cloudformation.update_stack, "UPDATE_COMPLETE", days=7, protect=False, reserved=3)
        self.assertEqual(same, names)
        self.assertEqual(self.facts(names), (7, 7, False, "DISABLED", 3))

        deploy(cloudformation.update_stack, "UPDATE_COMPLETE", days=None, protect=False, reserved=None)
        self.assertEqual(self.facts(names), (None, None, False, "DISABLED", None))

    def settled(self, stack):
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if described["StackStatus"].endswith("IN_PROGRESS") else described

    def facts(self, names):
        group = logs.describe_log_groups(logGroupNamePrefix=names["Group"])["logGroups"][0]
        try:
            rules = s3.get_bucket_lifecycle_configuration(Bucket=names["Bucket"])["Rules"]
        except ClientError:
            rules = [{}]
        table = dynamodb.describe_table(TableName=names["Table"])["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=names["Table"])["ContinuousBackupsDescription"]
        concurrency = lambda_.get_function_concurrency(FunctionName=names["Function"])
        return (
            group.get("retentionInDays"),
            rules[0].get("Expiration", {}).get("Days"),
            table["DeletionProtectionEnabled"],
            backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            concurrency.get("ReservedConcurrentExecutions"),
        )


class Control(unittest.TestCase):
    def test_dynamodb_can_be_paused(self):
        impatient = client("dynamodb", read_timeout=1)
        self.addCleanup(self.cloud, "resume-dynamodb")
        self.cloud("pause-dynamodb")
        with self.assertRaises(ReadTimeoutError):
            impatient.list_tables()
        self.cloud("resume-dynamodb")
        eventually(lambda: dynamodb.list_tables(), "an answer of DynamoDB")

    def cloud(self, verb):
        subprocess.run([HERE / "cloud", verb], check=True, capture_output=True)

    def test_the_port_is_bound_to_loopback_only(self):
        port = f"{int(cloud.PORT):04X}"
        sockets = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        listening = re.findall(rf"([0-9A-F]+):{port} [0-9A-F]+:0000 0A", sockets)
        self.assertEqual(listening, ["0100007F"])

    def test_docker_runs_the_image_on_loopback_and_gets_the_token_by_name(self):
        given = {"LOCALSTACK_AUTH_TOKEN": "secret", "DOCKER_HOST": "unix:///run/user/1/d.sock"}
        with mock.patch.dict(os.environ, given):
            command = " ".join(cloud.Docker().command())
        self.assertIn(f" --publish 127.0.0.1:{cloud.PORT}:{cloud.PORT} ", command)
        self.assertIn(" --volume /run/user/1/d.sock:/var/run/docker.sock ", command)
        self.assertTrue(command.endswith(f" --env LOCALSTACK_AUTH_TOKEN localstack/localstack:{cloud.LOCALSTACK}"))
        self.assertNotIn("secret", command)
        with mock.patch.dict(os.environ, {"LOCALSTACK_IMAGE": "mirror/localstack:5"}):
            self.assertEqual(cloud.Docker().command()[-1], "mirror/localstack:5")
