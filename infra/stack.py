"""What belongs to a stack by name, what state it is in, and following it until it rests."""

import sys
import time
from dataclasses import dataclass

from botocore.exceptions import ClientError

from aws import Trouble, code_of

DEADLINE_SECONDS = 30 * 60  # a first deployment takes AWS about three minutes
BUCKET_NAME_LENGTH = 63  # the longest name S3 takes


def say(text):
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Names:
    """What belongs to a stack by name. template.yaml derives the same names; test_template.py compares the two."""

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
        raise Trouble(f"{stack} is {too_long} characters too long: S3 would not take the names of its buckets.")
    return names


def describe(cloudformation, stack):
    """The stack, or None. Asked for by name, it is None once deleted."""
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise


def events_of(cloudformation, stack_id):
    """What happened to the stack so far, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def follow(cloud, cloudformation, stack_id, seen):
    """Tells what happens until the stack rests; returns its status, and the reasons of what did not succeed."""
    reasons, deadline = [], time.monotonic() + DEADLINE_SECONDS
    while True:
        # The status first: events of a stack at rest are complete.
        status = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        fresh = [event for event in events_of(cloudformation, stack_id) if event["EventId"] not in seen]
        for event in fresh:
            seen.add(event["EventId"])
            name, state = event["LogicalResourceId"], event["ResourceStatus"]
            reason = event.get("ResourceStatusReason") or ""
            if not state.endswith("IN_PROGRESS"):
                say(f"  {state:<15} {name} {reason}".rstrip())
            # The stack's own event only sums up; "cancelled" is what the others are called once one did not succeed.
            if state.endswith("_FAILED") and event.get("PhysicalResourceId") != stack_id and "cancelled" not in reason:
                reasons.append(f"{name} ({event['ResourceType']}): {reason.rstrip('.')}.")
        # LocalStack calls a stack DELETE_FAILED at its first resource that resists, and then goes on deleting.
        if status.endswith("COMPLETE") or (status.endswith("FAILED") and not fresh):
            return status, reasons
        wait(cloud, deadline, f"Stack {stack_id} is still in {status}")


def wait(cloud, deadline, what):
    if time.monotonic() > deadline:
        raise Trouble(
            f"{what} after {DEADLINE_SECONDS // 60} minutes. CloudFormation goes on: look at it in its console."
        )
    time.sleep(cloud.seconds_between_looks())


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
        raise Trouble(
            f"Stack {found['StackName']} was not deleted; it is in {status}. {why} Put that right and run this again."
        )


def remains(cloud, names, more_buckets=()):
    """The buckets and tables of a stack that are still here."""
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    buckets = [
        b
        for b in [*names.buckets, *more_buckets]
        if is_there(s3.head_bucket, Bucket=b, ExpectedBucketOwner=cloud.account)
    ]
    tables = [t for t in names.tables if is_there(dynamodb.describe_table, TableName=t)]
    return [*(f"bucket {b}" for b in buckets), *(f"table {t}" for t in tables)]
