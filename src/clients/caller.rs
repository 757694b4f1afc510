//! Recognises faults of the caller's own set-up: no credentials, no region, or expired credentials. The request itself
//! is fine, and a retry doesn't help until the caller fixes the set-up.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::error_chain;

pub(super) const NO_CREDENTIALS: &str = "NoCredentials";
pub(super) const NO_PROFILE: &str = "NoProfile";
pub(super) const NO_REGION: &str = "NoRegion";
pub(super) const NO_ADDRESS: &str = "NoAddress";
pub(super) const EXPIRED: &str = "CredentialsExpired";
pub(super) const UNAVAILABLE: &str = "CredentialsUnavailable";
pub(super) const UNREADABLE: &str = "SettingsUnreadable";

/// A fault of the set-up. `advice` says what to do about its code.
#[derive(Debug)]
pub(super) struct SetupFault {
    pub code: &'static str,
    pub message: String,
    /// Whether the provider of the credentials could not be reached.
    pub transient: bool,
}

impl SetupFault {
    fn new(code: &'static str, message: impl Into<String>) -> SetupFault {
        SetupFault { code, message: message.into(), transient: false }
    }
}

/// Why a request could not be signed or addressed; `None` if the error is something else.
pub(super) fn setup_fault(error: &(dyn Error + 'static)) -> Option<SetupFault> {
    if let Some(credentials) = error_chain(error).find_map(|link| link.downcast_ref::<CredentialsError>()) {
        return Some(without_credentials(credentials));
    }
    error_chain(error).find_map(|link| without_address(&link.to_string()))
}

/// Recognises a missing or wrong region or endpoint. The SDK reports these only as text, and some of it quotes the
/// whole request.
fn without_address(text: &str) -> Option<SetupFault> {
    const NO_REGION_TEXTS: [&str; 3] =
        ["Invalid Configuration: Missing Region", "missing signing region", "A region must be set"];
    let endpoint = ["failed to apply endpoint `", "Custom endpoint `"].iter().find_map(|start| {
        let (_, rest) = text.split_once(start)?;
        Some(rest.split_once('`')?.0)
    });
    if NO_REGION_TEXTS.iter().any(|found| text.contains(found)) {
        return Some(SetupFault::new(NO_REGION, "no AWS region was set"));
    }
    if text.contains("`region` - must be a valid host label") {
        return Some(SetupFault::new(NO_ADDRESS, "the AWS region is not a valid region name"));
    }
    endpoint.map(|endpoint| SetupFault::new(NO_ADDRESS, format!("the AWS endpoint \"{endpoint}\" is not a valid URL")))
}

/// Recognises AWS's codes for expired credentials.
pub(super) fn expired(code: &str) -> Option<SetupFault> {
    const CODES: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];
    CODES.contains(&code).then(|| SetupFault::new(EXPIRED, "the AWS credentials have expired"))
}

fn without_credentials(error: &CredentialsError) -> SetupFault {
    let why = error.source().map(reason).unwrap_or_default();
    match error {
        CredentialsError::CredentialsNotLoaded(_) => match undefined_profile(&why) {
            Some(profile) => SetupFault::new(NO_PROFILE, format!("the AWS profile \"{profile}\" is not defined")),
            None => SetupFault::new(NO_CREDENTIALS, "no AWS credentials were found"),
        },
        CredentialsError::InvalidConfiguration(_) => {
            let why = why.split_once("could not be built: ").map_or(&*why, |(_, why)| why);
            SetupFault::new(UNREADABLE, format!("the AWS settings could not be read: {why}"))
        }
        // The SDK asks the instance metadata service (IMDS) last, and only if no other credentials are set.
        _ if why.contains("IMDS") => SetupFault::new(NO_CREDENTIALS, "no AWS credentials were found"),
        _ if why.contains("expired") => SetupFault::new(EXPIRED, format!("the AWS credentials have expired: {why}")),
        CredentialsError::ProviderTimedOut(_) => SetupFault { transient: true, ..unavailable(&error.to_string()) },
        _ => SetupFault { transient: was_out_of_reach(error), ..unavailable(&why) },
    }
}

/// The causes of an error, without those that only announce another one.
fn reason(error: &(dyn Error + 'static)) -> String {
    let says_more = |text: &String| !text.starts_with("an error occurred while loading");
    let texts: Vec<String> = error_chain(error).map(ToString::to_string).filter(says_more).collect();
    texts.join(": ").trim_end_matches(['.', ' ']).to_string()
}

fn unavailable(why: &str) -> SetupFault {
    SetupFault::new(UNAVAILABLE, format!("the AWS credentials could not be loaded: {why}"))
}

/// The profile that was named but is not defined. A missing profile "default" doesn't count: the SDK looks for it even
/// if the caller didn't name it.
fn undefined_profile(why: &str) -> Option<&str> {
    let (_, named) = why.split_once("profile `")?;
    let (profile, rest) = named.split_once('`')?;
    (profile != "default" && rest.starts_with(" was not defined")).then_some(profile)
}

fn was_out_of_reach(error: &(dyn Error + 'static)) -> bool {
    error_chain(error).any(|link| link.is::<ConnectorError>())
}

/// What to do about one of the codes above.
pub(super) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        NO_CREDENTIALS => "Run aws configure, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        NO_PROFILE => "Check AWS_PROFILE and ~/.aws/config; aws configure list-profiles lists the profiles",
        NO_REGION => "Set it with --region or AWS_REGION, or run aws configure",
        NO_ADDRESS => "Check the region and the endpoint: --region, AWS_REGION, --endpoint-url",
        EXPIRED => "Sign in again (aws sso login) or get new credentials, then run the same command again",
        UNAVAILABLE => "Sign in (aws sso login), or check the credentials in your AWS settings",
        UNREADABLE => "Correct the AWS settings, usually in ~/.aws/config and ~/.aws/credentials",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_config::SdkConfig;
    use aws_credential_types::provider::{self, ProvideCredentials, future};
    use aws_sdk_dynamodb::config::SharedCredentialsProvider;
    use serde_json::json;

    use super::*;
    use crate::clients::CloudFault;
    use crate::clients::fake::{Fake, Reply};

    /// A provider that fails to give credentials, with this error.
    #[derive(Debug)]
    struct Without(fn() -> CredentialsError);

    impl ProvideCredentials for Without {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let refused: provider::Result = Err((self.0)());
            future::ProvideCredentials::ready(refused)
        }
    }

    /// The fault of a DescribeTable call with these settings.
    async fn fault(config: &SdkConfig) -> CloudFault {
        let asked = aws_sdk_dynamodb::Client::new(config).describe_table().table_name("stock").send().await;
        CloudFault::new("DescribeTable", "table stock", &asked.unwrap_err())
    }

    async fn without(reason: fn() -> CredentialsError) -> CloudFault {
        let fake = Fake::answering(|_| Reply::Json(200, json!({})));
        let provider = SharedCredentialsProvider::new(Without(reason));
        let fault = fault(&fake.config().into_builder().credentials_provider(provider).build()).await;
        assert!(fake.requests().is_empty());
        fault
    }

    async fn refused(code: &'static str) -> CloudFault {
        let fake = Fake::answering(move |_| Reply::Json(400, json!({ "__type": code, "message": "the message" })));
        fault(&fake.config()).await
    }

    #[tokio::test]
    async fn missing_credentials_are_reported_in_one_line_and_not_retried() {
        let fault = without(CredentialsError::not_loaded_no_source).await;
        assert_eq!(
            fault.to_string(),
            "no AWS credentials were found. Run aws configure, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        );
        assert!(!fault.transient);
    }

    #[tokio::test]
    async fn a_missing_region_is_reported_with_or_without_an_endpoint() {
        for endpoint in [None, Some("http://127.0.0.1:4566".to_string())] {
            let fake = Fake::answering(|_| Reply::Json(200, json!({})));
            let mut config = fake.config().into_builder();
            config.set_region(None).set_endpoint_url(endpoint);
            let fault = fault(&config.build()).await;
            assert_eq!((fault.code.as_str(), fault.transient), (NO_REGION, false), "{fault}");
            assert!(fault.to_string().starts_with("no AWS region was set. Set it with --region"), "{fault}");
        }
    }

    #[tokio::test]
    async fn a_wrong_region_or_endpoint_is_reported_without_quoting_the_request() {
        for (region, endpoint, expected) in [
            ("eu central 1", None, "the AWS region is not a valid region name. Check the region"),
            ("eu-central-1", Some("127.0.0.1:4566"), "the AWS endpoint \"127.0.0.1:4566\" is not a valid URL. Check"),
        ] {
            let fake = Fake::answering(|_| Reply::Json(200, json!({})));
            let mut config = fake.config().into_builder();
            config.set_region(Some(aws_config::Region::new(region))).set_endpoint_url(endpoint.map(str::to_string));
            let fault = fault(&config.build()).await;
            assert!(!fault.transient && fault.to_string().starts_with(expected), "{fault}");
            assert!(fault.message.len() < 100, "{fault}");
        }
    }

    #[tokio::test]
    async fn a_fault_of_the_settings_is_reported_with_its_cause() {
        for (reason, code, expected) in [
            (
                (|| CredentialsError::not_loaded("profile `york` was not defined: x")) as fn() -> CredentialsError,
                NO_PROFILE,
                "the AWS profile \"york\" is not defined. Check AWS_PROFILE",
            ),
            (
                || CredentialsError::not_loaded("profile `default` was not defined: x"),
                NO_CREDENTIALS,
                "no AWS credentials were found. Run",
            ),
            (
                || CredentialsError::invalid_configuration("line 3 has no ="),
                UNREADABLE,
                "the AWS settings could not be read: line 3 has no =. Correct",
            ),
            (
                || CredentialsError::provider_error("the SSO token has expired and cannot be refreshed"),
                EXPIRED,
                "the AWS credentials have expired: the SSO token has expired and cannot be refreshed. Sign in again",
            ),
            (
                || CredentialsError::provider_error("failed to load the cached SSO token"),
                UNAVAILABLE,
                "the AWS credentials could not be loaded: failed to load the cached SSO token. Sign in",
            ),
            (
                || CredentialsError::provider_error("failed to load IMDS session token: request forbidden."),
                NO_CREDENTIALS,
                "no AWS credentials were found. Run",
            ),
        ] {
            let fault = without(reason).await;
            assert_eq!((fault.code.as_str(), fault.transient), (code, false), "{fault}");
            assert!(fault.to_string().starts_with(expected), "{fault}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_credentials_provider_is_a_transient_fault() {
        let out_of_reach = || CredentialsError::provider_error(ConnectorError::io("no route to host".into()));
        for reason in [out_of_reach, || CredentialsError::provider_timed_out(Duration::from_secs(5))] {
            let fault = without(reason).await;
            assert!(fault.transient && fault.to_string().ends_with("temporary; retrying is safe"), "{fault}");
        }
    }

    #[tokio::test]
    async fn expired_credentials_are_not_retried() {
        for code in ["ExpiredToken", "ExpiredTokenException"] {
            let fault = refused(code).await;
            assert_eq!((fault.code.as_str(), fault.transient), (EXPIRED, false));
            assert!(fault.to_string().starts_with("the AWS credentials have expired. Sign in again"), "{fault}");
        }
    }

    #[tokio::test]
    async fn credentials_that_aws_does_not_know_are_reported_with_its_message() {
        let fault = refused("UnrecognizedClientException").await;
        assert!(!fault.transient);
        assert_eq!(
            fault.to_string(),
            "DescribeTable on table stock failed: UnrecognizedClientException: the message. Check the AWS credentials \
             and this machine's clock"
        );
    }
}
