//! The clients of AWS over one HTTPS client, and how a fault of theirs is read.

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
/// DynamoDB answers in milliseconds. What has not answered by now is not going to, and a lease of 45 s still has room
/// for two more attempts.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Of a transfer to or from S3: a chunk of a plan over a slow line. Reading a body is watched by the SDK's own
/// protection against stalled streams.
const TRANSFER: Duration = Duration::from_secs(60);
/// The SDK's own attempts are for connections. What DynamoDB hands back unprocessed is tried again by `table`.
const ATTEMPTS: u32 = 3;

/// The clients, as the stages take them.
#[derive(Debug, Clone)]
pub struct Clients {
    pub s3: aws_sdk_s3::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub sns: aws_sdk_sns::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
}

/// Makes the clients from the environment; an endpoint or a region given here comes before the environment's.
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
    // Behind another endpoint than AWS's own, a bucket's name rarely is a host that resolves.
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

fn timeouts(attempt: Duration) -> TimeoutConfigBuilder {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(attempt).operation_attempt_timeout(attempt)
}

/// A call that AWS did not answer, or answered with an error: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}. {}", self.what(), self.advice())]
pub struct CloudFault {
    pub operation: &'static str,
    /// The bucket, table or function.
    pub place: String,
    /// The service's own code, or `Timeout`, `NoConnection` and the like where it was not reached.
    pub code: String,
    pub message: String,
    /// The same call may succeed later, with nobody changing anything.
    pub passing: bool,
}

impl CloudFault {
    /// Reads what a call came back with.
    pub fn new<E>(operation: &'static str, place: &str, error: &SdkError<E, HttpResponse>) -> CloudFault
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let missing = match error {
            SdkError::ServiceError(answer) => answer.err().code().and_then(caller::expired),
            _ => caller::missing(error),
        };
        if let Some(missing) = missing {
            return CloudFault::of_caller(operation, place, missing);
        }
        let context = || causes(error);
        let (code, message, passing) = match error {
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
                    // Done or not, nobody can say: it is not AWS that answers so, but something in between.
                    (None, ..300) => ("AnswerUnreadable", format!("HTTP {status}: {}", context()), true),
                    _ => {
                        let code = code.unwrap_or(if status == 404 { "NotFound" } else { "Unknown" });
                        let message = answer.err().message().map_or_else(|| format!("HTTP {status}"), str::to_string);
                        (code, message, status >= 500 || status == 429 || passes_by_itself(code))
                    }
                }
            }
            _ => ("AnswerCutOff", context(), true),
        };
        CloudFault { operation, place: place.to_string(), code: code.to_string(), message, passing }
    }

    /// Of a part of a call that as a whole was answered as done.
    pub fn of_part(operation: &'static str, place: &str, code: &str, message: &str) -> CloudFault {
        let passing = passes_by_itself(code);
        CloudFault {
            operation,
            place: place.to_string(),
            code: code.to_string(),
            message: message.to_string(),
            passing,
        }
    }

    /// The function's credentials are not for anybody to set right: its next run gets new ones.
    fn of_caller(operation: &'static str, place: &str, missing: caller::Missing) -> CloudFault {
        let caller::Missing { code, message, passing } = missing;
        let passing = passing || is_function();
        CloudFault { operation, place: place.to_string(), code: code.to_string(), message, passing }
    }

    fn what(&self) -> String {
        let CloudFault { operation, place, code, message, .. } = self;
        match caller::advice(code) {
            // Whatever was asked: it would have been the same.
            Some(_) => message.clone(),
            None => format!("{operation} on {place} was not done: {code}: {message}"),
        }
    }

    fn advice(&self) -> &'static str {
        if let Some(advice) = caller::advice(&self.code) {
            return if self.passing { MAY_PASS } else { advice };
        }
        match self.code.as_str() {
            "AccessDenied" | "AccessDeniedException" | "AuthorizationError" => match is_function() {
                true => "Allow the operation there in the role's policy",
                false => {
                    "Allow it to the user or role of your AWS credentials; aws sts get-caller-identity says which that is"
                }
            },
            "ResourceNotFoundException" | "NoSuchBucket" | "NotFound" => "Check the name, the region and the account",
            code if NOT_KNOWN.contains(&code) => "Check the AWS credentials, and whether this machine's clock is right",
            "NoConnection" => "Check the network, the region and the endpoint; if they are right, try again",
            _ if self.passing => MAY_PASS,
            _ => "Trying again will not help before this is changed",
        }
    }
}

/// Whether this process is the function, and not somebody's command.
fn is_function() -> bool {
    std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some()
}

/// An error with all that is behind it, on one line.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    links(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn links<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

const MAY_PASS: &str = "It may pass; trying again is safe";
/// Codes of a request whose credentials AWS does not know, or whose signature is not theirs.
const NOT_KNOWN: [&str; 9] = [
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

/// Codes that AWS sends with status 400, or in an answer, though nothing is wrong with the request.
fn passes_by_itself(code: &str) -> bool {
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

/// How long to wait before the nth try again (from 1): anything up to twice the time before, so that many who were
/// refused at once do not come back at once.
pub fn full_jitter(tries: u32, base: Duration, cap: Duration) -> Duration {
    let ceiling = base.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(cap);
    ceiling.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_smithy_types::body::SdkBody;

    fn answered(status: u16, code: &str) -> CloudFault {
        let error = GetItemError::generic(
            aws_sdk_dynamodb::error::ErrorMetadata::builder().code(code).message("so it says").build(),
        );
        let raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        CloudFault::new("GetItem", "table stock", &SdkError::service_error(error, raw))
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        for (status, code) in [(500, "InternalServerError"), (503, "Odd"), (400, "ThrottlingException"), (429, "Odd")] {
            assert!(answered(status, code).passing, "{code}");
        }
        for (status, code) in [(400, "ResourceNotFoundException"), (400, "AccessDeniedException"), (403, "Odd")] {
            assert!(!answered(status, code).passing, "{code}");
        }
        let late = SdkError::<GetItemError, HttpResponse>::timeout_error("late");
        assert!(CloudFault::new("GetItem", "table stock", &late).passing);
        let unsendable = SdkError::<GetItemError, HttpResponse>::construction_failure("no region");
        assert!(!CloudFault::new("GetItem", "table stock", &unsendable).passing);
    }

    #[test]
    fn a_fault_says_what_where_and_what_to_do() {
        assert_eq!(
            answered(400, "AccessDeniedException").to_string(),
            "GetItem on table stock was not done: AccessDeniedException: so it says. \
             Allow it to the user or role of your AWS credentials; aws sts get-caller-identity says which that is"
        );
    }

    #[tokio::test]
    async fn an_answer_of_success_that_cannot_be_read_is_told_with_its_cause() {
        let fake = fake::Fake::answering(|_| fake::Reply::Body(200, "<html>Sign in to this network</html>"));
        let answer = fake.dynamodb().get_item().table_name("stock").send().await;
        let fault = CloudFault::new("GetItem", "table stock", &answer.unwrap_err());
        assert_eq!((fault.code.as_str(), fault.passing), ("AnswerUnreadable", true));
        assert!(fault.message.starts_with("HTTP 200: ") && fault.message.len() > 40, "{fault}");
    }

    #[test]
    fn waiting_grows_to_its_cap_and_no_further() {
        let (base, cap) = (Duration::from_millis(50), Duration::from_secs(5));
        let mut longest = Duration::ZERO;
        for tries in [1, 2, 7, 8, 40, u32::MAX] {
            for _ in 0..200 {
                let pause = full_jitter(tries, base, cap);
                assert!(pause <= base.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(cap));
                longest = longest.max(pause);
            }
        }
        assert!(longest > cap / 2);
    }
}
