//! The local cloud: brought up once, and clients for it.

use std::process::Command;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
};
use aws_smithy_http_client::{Builder, tls};
use tokio::sync::{OnceCell, RwLock};

use super::{root, unique};

pub const REGION: &str = "eu-central-1";
pub const ACCOUNT: &str = "000000000000";

/// Read-locked by tests that need DynamoDB to answer, write-locked by tests that pause it.
pub static DYNAMODB_ANSWERS: RwLock<()> = RwLock::const_new(());

pub struct Cloud {
    pub endpoint: String,
    pub s3: aws_sdk_s3::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub sns: aws_sdk_sns::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
}

/// Returns clients of the local cloud, once it is up and healthy.
pub async fn cloud() -> Cloud {
    static UP: OnceCell<()> = OnceCell::const_new();
    UP.get_or_init(|| async { control("up") }).await;
    let port = std::env::var("INVENTORY_LOCALSTACK_PORT").unwrap_or_else(|_| "4566".to_string());
    clients_at(format!("http://127.0.0.1:{port}"))
}

/// Returns the endpoint of DynamoDB Local itself, bypassing LocalStack, or LocalStack's if that one cannot be reached.
pub async fn dynamodb_itself() -> String {
    static ENDPOINT: OnceCell<String> = OnceCell::const_new();
    let endpoint = ENDPOINT.get_or_init(|| async {
        cloud().await;
        let output = Command::new(root().join("tests/localstack/cloud")).arg("dynamodb").output();
        let output = output.expect("tests/localstack/cloud");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("an address").trim().to_string()
    });
    endpoint.await.clone()
}

/// Returns the same clients for another endpoint.
pub fn clients_at(endpoint: String) -> Cloud {
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
        sns: client!(aws_sdk_sns),
        eventbridge: client!(aws_sdk_eventbridge),
        endpoint,
    }
}

impl Cloud {
    /// Creates a table for one test, with an index unless `index` is empty. A key lists its attributes with their
    /// types, the partition key first.
    pub async fn create_table(&self, purpose: &str, key: &[(&str, &str)], index: &[(&str, &str)]) -> String {
        let name = unique(purpose);
        self.create_table_called(&name, key, index).await;
        name
    }

    pub async fn create_table_called(&self, name: &str, key: &[(&str, &str)], index: &[(&str, &str)]) {
        let define = |&(name, kind): &(&str, &str)| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind.into())
                .build()
                .expect("an attribute")
        };
        let schema = |attributes: &[(&str, &str)]| {
            let element = |((name, _), kind): (&(&str, &str), KeyType)| {
                KeySchemaElement::builder().attribute_name(*name).key_type(kind).build().expect("a key")
            };
            Some(attributes.iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect())
        };
        let create = self.dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        let create = create.set_attribute_definitions(Some(key.iter().chain(index).map(define).collect()));
        let create = create.set_key_schema(schema(key));
        let indexes = (!index.is_empty()).then(|| {
            let all = Projection::builder().projection_type(ProjectionType::All).build();
            let global = GlobalSecondaryIndex::builder().index_name("index").set_key_schema(schema(index));
            vec![global.projection(all).build().expect("an index")]
        });
        create.set_global_secondary_indexes(indexes).send().await.expect("a table");
    }

    /// Returns the number of items in a table.
    pub async fn count(&self, name: &str) -> usize {
        let scan = self.dynamodb.scan().table_name(name).consistent_read(true);
        let mut pages = scan.into_paginator().send();
        let mut items = 0;
        while let Some(page) = pages.next().await {
            items += usize::try_from(page.expect("a page").count).expect("a count");
        }
        items
    }

    pub async fn delete_table(&self, name: &str) {
        self.dynamodb.delete_table().table_name(name).send().await.expect("a table to delete");
    }
}

/// Stops DynamoDB from answering until it is dropped, also if the test fails.
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
