"""Checks whether Lambda can run the function's program, and uploads it to the artefact bucket."""

import hashlib
import json
import tempfile
import zipfile

from aws import UserError
from stack import is_there, say

LARGEST_BYTES = 250 * 1024 * 1024  # Lambda's limit, unzipped


def check(path, wanted):
    """Returns the architecture to deploy for: `wanted`, or the one the program was built for, or else arm64."""
    try:
        with open(path, "rb") as program:
            head, size = program.read(20), path.stat().st_size
    except OSError as error:
        advice = "Build it with `make build`, or name another file with --code."
        raise UserError(f"The program {path} can't be read ({error.strerror}). {advice}") from None
    if size > LARGEST_BYTES:
        advice = "Build it with --release, or strip it."
        limit = f"Lambda's limit is {LARGEST_BYTES / 2**20:.0f} MB"
        raise UserError(f"{path} has {size / 2**20:.0f} MB, and {limit}. {advice}")
    # The machine field of an ELF header. Anything else, such as a script, runs on both.
    machine = int.from_bytes(head[18:20], "little") if head.startswith(b"\x7fELF") else None
    built_for = {62: "x86_64", 183: "arm64"}.get(machine)
    if wanted and built_for and wanted != built_for:
        advice = f"Build it for {wanted}, or use --arch {built_for}."
        raise UserError(f"{path} was built for {built_for} and does not run on {wanted}. {advice}")
    return wanted or built_for or "arm64"


def upload(cloud, names, path):
    """Uploads the program, zipped, to the artefact bucket under the hash of its content; returns the key."""
    s3, bucket = cloud.client("s3"), names.artifacts
    make_artifact_bucket(cloud, s3, bucket)
    key = f"code/{hashlib.sha256(path.read_bytes()).hexdigest()}.zip"
    if is_there(s3.head_object, Bucket=bucket, Key=key, ExpectedBucketOwner=cloud.account):
        say("The program is already uploaded.")
        return key
    with tempfile.TemporaryFile() as packed:
        # The time and mode in the zip are fixed, so that the same program makes the same zip.
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.create_system, entry.external_attr = 3, 0o100755 << 16  # Unix; -rwxr-xr-x
        entry.compress_type, entry.file_size = zipfile.ZIP_DEFLATED, path.stat().st_size
        with zipfile.ZipFile(packed, "w") as archive, open(path, "rb") as program, archive.open(entry, "w") as inside:
            while chunk := program.read(1 << 20):
                inside.write(chunk)
        say(f"Uploading the program ({packed.tell() / 2**20:.1f} MB zipped).")
        packed.seek(0)
        s3.upload_fileobj(packed, bucket, key, ExtraArgs={"ExpectedBucketOwner": cloud.account})
    return key


def make_artifact_bucket(cloud, s3, bucket):
    if not is_there(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner=cloud.account):
        # us-east-1 is S3's default and must not be named.
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
        s3.create_bucket(Bucket=bucket, **({} if cloud.region == "us-east-1" else elsewhere))
    # Set each time, in case an earlier run was stopped after creating the bucket.
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
        ),
    )
    arn = f"arn:{cloud.session.get_partition_for_region(cloud.region)}:s3:::{bucket}"
    only_over_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [only_over_tls]}))
