"""Deletes the stack and, with `with_data`, everything that outlives it."""

from botocore.exceptions import ClientError

from aws import UserError, code_of
from stack import delete_stack, describe, is_there, names_for, remains, say


def remove(cloud, stack, with_data=False):
    """Deletes the stack. The tables, buckets and log that outlive it are deleted only with `with_data`."""
    names, cloudformation = names_for(cloud, stack), cloud.client("cloudformation")
    found = describe(cloudformation, stack)
    if found:
        delete_stack(cloud, cloudformation, found)
        say(f"Stack {stack} is deleted.")
    left = remains(cloud, names, [names.artifacts])
    if not found and not left:
        say(f"There is no stack {stack}, and no data of an earlier one.")
    elif left and not with_data:
        say(f"Kept: {', '.join(left)}. To delete this for good, run `infra/deploy down --stack {stack} --with-data`.")
    if with_data:
        for name in names.tables:
            delete_table(cloud, name)
        for name in [*names.buckets, names.artifacts]:
            delete_bucket(cloud, name)
        delete_log_group(cloud, names.log_group)


def delete_table(cloud, name):
    dynamodb = cloud.client("dynamodb")
    if not is_there(dynamodb.describe_table, TableName=name):
        return
    patience = {"Delay": 1, "MaxAttempts": 300}
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig=patience)
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=patience)
    say(f"Table {name} is deleted.")


def delete_bucket(cloud, name):
    s3 = cloud.client("s3")
    if not is_there(s3.head_bucket, Bucket=name, ExpectedBucketOwner=cloud.account):
        return
    # A run of the function that is still active may put another object here during the deletion.
    for attempts_left in (2, 1, 0):
        empty_bucket(s3, name)
        try:
            s3.delete_bucket(Bucket=name)
            break
        except ClientError as error:
            if code_of(error) != "BucketNotEmpty" or not attempts_left:
                raise
    say(f"Bucket {name} is deleted.")


def empty_bucket(s3, name):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [
            {"Key": v["Key"], "VersionId": v["VersionId"]}
            for v in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if versions:
            refused = s3.delete_objects(Bucket=name, Delete={"Objects": versions, "Quiet": True}).get("Errors", [])
            if refused:
                first = refused[0]
                raise UserError(
                    f"{len(refused)} objects of bucket {name} could not be deleted: {first['Key']}: {first['Message']}"
                )
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])


def delete_log_group(cloud, name):
    logs = cloud.client("logs")
    if is_there(logs.delete_log_group, logGroupName=name):
        say(f"Log group {name} is deleted.")
