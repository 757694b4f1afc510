"""The names of a stack's resources, its state, and following its changes until they are finished."""

import sys
import time
from dataclasses import dataclass

from botocore.exceptions import ClientError

from aws import UserError, code_of

DEADLINE_SECONDS = 30 * 60  # a first deployment to AWS takes about three minutes
BUCKET_NAME_LENGTH = 63  # S3's limit


def say(text):
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Names:
    """The names of a stack's resources. template.yaml derives the same names; test_template.py compares the two."""

    stack: str
    account: str
    region: str

    def bucket(self, purpose):
        return f"{self.stack}-{purpose}-{self.account}-{self.region}"

    @property
    def artifacts(self):
        return self.bucket("artifacts")

    @property
    def buckets(self):
        return [self.bucket("uploads"), self.bucket("reports")]

    @property
    def tables(self):
        return [f"{self.stack}-inventory", f"{self.stack}-ledger"]

    @property
    def log_group(self):
        return f"/aws/lambda/{self.stack}-loader"


def names_for(cloud, stack):
    names = Names(stack, cloud.account, cloud.region)
    too_long = len(names.artifacts) - BUCKET_NAME_LENGTH
    if too_long > 0:
        characters = "1 character" if too_long == 1 else f"{too_long} characters"
        raise UserError(f"The stack name {stack} is {characters} too long for bucket names. Shorten it.")
    return names


def describe(cloudformation, stack):
    """Returns the stack, or None. A deleted stack is None if it is looked up by name."""
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise


def events_of(cloudformation, stack_id):
    """Returns the stack's events so far, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def follow(cloud, cloudformation, stack_id, seen):
    """Prints the stack's events until it has finished changing; returns its status and the reasons for failures."""
    reasons, deadline = [], time.monotonic() + DEADLINE_SECONDS
    while True:
        # The status is read first, so that once the stack has finished, the events are complete.
        status = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        fresh = [event for event in events_of(cloudformation, stack_id) if event["EventId"] not in seen]
        for event in fresh:
            seen.add(event["EventId"])
            name, state = event["LogicalResourceId"], event["ResourceStatus"]
            reason = event.get("ResourceStatusReason") or ""
            if not state.endswith("IN_PROGRESS"):
                say(f"  {state:<15} {name} {reason}".rstrip())
            # The stack's own event is only a summary; "cancelled" means a resource stopped because another one failed.
            if state.endswith("_FAILED") and event.get("PhysicalResourceId") != stack_id and "cancelled" not in reason:
                reasons.append(f"{name} ({event['ResourceType']}): {reason.rstrip('.')}.")
        # LocalStack reports DELETE_FAILED at the first resource that can't be deleted, and then continues deleting.
        if status.endswith("COMPLETE") or (status.endswith("FAILED") and not fresh):
            return status, reasons
        wait(cloud, deadline, f"Stack {stack_id} is still in {status}")


def wait(cloud, deadline, what):
    if time.monotonic() > deadline:
        raise UserError(
            f"{what} after {DEADLINE_SECONDS // 60} minutes. CloudFormation continues; check its console."
        )
    time.sleep(cloud.poll_seconds())


def is_there(ask, **about):
    try:
        ask(**about)
        return True
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket", "NoSuchKey", "ResourceNotFoundException"):
            return False
        raise


def delete_stack(cloud, cloudformation, found):
    stack_id = found["StackId"]
    seen = {event["EventId"] for event in events_of(cloudformation, stack_id)}
    cloudformation.delete_stack(StackName=stack_id)
    status, reasons = follow(cloud, cloudformation, stack_id, seen)
    if status != "DELETE_COMPLETE":
        why = " ".join(reasons)
        raise UserError(
            f"Stack {found['StackName']} was not deleted; it is in {status}. {why} Fix that and run this again."
        )


def remains(cloud, names, more_buckets=()):
    """Returns the buckets and tables of a stack that still exist."""
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    buckets = [
        b
        for b in [*names.buckets, *more_buckets]
        if is_there(s3.head_bucket, Bucket=b, ExpectedBucketOwner=cloud.account)
    ]
    tables = [t for t in names.tables if is_there(dynamodb.describe_table, TableName=t)]
    return [*(f"bucket {b}" for b in buckets), *(f"table {t}" for t in tables)]
