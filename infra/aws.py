"""The way to AWS, or to a local cloud: credentials, region, clients, and what to say when AWS says no."""

import os
import sys
from urllib.parse import urlsplit

import boto3
from botocore import exceptions
from botocore.config import Config

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "localhost.localstack.cloud")
LOCAL_REGION = "eu-central-1"


class Trouble(Exception):
    """Something the reader has to know, as a sentence with what to do."""


class Cloud:
    def __init__(self, endpoint_url=None, region=None):
        self.endpoint_url = endpoint_url
        self.is_local = urlsplit(endpoint_url or "").hostname in LOCAL_HOSTS
        region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if self.is_local:
            # A local cloud takes any credentials; a person's real ones have no business there. Tests set their own.
            if "AWS_ACCESS_KEY_ID" in os.environ:
                self.session = boto3.Session(region_name=region or LOCAL_REGION)
            else:
                self.session = boto3.Session("test", "test", region_name=region or LOCAL_REGION)
        else:
            self.session = boto3.Session(region_name=region)
        if not self.session.region_name:
            raise Trouble("No region is set. Say --region, or set AWS_REGION.")
        self.region = self.session.region_name
        self.account = self.client("sts").get_caller_identity()["Account"]

    def client(self, service):
        # A local cloud knows buckets by path, not by host name.
        addressing = "path" if self.endpoint_url else "auto"
        retries = {"mode": "standard", "total_max_attempts": 2 if self.is_local else 8}
        config = Config(s3={"addressing_style": addressing}, retries=retries, connect_timeout=5)
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)

    def seconds_between_looks(self):
        return 0.2 if self.is_local else 2


def code_of(error):
    """AWS's code of an error, such as AccessDenied; for HEAD requests, whose answers are empty, the HTTP status."""
    return error.response.get("Error", {}).get("Code", "")


def run(main):
    """Runs `main`; ends the program with its exit code, or with trouble in a sentence."""
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(str(trouble))
    except exceptions.BotoCoreError as error:
        sys.exit(explain_connection(error))
    except exceptions.ClientError as error:
        sys.exit(explain_answer(error))
    except KeyboardInterrupt:
        sys.exit("Stopped. What AWS has begun goes on there; run the same command again to see it through.")


def explain_connection(error):
    """What to do about an error that arose on this side, before or without an answer from AWS."""
    if isinstance(
        error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError)
    ):
        return "There are no AWS credentials to work with. Sign in with `aws sso login`, or set AWS_PROFILE."
    if isinstance(error, exceptions.ProfileNotFound):
        return f"{error}. Check AWS_PROFILE against the profiles that `aws configure list-profiles` shows."
    if isinstance(error, (exceptions.SSOError, exceptions.TokenRetrievalError)):
        return "Your AWS sign-in has run out. Sign in again with `aws sso login`."
    if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        where = getattr(error, "kwargs", {}).get("endpoint_url") or "the endpoint"
        local = urlsplit(where).hostname in LOCAL_HOSTS
        return f"Nothing answers at {where}. " + (
            "Start the local cloud with `make localstack-up`." if local else "Check the network and the region."
        )
    return f"AWS could not be asked: {error}"


def explain_answer(error):
    """What to do about AWS's own "no"."""
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
        return f"You may not do {error.operation_name} with these credentials. Ask for that permission. AWS says: {message}"
    return f"AWS answered {error.operation_name} with {code}: {message}"
