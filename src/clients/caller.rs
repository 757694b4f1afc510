//! What the caller's own set-up lacks: no credentials, no region, or credentials that have expired. Nothing that was
//! asked is at fault then, and asking again does not help before the caller sets it right.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::links;

pub(super) const NO_CREDENTIALS: &str = "NoCredentials";
pub(super) const NO_PROFILE: &str = "NoProfile";
pub(super) const NO_REGION: &str = "NoRegion";
pub(super) const NO_ADDRESS: &str = "NoAddress";
pub(super) const EXPIRED: &str = "CredentialsExpired";
pub(super) const UNAVAILABLE: &str = "CredentialsUnavailable";
pub(super) const UNREADABLE: &str = "SettingsUnreadable";

/// What is missing, and what to do about it.
#[derive(Debug)]
pub(super) struct Missing {
    pub code: &'static str,
    pub message: String,
    /// Whoever gives the credentials could not be reached.
    pub passing: bool,
}

impl Missing {
    fn new(code: &'static str, message: impl Into<String>) -> Missing {
        Missing { code, message: message.into(), passing: false }
    }
}

/// Why a request could not be signed, where that is it.
pub(super) fn missing(error: &(dyn Error + 'static)) -> Option<Missing> {
    if let Some(credentials) = links(error).find_map(|link| link.downcast_ref::<CredentialsError>()) {
        return Some(without_credentials(credentials));
    }
    links(error).find_map(|link| without_address(&link.to_string()))
}

/// Neither an endpoint nor a signature can be made without a region. The SDK says it only in words, and some of its
/// words quote the whole request.
fn without_address(text: &str) -> Option<Missing> {
    const NO_REGION_SAYS: [&str; 3] =
        ["Invalid Configuration: Missing Region", "missing signing region", "A region must be set"];
    let endpoint = ["failed to apply endpoint `", "Custom endpoint `"].iter().find_map(|start| {
        let (_, rest) = text.split_once(start)?;
        Some(rest.split_once('`')?.0)
    });
    if NO_REGION_SAYS.iter().any(|says| text.contains(says)) {
        return Some(Missing::new(NO_REGION, "no AWS region was set"));
    }
    if text.contains("`region` - must be a valid host label") {
        return Some(Missing::new(NO_ADDRESS, "the AWS region is not the name of one"));
    }
    endpoint.map(|endpoint| Missing::new(NO_ADDRESS, format!("the AWS endpoint \"{endpoint}\" is not an address")))
}

/// What AWS says of credentials that were good once.
pub(super) fn expired(code: &str) -> Option<Missing> {
    const CODES: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];
    CODES.contains(&code).then(|| Missing::new(EXPIRED, "the AWS credentials have expired"))
}

fn without_credentials(error: &CredentialsError) -> Missing {
    let why = error.source().map(reason).unwrap_or_default();
    match error {
        CredentialsError::CredentialsNotLoaded(_) => match undefined_profile(&why) {
            Some(profile) => Missing::new(NO_PROFILE, format!("the AWS profile \"{profile}\" is not defined")),
            None => Missing::new(NO_CREDENTIALS, "no AWS credentials were found"),
        },
        CredentialsError::InvalidConfiguration(_) => {
            let why = why.split_once("could not be built: ").map_or(&*why, |(_, why)| why);
            Missing::new(UNREADABLE, format!("the AWS settings could not be read: {why}"))
        }
        // The metadata of the machine are asked last, and only where nothing is set.
        _ if why.contains("IMDS") => Missing::new(NO_CREDENTIALS, "no AWS credentials were found"),
        _ if why.contains("expired") => Missing::new(EXPIRED, format!("the AWS credentials have expired: {why}")),
        CredentialsError::ProviderTimedOut(_) => Missing { passing: true, ..unavailable(&error.to_string()) },
        _ => Missing { passing: was_out_of_reach(error), ..unavailable(&why) },
    }
}

/// The causes without those that only say that there is another one.
fn reason(error: &(dyn Error + 'static)) -> String {
    let says_more = |text: &String| !text.starts_with("an error occurred while loading");
    let texts: Vec<String> = links(error).map(ToString::to_string).filter(says_more).collect();
    texts.join(": ").trim_end_matches(['.', ' ']).to_string()
}

fn unavailable(why: &str) -> Missing {
    Missing::new(UNAVAILABLE, format!("the AWS credentials could not be loaded: {why}"))
}

/// A profile that somebody names and no file has. That there is no profile "default" is nothing: nobody named it.
fn undefined_profile(why: &str) -> Option<&str> {
    let (_, named) = why.split_once("profile `")?;
    let (profile, rest) = named.split_once('`')?;
    (profile != "default" && rest.starts_with(" was not defined")).then_some(profile)
}

fn was_out_of_reach(error: &(dyn Error + 'static)) -> bool {
    links(error).any(|link| link.is::<ConnectorError>())
}

/// What to do, of one of the codes above.
pub(super) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        NO_CREDENTIALS => {
            "Run aws configure, name a profile in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        }
        NO_PROFILE => "Check AWS_PROFILE and ~/.aws/config; aws configure list-profiles shows the profiles",
        NO_REGION => "Name it with --region or in AWS_REGION, or run aws configure",
        NO_ADDRESS => "Check the region and the endpoint: --region, AWS_REGION, --endpoint-url",
        EXPIRED => "Sign in again (aws sso login) or get new ones, then run the same command again",
        UNAVAILABLE => "Sign in (aws sso login), or check what the AWS settings say about credentials",
        UNREADABLE => "Correct the AWS settings, usually ~/.aws/config and ~/.aws/credentials",
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

    /// Gives no credentials, for this reason.
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

    /// What asking for the table comes to with these settings.
    async fn fault(config: &SdkConfig) -> CloudFault {
        let asked = aws_sdk_dynamodb::Client::new(config).describe_table().table_name("stock").send().await;
        CloudFault::new("DescribeTable", "table stock", &asked.unwrap_err())
    }

    async fn without(reason: fn() -> CredentialsError) -> CloudFault {
        let fake = Fake::answering(|_| Reply::Json(200, json!({})));
        let provider = SharedCredentialsProvider::new(Without(reason));
        let fault = fault(&fake.config().into_builder().credentials_provider(provider).build()).await;
        assert!(fake.asked().is_empty());
        fault
    }

    async fn refused(code: &'static str) -> CloudFault {
        let fake = Fake::answering(move |_| Reply::Json(400, json!({ "__type": code, "message": "so it says" })));
        fault(&fake.config()).await
    }

    #[tokio::test]
    async fn missing_credentials_are_told_in_one_line_and_not_tried_again() {
        let fault = without(CredentialsError::not_loaded_no_source).await;
        assert_eq!(
            fault.to_string(),
            "no AWS credentials were found. Run aws configure, name a profile in AWS_PROFILE, or set AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY"
        );
        assert!(!fault.passing);
    }

    #[tokio::test]
    async fn a_missing_region_is_told_whatever_the_endpoint() {
        for endpoint in [None, Some("http://127.0.0.1:4566".to_string())] {
            let fake = Fake::answering(|_| Reply::Json(200, json!({})));
            let mut config = fake.config().into_builder();
            config.set_region(None).set_endpoint_url(endpoint);
            let fault = fault(&config.build()).await;
            assert_eq!((fault.code.as_str(), fault.passing), (NO_REGION, false), "{fault}");
            assert!(fault.to_string().starts_with("no AWS region was set. Name it with --region"), "{fault}");
        }
    }

    #[tokio::test]
    async fn a_region_or_an_endpoint_that_is_none_is_told_without_the_request() {
        for (region, endpoint, says) in [
            ("eu central 1", None, "the AWS region is not the name of one. Check the region"),
            ("eu-central-1", Some("127.0.0.1:4566"), "the AWS endpoint \"127.0.0.1:4566\" is not an address. Check"),
        ] {
            let fake = Fake::answering(|_| Reply::Json(200, json!({})));
            let mut config = fake.config().into_builder();
            config.set_region(Some(aws_config::Region::new(region))).set_endpoint_url(endpoint.map(str::to_string));
            let fault = fault(&config.build()).await;
            assert!(!fault.passing && fault.to_string().starts_with(says), "{fault}");
            assert!(fault.message.len() < 100, "{fault}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_settings_is_told_by_its_cause() {
        for (reason, code, says) in [
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
            assert_eq!((fault.code.as_str(), fault.passing), (code, false), "{fault}");
            assert!(fault.to_string().starts_with(says), "{fault}");
        }
    }

    #[tokio::test]
    async fn whoever_gives_credentials_may_be_reached_later() {
        let out_of_reach = || CredentialsError::provider_error(ConnectorError::io("no route to host".into()));
        for reason in [out_of_reach, || CredentialsError::provider_timed_out(Duration::from_secs(5))] {
            let fault = without(reason).await;
            assert!(fault.passing && fault.to_string().ends_with("It may pass; trying again is safe"), "{fault}");
        }
    }

    #[tokio::test]
    async fn credentials_that_expired_are_not_tried_again() {
        for code in ["ExpiredToken", "ExpiredTokenException"] {
            let fault = refused(code).await;
            assert_eq!((fault.code.as_str(), fault.passing), (EXPIRED, false));
            assert!(fault.to_string().starts_with("the AWS credentials have expired. Sign in again"), "{fault}");
        }
    }

    #[tokio::test]
    async fn credentials_that_aws_does_not_know_are_told_with_what_it_says() {
        let fault = refused("UnrecognizedClientException").await;
        assert!(!fault.passing);
        assert_eq!(
            fault.to_string(),
            "DescribeTable on table stock was not done: UnrecognizedClientException: so it says. Check the AWS \
             credentials, and whether this machine's clock is right"
        );
    }
}
