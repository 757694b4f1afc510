"""Connects to AWS or to a local cloud, and explains errors: credentials, region, clients."""

import os
import sys
from urllib.parse import urlsplit

import boto3
from botocore import exceptions
from botocore.config import Config

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "localhost.localstack.cloud")
LOCAL_REGION = "eu-central-1"


class UserError(Exception):
    """An error for the user: a sentence that says what is wrong and what to do."""


class Cloud:
    def __init__(self, endpoint_url=None, region=None):
        self.endpoint_url = endpoint_url
        self.is_local = urlsplit(endpoint_url or "").hostname in LOCAL_HOSTS
        region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if self.is_local:
            # A local cloud accepts any credentials; the user's real ones are not sent there. Tests set their own.
            if "AWS_ACCESS_KEY_ID" in os.environ:
                self.session = boto3.Session(region_name=region or LOCAL_REGION)
            else:
                self.session = boto3.Session("test", "test", region_name=region or LOCAL_REGION)
        else:
            self.session = boto3.Session(region_name=region)
        if not self.session.region_name:
            raise UserError("No region is set. Use --region, or set AWS_REGION.")
        self.region = self.session.region_name
        self.account = self.client("sts").get_caller_identity()["Account"]

    def client(self, service):
        # A local cloud addresses buckets by path, not by host name.
        addressing = "path" if self.endpoint_url else "auto"
        retries = {"mode": "standard", "total_max_attempts": 2 if self.is_local else 8}
        config = Config(s3={"addressing_style": addressing}, retries=retries, connect_timeout=5)
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)

    def poll_seconds(self):
        return 0.2 if self.is_local else 2


def code_of(error):
    """Returns AWS's error code, such as AccessDenied; for HEAD requests, whose answers are empty, the HTTP status."""
    return error.response.get("Error", {}).get("Code", "")


def run(main):
    """Runs `main` and exits with its code, or with an error message."""
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(str(error))
    except exceptions.BotoCoreError as error:
        sys.exit(explain_connection(error))
    except exceptions.ClientError as error:
        sys.exit(explain_answer(error))
    except KeyboardInterrupt:
        sys.exit("Stopped. AWS continues what was started; run the same command again to follow it to the end.")


def explain_connection(error):
    """Explains an error without an answer from AWS."""
    if isinstance(
        error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError)
    ):
        return "No AWS credentials were found. Sign in with `aws sso login`, or set AWS_PROFILE."
    if isinstance(error, exceptions.ProfileNotFound):
        return f"{error}. Check AWS_PROFILE; `aws configure list-profiles` lists the profiles."
    if isinstance(error, (exceptions.SSOError, exceptions.TokenRetrievalError)):
        return "Your AWS sign-in has expired. Sign in again with `aws sso login`."
    if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        where = getattr(error, "kwargs", {}).get("endpoint_url") or "the endpoint"
        local = urlsplit(where).hostname in LOCAL_HOSTS
        return f"Nothing answers at {where}. " + (
            "Start the local cloud with `make localstack-up`." if local else "Check the network and the region."
        )
    return f"The request could not be sent to AWS: {error}"


def explain_answer(error):
    """Explains an error that AWS answered with."""
    code, message = code_of(error), error.response.get("Error", {}).get("Message", "")
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return "Your AWS session has expired. Sign in again and run the same command."
    if code in (
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthFailure",
    ):
        return f"AWS does not know these credentials ({code}). Check AWS_PROFILE, or sign in again."
    if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"):
        return f"These credentials don't allow {error.operation_name}. Ask for that permission. AWS says: {message}"
    return f"AWS answered {error.operation_name} with {code}: {message}"
