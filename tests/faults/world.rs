//! The environment of one test: its own tables and prefixes in the buckets, the function, and a proxy between them that
//! injects faults.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::plan::Names;
use inventory_check::report::Report;
use tokio::sync::OnceCell;

use super::call::Service;
use super::lambda::{Lambda, Settings};
use super::process::Outcome;
use super::proxy::Proxy;
use crate::harness::cloud::{ACCOUNT, Cloud, REGION, clients_at, cloud, dynamodb_itself};
use crate::harness::{next_second, unique};

const UPLOADS: &str = "inventory-faults-uploads";
const REPORTS: &str = "inventory-faults-reports";
const TOPIC: &str = "inventory-faults";
/// The heartbeat interval as a fraction of the lease, as in the loader's defaults.
const HEARTBEAT: f64 = 10.0 / 45.0;
/// The loader's default delays, in AWS seconds.
const MARGIN: u32 = 30;
const TABLE_WAIT: u32 = 120;
const RETRY: u32 = 60;
const LONGEST_RETRY: u32 = 60 * 60;
const LATE: u32 = 30 * 60;
const GIVE_UP: u32 = 24 * 60 * 60;
/// The longest delay of a slow response, in AWS seconds.
const SLOWEST: u32 = 20;

pub struct World {
    pub name: String,
    /// Clients that bypass the proxy.
    pub cloud: Cloud,
    pub stock: String,
    pub ledger: String,
    pub proxy: Proxy,
    pub lambda: Lambda,
    pub log: PathBuf,
}

impl World {
    pub async fn new(seed: u64, settings: Settings) -> World {
        let name = unique("world");
        let s3 = buckets().await;
        let dynamodb = dynamodb_itself().await;
        let cloud = Cloud { s3: s3.s3.clone(), ..clients_at(dynamodb.clone()) };
        let stock = cloud.create_table("stock", &[("sku", "S")], &[]).await;
        let ledger = cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).expect("a log");
        let (second, write_units, mut more) = (settings.second, settings.write_units, settings.more.clone());
        let (has_failure_queue, lease) = (settings.has_failure_queue, settings.lease);
        let rules_key = format!("rules/{name}.toml");
        // Another build may be too old to know the gate.
        let is_another = std::env::var_os("FAULTS_LOADER").is_some();
        let rules = if is_another { settings.rules.replace("older = false\n", "") } else { settings.rules.to_string() };
        let rules = ByteStream::from(rules.into_bytes());
        cloud.s3.put_object().bucket(UPLOADS).key(&rules_key).body(rules).send().await.expect("the rules");
        let mut lambda = Lambda::start(settings, file).await;
        if has_failure_queue {
            let made = s3.sqs.create_queue().queue_name(&name).send().await.expect("a queue");
            let url = made.queue_url.expect("its address");
            more.extend([("FAILURE_QUEUE", url.clone()), ("AWS_ENDPOINT_URL_SQS", s3.endpoint.clone())]);
            lambda.set_failure_queue(s3.sqs.clone(), url);
        }
        let endpoints = [
            (Service::DynamoDb, dynamodb),
            (Service::S3, s3.endpoint.clone()),
            (Service::Lambda, lambda.endpoint()),
            (Service::Sns, s3.endpoint.clone()),
            (Service::EventBridge, s3.endpoint.clone()),
        ];
        let random = fastrand::Rng::with_seed(seed);
        let proxy = Proxy::start(BTreeMap::from(endpoints), random, second * SLOWEST).await;
        let ceiling = write_units.map(|units| ("WRITE_UNITS".to_string(), units.to_string()));
        let own = [("RULES_KEY".to_string(), rules_key), ("UPLOADS_PREFIX".to_string(), format!("uploads/{name}/"))];
        let more = more.into_iter().map(|(name, value)| (name.to_string(), value));
        let environment =
            environment(&stock, &ledger, &proxy, second, lease).into_iter().chain(own).chain(ceiling).chain(more);
        lambda.deploy(environment.collect());
        World { name, cloud, stock, ledger, proxy, lambda, log }
    }

    /// Puts a file into the uploads bucket.
    pub async fn upload(&self, key: &str, content: &[u8]) -> Upload {
        let put = self.cloud.s3.put_object().bucket(UPLOADS).key(key).body(ByteStream::from(content.to_vec()));
        let version = put.send().await.expect("an upload").version_id;
        let (bucket, key) = (UPLOADS.to_string(), key.to_string());
        Upload { bucket, key, version, sequencer: None, etag: None, size: None, time: None }
    }

    /// Returns the object in the reports bucket with this name, if there is one.
    pub async fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let answer = self.cloud.s3.get_object().bucket(REPORTS).key(name).send().await.ok()?;
        Some(answer.body.collect().await.expect("a body").to_vec())
    }

    /// Returns the lines of the function's log that are JSON.
    pub fn log_lines(&self) -> Vec<serde_json::Value> {
        let log = std::fs::read_to_string(&self.log).expect("the log");
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Returns the report of a load, if there is one.
    pub async fn report(&self, load: &LoadId) -> Option<Report> {
        let json = self.kept(&Names(load).report()).await?;
        Some(serde_json::from_slice(&json).expect("a report"))
    }

    /// Deletes everything in the reports bucket that belongs to a load.
    pub async fn empty_reports_of(&self, load: &LoadId) {
        let list = self.cloud.s3.list_objects_v2().bucket(REPORTS).prefix(format!("loads/{load}/"));
        for object in list.send().await.expect("a list").contents.unwrap_or_default() {
            let delete = self.cloud.s3.delete_object().bucket(REPORTS).key(object.key.expect("a name"));
            delete.send().await.expect("an object deleted");
        }
    }

    /// Puts an item with text attributes, given as DynamoDB JSON, into the table.
    pub async fn put_stock(&self, item: &serde_json::Value) {
        let read = |value: &serde_json::Value| AttributeValue::S(value["S"].as_str().expect("a text").to_string());
        let item = item.as_object().expect("an item").iter().map(|(name, value)| (name.clone(), read(value))).collect();
        let put = self.cloud.dynamodb.put_item().table_name(&self.stock).set_item(Some(item));
        put.send().await.expect("an item put");
    }

    /// Deletes the table and creates another one of the same name.
    pub async fn recreate_stock(&self) {
        // DynamoDB Local distinguishes tables of the same name only by the second of their creation.
        next_second().await;
        self.cloud.delete_table(&self.stock).await;
        self.cloud.create_table_called(&self.stock, &[("sku", "S")], &[]).await;
    }

    /// Returns all items of a table.
    pub async fn items_of(&self, table: &str) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.cloud.dynamodb.scan().table_name(table).consistent_read(true);
        let mut pages = scan.into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page.expect("a page").items.unwrap_or_default());
        }
        items
    }

    /// Replaces the content of a table, as restoring a backup does.
    pub async fn restore(&self, table: &str, keys: &[&str], items: Vec<HashMap<String, AttributeValue>>) {
        for item in self.items_of(table).await {
            let key = keys.iter().map(|name| (name.to_string(), item[*name].clone())).collect();
            let delete = self.cloud.dynamodb.delete_item().table_name(table).set_key(Some(key));
            delete.send().await.expect("an item deleted");
        }
        for item in items {
            let put = self.cloud.dynamodb.put_item().table_name(table).set_item(Some(item));
            put.send().await.expect("an item put");
        }
    }

    /// Returns the number of log lines with this event.
    pub fn count_events(&self, event: &str) -> usize {
        self.log_lines().iter().filter(|line| line["event"] == event).count()
    }

    /// Returns whether any run ended without a response.
    pub fn was_interrupted(&self) -> bool {
        self.lambda.runs().iter().any(|run| !matches!(run.outcome, Outcome::Answered(_)))
    }

    /// Ends a world: no run may have crashed that the test did not kill, and no event may be left in the failure queue.
    /// Deletes the tables and the log, which a failing test keeps.
    pub async fn end(self) {
        let crashes = self.lambda.runs().iter().filter(|run| run.outcome.is_crash()).count();
        assert!(crashes <= self.lambda.kills(), "{crashes} crashes, log in {:?}", self.log);
        let failures = self.lambda.take_failures();
        assert!(failures.is_empty(), "{failures:#?}, log in {:?}", self.log);
        self.lambda.stop().await;
        for table in [&self.stock, &self.ledger] {
            self.cloud.delete_table(table).await;
        }
        std::fs::remove_file(&self.log).expect("the log");
    }
}

fn environment(stock: &str, ledger: &str, proxy: &Proxy, second: Duration, lease: Duration) -> Vec<(String, String)> {
    let seconds = |aws_seconds: u32| (second * aws_seconds).as_secs_f64().to_string();
    let variables = [
        ("INVENTORY_TABLE", stock.to_string()),
        ("LEDGER_TABLE", ledger.to_string()),
        ("UPLOADS_BUCKET", UPLOADS.to_string()),
        ("REPORTS_BUCKET", REPORTS.to_string()),
        ("BUCKET_OWNER", ACCOUNT.to_string()),
        ("NOTIFY_TOPIC", format!("arn:aws:sns:{REGION}:{ACCOUNT}:{TOPIC}")),
        ("EVENT_BUS", "default".to_string()),
        ("LEASE_SECONDS", lease.as_secs_f64().to_string()),
        ("HEARTBEAT_SECONDS", (lease.as_secs_f64() * HEARTBEAT).to_string()),
        ("MARGIN_SECONDS", seconds(MARGIN)),
        ("TABLE_WAIT_SECONDS", seconds(TABLE_WAIT)),
        ("RETRY_SECONDS", seconds(RETRY)),
        ("LONGEST_RETRY_SECONDS", seconds(LONGEST_RETRY)),
        ("LATE_SECONDS", seconds(LATE)),
        ("GIVE_UP_SECONDS", seconds(GIVE_UP)),
        ("AWS_LAMBDA_FUNCTION_NAME", "loader".to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_string()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024".to_string()),
        ("AWS_REGION", REGION.to_string()),
        ("AWS_ACCESS_KEY_ID", "test".to_string()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_string()),
        ("AWS_ENDPOINT_URL_DYNAMODB", proxy.endpoint(Service::DynamoDb)),
        ("AWS_ENDPOINT_URL_S3", proxy.endpoint(Service::S3)),
        ("AWS_ENDPOINT_URL_LAMBDA", proxy.endpoint(Service::Lambda)),
        ("AWS_ENDPOINT_URL_SNS", proxy.endpoint(Service::Sns)),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", proxy.endpoint(Service::EventBridge)),
    ];
    variables.map(|(name, value)| (name.to_string(), value)).into()
}

/// Creates the buckets and the topic that all worlds share.
async fn buckets() -> Cloud {
    static MADE: OnceCell<()> = OnceCell::const_new();
    let cloud = cloud().await;
    MADE.get_or_init(|| async {
        for bucket in [UPLOADS, REPORTS] {
            let location = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into());
            let create = cloud.s3.create_bucket().bucket(bucket).create_bucket_configuration(location.build());
            // It may exist from an earlier run.
            let _ = create.send().await;
        }
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let versioned = cloud.s3.put_bucket_versioning().bucket(UPLOADS).versioning_configuration(versions);
        versioned.send().await.expect("versions");
        cloud.sns.create_topic().name(TOPIC).send().await.expect("a topic");
    })
    .await;
    cloud
}
