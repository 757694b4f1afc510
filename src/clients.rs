//! The AWS clients, which share one HTTPS client, and the error that their calls return.

mod caller;
#[cfg(test)]
pub(crate) mod fake;

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls;

const CONNECT: Duration = Duration::from_secs(3);
/// DynamoDB answers in milliseconds. A request without an answer by now won't get one, and a lease of 45 s still has
/// room for two more attempts.
const ATTEMPT: Duration = Duration::from_secs(10);
/// For a transfer to or from S3: a chunk of a plan over a slow line. While a body is read, the SDK's stalled-stream
/// protection applies.
const TRANSFER: Duration = Duration::from_secs(60);
/// The SDK's retries are for failed connections. Items that DynamoDB returns unprocessed are retried by `table`.
const ATTEMPTS: u32 = 3;

/// One client for each service.
#[derive(Debug, Clone)]
pub struct Clients {
    pub s3: aws_sdk_s3::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub sns: aws_sdk_sns::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
}

/// Makes the clients from the environment. An endpoint or a region given here overrides the environment's.
pub async fn connect(endpoint_url: Option<&str>, region: Option<&str>) -> Clients {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(ATTEMPT).build());
    if let Some(url) = endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = region {
        loader = loader.region(aws_config::Region::new(region.to_string()));
    }
    let shared = loader.load().await;
    // At an endpoint other than AWS's own, a bucket's name rarely resolves as a host.
    let other_endpoint = shared.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let s3 = aws_sdk_s3::config::Builder::from(&shared)
        .timeout_config(timeouts(TRANSFER).build())
        .force_path_style(other_endpoint)
        .build();
    Clients {
        s3: aws_sdk_s3::Client::from_conf(s3),
        dynamodb: aws_sdk_dynamodb::Client::new(&shared),
        lambda: aws_sdk_lambda::Client::new(&shared),
        sqs: aws_sdk_sqs::Client::new(&shared),
        sns: aws_sdk_sns::Client::new(&shared),
        eventbridge: aws_sdk_eventbridge::Client::new(&shared),
    }
}

/// A client of a table that runs on this machine. It takes nothing from the environment, and signs with this key.
pub fn on_this_machine(url: &str, access_key: &str) -> aws_sdk_dynamodb::Client {
    let credentials = aws_sdk_dynamodb::config::Credentials::new(access_key, "local", None, None, "local table");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws_config::Region::new("local"))
        .credentials_provider(credentials)
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(ATTEMPT).build());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn timeouts(attempt: Duration) -> TimeoutConfigBuilder {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(attempt).operation_attempt_timeout(attempt)
}

/// A call that AWS did not answer, or answered with an error. Its text says what failed, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}. {}", self.what(), self.advice())]
pub struct CloudFault {
    pub operation: &'static str,
    /// The bucket, table, queue, topic or function that was called.
    pub resource: String,
    /// The service's own code, or one such as `Timeout` or `NoConnection` if the service was not reached.
    pub code: String,
    pub message: String,
    /// Whether the same call may succeed later without anything being changed.
    pub transient: bool,
}

impl CloudFault {
    /// Makes a fault of the error that a call returned.
    pub fn new<E>(operation: &'static str, resource: &str, error: &SdkError<E, HttpResponse>) -> CloudFault
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let setup_fault = match error {
            SdkError::ServiceError(answer) => answer.err().code().and_then(caller::expired),
            _ => caller::setup_fault(error),
        };
        if let Some(setup_fault) = setup_fault {
            return CloudFault::of_setup(operation, resource, setup_fault);
        }
        let context = || causes(error);
        let (code, message, transient) = match error {
            SdkError::ConstructionFailure(_) => ("Unsendable", context(), false),
            SdkError::TimeoutError(_) => ("Timeout", "no answer in time".to_string(), true),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                ("Timeout", "no connection or no answer in time".to_string(), true)
            }
            SdkError::DispatchFailure(_) => ("NoConnection", context(), true),
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                let code = answer.err().code();
                match (code, status) {
                    // Something between us and AWS has answered; whether AWS did what was asked is unknown.
                    (None, ..300) => ("AnswerUnreadable", format!("HTTP {status}: {}", context()), true),
                    _ => {
                        let code = code.unwrap_or(if status == 404 { "NotFound" } else { "Unknown" });
                        let message = answer.err().message().map_or_else(|| format!("HTTP {status}"), str::to_string);
                        (code, message, status >= 500 || status == 429 || is_transient_code(code))
                    }
                }
            }
            _ => ("AnswerCutOff", context(), true),
        };
        CloudFault { operation, resource: resource.to_string(), code: code.to_string(), message, transient }
    }

    /// Makes a fault of one entry of a batch call whose other entries may have succeeded.
    pub fn of_part(operation: &'static str, resource: &str, code: &str, message: &str) -> CloudFault {
        let transient = is_transient_code(code);
        CloudFault {
            operation,
            resource: resource.to_string(),
            code: code.to_string(),
            message: message.to_string(),
            transient,
        }
    }

    /// In the function, a fault of its credentials is transient: its next run gets new ones.
    fn of_setup(operation: &'static str, resource: &str, fault: caller::SetupFault) -> CloudFault {
        let caller::SetupFault { code, message, transient } = fault;
        let transient = transient || is_function();
        CloudFault { operation, resource: resource.to_string(), code: code.to_string(), message, transient }
    }

    fn what(&self) -> String {
        let CloudFault { operation, resource, code, message, .. } = self;
        match caller::advice(code) {
            // Any call would have failed this way, so the operation isn't named.
            Some(_) => message.clone(),
            None => format!("{operation} on {resource} failed: {code}: {message}"),
        }
    }

    fn advice(&self) -> &'static str {
        if let Some(advice) = caller::advice(&self.code) {
            return if self.transient { TEMPORARY } else { advice };
        }
        match self.code.as_str() {
            "AccessDenied" | "AccessDeniedException" | "AuthorizationError" => match is_function() {
                true => "Allow this operation in the policy of the function's role",
                false => {
                    "Allow it for the user or role of your AWS credentials, which aws sts get-caller-identity shows"
                }
            },
            "ResourceNotFoundException" | "NoSuchBucket" | "NotFound" => "Check the name, the region and the account",
            code if REJECTED_CREDENTIALS.contains(&code) => "Check the AWS credentials and this machine's clock",
            "NoConnection" => "Check the network, the region and the endpoint; if they are right, retry",
            _ if self.transient => TEMPORARY,
            _ => "Fix this first; retrying won't help",
        }
    }
}

/// Whether this process is the Lambda function and not the command.
fn is_function() -> bool {
    std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some()
}

/// An error and all its causes, on one line.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    error_chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn error_chain<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

const TEMPORARY: &str = "This is probably temporary; retrying is safe";
/// Codes of a request whose credentials AWS does not know, or whose signature doesn't match them.
const REJECTED_CREDENTIALS: [&str; 9] = [
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Whether a code means a temporary fault, although AWS sends it with status 400 or inside a successful answer.
fn is_transient_code(code: &str) -> bool {
    const CODES: [&str; 17] = [
        "ConditionalRequestConflict",
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "KMSThrottling",
        "LimitExceededException",
        "OperationAborted",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    ];
    CODES.contains(&code)
}

/// Returns how long to wait before retry number `attempt`, counted from 1: a random time below a limit that doubles
/// with each retry up to `cap`, so that callers refused at the same time don't all return at the same time.
pub fn full_jitter(attempt: u32, base: Duration, cap: Duration) -> Duration {
    let ceiling = base.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(cap);
    ceiling.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_smithy_types::body::SdkBody;

    fn answered(status: u16, code: &str) -> CloudFault {
        let error = GetItemError::generic(
            aws_sdk_dynamodb::error::ErrorMetadata::builder().code(code).message("the message").build(),
        );
        let raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        CloudFault::new("GetItem", "table stock", &SdkError::service_error(error, raw))
    }

    #[test]
    fn transient_faults_are_told_apart_from_lasting_ones() {
        for (status, code) in [(500, "InternalServerError"), (503, "Odd"), (400, "ThrottlingException"), (429, "Odd")] {
            assert!(answered(status, code).transient, "{code}");
        }
        for (status, code) in [(400, "ResourceNotFoundException"), (400, "AccessDeniedException"), (403, "Odd")] {
            assert!(!answered(status, code).transient, "{code}");
        }
        let late = SdkError::<GetItemError, HttpResponse>::timeout_error("late");
        assert!(CloudFault::new("GetItem", "table stock", &late).transient);
        let unsendable = SdkError::<GetItemError, HttpResponse>::construction_failure("no region");
        assert!(!CloudFault::new("GetItem", "table stock", &unsendable).transient);
    }

    #[test]
    fn a_fault_says_what_failed_where_and_what_to_do() {
        assert_eq!(
            answered(400, "AccessDeniedException").to_string(),
            "GetItem on table stock failed: AccessDeniedException: the message. \
             Allow it for the user or role of your AWS credentials, which aws sts get-caller-identity shows"
        );
    }

    #[tokio::test]
    async fn an_unreadable_answer_with_a_success_status_is_reported_with_its_cause() {
        let fake = fake::Fake::answering(|_| fake::Reply::Body(200, "<html>Sign in to this network</html>"));
        let answer = fake.dynamodb().get_item().table_name("stock").send().await;
        let fault = CloudFault::new("GetItem", "table stock", &answer.unwrap_err());
        assert_eq!((fault.code.as_str(), fault.transient), ("AnswerUnreadable", true));
        assert!(fault.message.starts_with("HTTP 200: ") && fault.message.len() > 40, "{fault}");
    }

    #[test]
    fn waits_grow_up_to_the_cap() {
        let (base, cap) = (Duration::from_millis(50), Duration::from_secs(5));
        let mut longest = Duration::ZERO;
        for attempt in [1, 2, 7, 8, 40, u32::MAX] {
            for _ in 0..200 {
                let pause = full_jitter(attempt, base, cap);
                assert!(pause <= base.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(cap));
                longest = longest.max(pause);
            }
        }
        assert!(longest > cap / 2);
    }
}
