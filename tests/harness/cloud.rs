//! The local cloud: brought up once, and clients for it.

use std::process::Command;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::{Builder, tls};
use tokio::sync::{OnceCell, RwLock};

use super::root;

pub const REGION: &str = "eu-central-1";
pub const ACCOUNT: &str = "000000000000";

/// Held for reading by tests that need DynamoDB to answer, for writing by those that pause it.
pub static DYNAMODB_ANSWERS: RwLock<()> = RwLock::const_new(());

pub struct Cloud {
    pub endpoint: String,
    pub s3: aws_sdk_s3::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sqs: aws_sdk_sqs::Client,
}

/// The cloud, up and healthy.
pub async fn cloud() -> Cloud {
    static UP: OnceCell<()> = OnceCell::const_new();
    UP.get_or_init(|| async { control("up") }).await;
    let port = std::env::var("INVENTORY_LOCALSTACK_PORT").unwrap_or_else(|_| "4566".to_string());
    let endpoint = format!("http://127.0.0.1:{port}");
    let https =
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
    macro_rules! client {
        ($sdk:ident) => {
            client!($sdk, |config| config)
        };
        ($sdk:ident, $more:expr) => {{
            let config = $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(REGION))
                .endpoint_url(&endpoint)
                .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
                .http_client(https.clone());
            let more: fn($sdk::config::Builder) -> $sdk::config::Builder = $more;
            $sdk::Client::from_conf(more(config).build())
        }};
    }
    Cloud {
        s3: client!(aws_sdk_s3, |config| config.force_path_style(true)),
        dynamodb: client!(aws_sdk_dynamodb),
        lambda: client!(aws_sdk_lambda),
        logs: client!(aws_sdk_cloudwatchlogs),
        sqs: client!(aws_sdk_sqs),
        endpoint,
    }
}

/// DynamoDB stops answering for as long as this lives, a failing test included.
pub struct Pause;

impl Pause {
    pub fn dynamodb() -> Pause {
        control("pause-dynamodb");
        Pause
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        control("resume-dynamodb");
    }
}

fn control(verb: &str) {
    let status =
        Command::new(root().join("tests/localstack/cloud")).arg(verb).status().expect("tests/localstack/cloud");
    assert!(status.success() || std::thread::panicking(), "tests/localstack/cloud {verb} ended with {status}");
}
