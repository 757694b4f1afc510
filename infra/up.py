"""Creates or updates the stack through a change set."""

import fcntl
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import program
import tools
from aws import UserError
from stack import DEADLINE_SECONDS, delete_stack, describe, events_of, follow, names_for, remains, say, wait

TEMPLATE = Path(__file__).resolve().parent / "template.yaml"
# `up` sets these parameters; the operator can set all others.
OWN_PARAMETERS = {"CodeBucket", "CodeKey", "Architecture"}
# LocalStack's reason for a resource whose type it doesn't know, while it reports success.
FALLBACK = "was deployed as a fallback"


def deploy(cloud, stack, code, architecture=None, settings=None, template=TEMPLATE):
    """Creates or updates the stack; returns its outputs."""
    names, started = names_for(cloud, stack), time.monotonic()
    architecture = program.check(code, architecture)
    cloudformation = cloud.client("cloudformation")
    before = ready_for_change(cloud, cloudformation, names)
    parameters = choose_parameters(cloudformation, template, before, settings or {})
    key = program.upload(cloud, names, code)
    parameters += given(CodeBucket=names.artifacts, CodeKey=key, Architecture=architecture)
    changed = change(cloud, cloudformation, stack, before, template, parameters)
    check_resources(cloudformation, stack)
    done = (
        "is up to date, nothing changed" if not changed else "was updated" if before else "was created"
    )
    say(f"Stack {stack} {done} ({time.monotonic() - started:.1f} s).")
    return outputs(describe(cloudformation, stack))


def ready_for_change(cloud, cloudformation, names):
    """Returns the existing stack, or None if it has to be created."""
    found = describe(cloudformation, names.stack)
    status = found and found["StackStatus"]
    if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"):
        say(f"Stack {names.stack} is in {status}: removing what is left of it first.")
        delete_stack(cloud, cloudformation, found)
        found = None
    elif status == "REVIEW_IN_PROGRESS":  # a change set was made but never executed: there is no stack yet
        found = None
    elif status and status.endswith(("IN_PROGRESS", "FAILED")):
        busy = status.endswith("IN_PROGRESS")
        advice = "Wait for that to finish" if busy else "Fix it in the CloudFormation console"
        raise UserError(f"Stack {names.stack} is in {status} and can't be changed now. {advice}, then run this again.")
    if not found and (left := remains(cloud, names)):
        raise UserError(
            f"There is no stack {names.stack}, but data of an earlier one still exists: {', '.join(left)}. Delete "
            f"it for good with `infra/deploy down --stack {names.stack} --with-data`, or deploy under another name."
        )
    return found


def choose_parameters(cloudformation, template, before, settings):
    """Returns the parameters: those the caller sets, and the current values of an existing stack's others."""
    summary = cloudformation.get_template_summary(TemplateBody=template.read_text())
    free = {p["ParameterKey"] for p in summary["Parameters"]} - OWN_PARAMETERS
    # LocalStack would silently ignore a misspelt name.
    if unknown := sorted(set(settings) - free):
        raise UserError(f"There is no parameter {', '.join(unknown)}. The parameters are {', '.join(sorted(free))}.")
    current = {p["ParameterKey"] for p in before.get("Parameters", [])} if before else set()
    kept = sorted((free & current) - set(settings))
    return given(**settings) + [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def change(cloud, cloudformation, stack, before, template, parameters):
    """Creates and executes a change set; returns whether any resource changed."""
    with turn(cloud):
        made = cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"deploy-{uuid.uuid4().hex}",
            ChangeSetType="UPDATE" if before else "CREATE",
            TemplateBody=template.read_text(),
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    change_set, stack_id = made["Id"], made["StackId"]
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        planned = cloudformation.describe_change_set(ChangeSetName=change_set, StackName=stack_id)
        if planned["Status"] == "CREATE_COMPLETE":
            break
        if planned["Status"] == "FAILED":
            reason = planned.get("StatusReason", "")
            cloudformation.delete_change_set(ChangeSetName=change_set, StackName=stack_id)
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return False
            raise UserError(f"CloudFormation did not accept the change of stack {stack}: {reason}")
        wait(cloud, deadline, f"CloudFormation is still planning the change of stack {stack}")
    seen = {event["EventId"] for event in events_of(cloudformation, stack_id)}
    # With RetainExceptOnCreate, a failed first deployment removes everything it created, tables and buckets included.
    cloudformation.execute_change_set(ChangeSetName=change_set, StackName=stack_id, RetainExceptOnCreate=True)
    status, reasons = follow(cloud, cloudformation, stack_id, seen)
    # LocalStack ends some failed updates with UPDATE_COMPLETE, so the reasons count too, not only the status.
    if reasons or status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise UserError(f"Stack {stack} was not deployed; it is in {status}. " + " ".join(reasons))
    # Because of the transform in the template, CloudFormation may accept a change set without changes.
    return bool(planned["Changes"])


@contextmanager
def turn(cloud):
    """Lets one deployment at a time create a change set, as LocalStack mixes up SAM templates expanded concurrently."""
    with open(tools.ROOT / ".local" / "deploy.lock", "w") as lock:
        if cloud.is_local:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_resources(cloudformation, stack):
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    if pretended := fallbacks(resource for page in pages for resource in page["StackResourceSummaries"]):
        raise UserError(f"LocalStack only pretended to create {', '.join(pretended)}: it doesn't know that type.")


def fallbacks(resources):
    return [
        f"{r['LogicalResourceId']} ({r['ResourceType']})"
        for r in resources
        if FALLBACK in (r.get("ResourceStatusReason") or "")
    ]


def outputs(described):
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
