"""Sets properties of our template's resources that LocalStack's CloudFormation accepts but ignores.

Each is set after its resource was created, and set or removed after it was updated. Most of these resources cannot be
updated at all in LocalStack, although the stack reports UPDATE_COMPLETE.
"""

from localstack.runtime import hooks


@hooks.on_infra_start()
def complete_cloudformation():
    from localstack.services.dynamodb.resource_providers.aws_dynamodb_table import DynamoDBTableProvider
    from localstack.services.lambda_.resource_providers.aws_lambda_function import LambdaFunctionProvider
    from localstack.services.lambda_.resource_providers.aws_lambda_eventinvokeconfig import (
        LambdaEventInvokeConfigProvider,
    )
    from localstack.services.logs.resource_providers.aws_logs_loggroup import LogsLogGroupProvider
    from localstack.services.s3.resource_providers.aws_s3_bucket import S3BucketProvider
    from localstack.services.s3.resource_providers.aws_s3_bucketpolicy import S3BucketPolicyProvider

    after(LambdaFunctionProvider, "create", set_concurrency)
    after(LambdaFunctionProvider, "update", set_concurrency)

    LogsLogGroupProvider.update = accept_update
    after(LogsLogGroupProvider, "create", set_retention)
    after(LogsLogGroupProvider, "update", set_retention)

    DynamoDBTableProvider.update = accept_update
    after(DynamoDBTableProvider, "create", set_protection)
    after(DynamoDBTableProvider, "update", set_protection)

    # These are created by calls that can be repeated.
    after(S3BucketProvider, "create", set_bucket)
    S3BucketProvider.update = update_by(S3BucketProvider.create, "BucketName")
    S3BucketPolicyProvider.update = update_by(S3BucketPolicyProvider.create)
    LambdaEventInvokeConfigProvider.update = update_by(LambdaEventInvokeConfigProvider.create)


def after(provider, operation: str, apply) -> None:
    """Makes the provider call `apply` with the request and the resource's state after a successful operation."""
    original = getattr(provider, operation)

    def operate_and_apply(self, request):
        event = original(self, request)
        if event.status.name == "SUCCESS":
            apply(request, event.resource_model)
        return event

    setattr(provider, operation, operate_and_apply)


def accept_update(self, request):
    from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent

    state = {**request.previous_state, **request.desired_state}
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=state)


def update_by(create, *generated_names: str):
    def update(self, request):
        for name in generated_names:
            request.desired_state.setdefault(name, request.previous_state[name])
        return create(self, request)

    return update


def wanted(request, name: str) -> tuple[object, bool]:
    """Returns the value of a property in the template, and whether the property was removed from it."""
    value = request.desired_state.get(name)
    return value, value is None and (request.previous_state or {}).get(name) is not None


def set_concurrency(request, state) -> None:
    client = request.aws_client_factory.lambda_
    reserved, removed = wanted(request, "ReservedConcurrentExecutions")
    if reserved is not None:
        client.put_function_concurrency(
            FunctionName=state["FunctionName"], ReservedConcurrentExecutions=int(reserved)
        )
    elif removed:
        client.delete_function_concurrency(FunctionName=state["FunctionName"])


def set_retention(request, state) -> None:
    client = request.aws_client_factory.logs
    days, removed = wanted(request, "RetentionInDays")
    if days is not None:
        client.put_retention_policy(logGroupName=state["LogGroupName"], retentionInDays=int(days))
    elif removed:
        client.delete_retention_policy(logGroupName=state["LogGroupName"])


def set_protection(request, state) -> None:
    client = request.aws_client_factory.dynamodb
    protected, removed = wanted(request, "DeletionProtectionEnabled")
    if protected is not None or removed:
        client.update_table(TableName=state["TableName"], DeletionProtectionEnabled=is_true(protected))
    backups, removed = wanted(request, "PointInTimeRecoverySpecification")
    if backups is not None or removed:
        enabled = is_true((backups or {}).get("PointInTimeRecoveryEnabled"))
        client.update_continuous_backups(
            TableName=state["TableName"],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
        )


def set_bucket(request, state) -> None:
    client, bucket = request.aws_client_factory.s3, state["BucketName"]
    lifecycle, removed = wanted(request, "LifecycleConfiguration")
    if lifecycle is not None:
        rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    elif removed:
        client.delete_bucket_lifecycle(Bucket=bucket)
    encryption, removed = wanted(request, "BucketEncryption")
    if encryption is not None:
        rules = [
            {
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                "BucketKeyEnabled": is_true(rule.get("BucketKeyEnabled")),
            }
            for rule in encryption["ServerSideEncryptionConfiguration"]
        ]
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    elif removed:
        client.delete_bucket_encryption(Bucket=bucket)
    ownership, removed = wanted(request, "OwnershipControls")
    if ownership is not None:
        client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=ownership)
    elif removed:
        client.delete_bucket_ownership_controls(Bucket=bucket)
    access, removed = wanted(request, "PublicAccessBlockConfiguration")
    if access is not None:
        blocks = {name: is_true(value) for name, value in access.items()}
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocks)
    elif removed:
        client.delete_public_access_block(Bucket=bucket)


def lifecycle_rule(rule: dict) -> dict:
    """Translates a rule from CloudFormation's form to S3's. Unknown properties are refused rather than dropped."""
    rule = dict(rule)
    translated = {"Status": rule.pop("Status"), "Filter": {"Prefix": rule.pop("Prefix", "")}}
    for name, value in rule.items():
        match name:
            case "Id":
                translated["ID"] = value
            case "ExpirationInDays":
                translated.setdefault("Expiration", {})["Days"] = int(value)
            case "ExpiredObjectDeleteMarker":
                translated.setdefault("Expiration", {})["ExpiredObjectDeleteMarker"] = is_true(value)
            case "NoncurrentVersionExpiration" | "AbortIncompleteMultipartUpload":
                translated[name] = {key: int(number) for key, number in value.items()}
            case "Transitions":
                translated[name] = [
                    {"StorageClass": step["StorageClass"], "Days": int(step["TransitionInDays"])} for step in value
                ]
            case _:
                raise ValueError(f"the local cloud does not know {name} in a lifecycle rule")
    return translated


def is_true(value) -> bool:
    return str(value).lower() == "true"
