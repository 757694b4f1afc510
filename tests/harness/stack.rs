//! The stack as shipped: `infra/template.yaml`, deployed by the script that `make deploy` uses.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::primitives::ByteStream;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::report::Report;
use inventory_loader::table::{item_from_attributes, item_to_attributes};
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;

use super::cloud::{ACCOUNT, Cloud, REGION, cloud};
use super::{eventually, root};

pub struct Stack {
    pub cloud: Cloud,
    pub uploads: String,
    pub reports: String,
    pub inventory: String,
    pub ledger: String,
    pub function: String,
    pub failures: String,
    pub topic: String,
    pub logs: String,
}

/// The key of the stack's own rules in the uploads bucket.
const RULES: &str = "rules/inventory.toml";

/// The outputs of the deployed stack.
type Outputs = serde_json::Map<String, Json>;

impl Stack {
    /// Returns the stack that most tests share, running the loader that was just built.
    pub async fn shared() -> Stack {
        static OUTPUTS: OnceCell<Outputs> = OnceCell::const_new();
        let program = Path::new(env!("CARGO_BIN_EXE_loader"));
        let outputs = OUTPUTS.get_or_init(|| async {
            let outputs = deploy("shared", program, &[("RulesKey", RULES)]).await;
            // The gate would hold loads: each test loads a list of a different length into the one table.
            let rules = include_str!("../../inventory.toml").replace("fewer_percent = 50", "fewer_percent = false");
            Stack::from_outputs(&outputs).await.upload(RULES, rules.into_bytes()).await;
            outputs
        });
        Stack::from_outputs(outputs.await).await
    }

    /// Deploys a stack for one test that would disturb the others.
    pub async fn own(name: &str, program: &Path, parameters: &[(&str, &str)]) -> Stack {
        Stack::from_outputs(&deploy(name, program, parameters).await).await
    }

    async fn from_outputs(outputs: &Outputs) -> Stack {
        let output = |name: &str| outputs[name].as_str().unwrap_or_else(|| panic!("no output {name}")).to_string();
        Stack {
            cloud: cloud().await,
            uploads: output("UploadsBucket"),
            reports: output("ReportsBucket"),
            inventory: output("InventoryTable"),
            ledger: output("LedgerTable"),
            function: output("Function"),
            failures: output("FailureQueue"),
            topic: output("NotifyTopic"),
            logs: output("LogGroup"),
        }
    }

    /// Puts a file into the uploads bucket.
    pub async fn upload(&self, key: &str, content: Vec<u8>) -> Upload {
        let put = self.cloud.s3.put_object().bucket(&self.uploads).key(key).body(ByteStream::from(content));
        let version = put.send().await.expect("an upload").version_id;
        let bucket = self.uploads.clone();
        Upload { bucket, key: key.to_string(), version, sequencer: None, etag: None, size: None, time: None }
    }

    /// Waits for the report of an upload.
    pub async fn report(&self, upload: &Upload) -> Report {
        self.report_of(&LoadId::of(upload)).await
    }

    /// Waits for the report of a load.
    pub async fn report_of(&self, load: &LoadId) -> Report {
        let name = format!("loads/{load}/report.json");
        let json = eventually(&format!("the report of load {load}"), || self.kept(&name)).await;
        serde_json::from_slice(&json).expect("a report")
    }

    /// Returns the object in the reports bucket with this name, if there is one.
    pub async fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let answer = self.cloud.s3.get_object().bucket(&self.reports).key(name).send().await.ok()?;
        Some(answer.body.collect().await.expect("a body").to_vec())
    }

    /// Returns the item with this SKU, if there is one.
    pub async fn item(&self, sku: &str) -> Option<Item> {
        let get = self.cloud.dynamodb.get_item().table_name(&self.inventory).consistent_read(true);
        let answer = get.key("sku", AttributeValue::S(sku.to_string())).send().await.expect("an answer");
        answer.item.map(|attributes| item_from_attributes(attributes).expect("an item"))
    }

    pub async fn put_item(&self, item: Item) {
        let attributes = item_to_attributes(&item).expect("attributes");
        let put = self.cloud.dynamodb.put_item().table_name(&self.inventory).set_item(Some(attributes));
        put.send().await.expect("an item put");
    }

    /// Returns the number of items whose SKU begins with `prefix`.
    pub async fn count_items(&self, prefix: &str) -> usize {
        let scan = self.cloud.dynamodb.scan().table_name(&self.inventory).consistent_read(true);
        let scan = scan.filter_expression("begins_with(sku, :prefix)");
        let scan = scan.expression_attribute_values(":prefix", AttributeValue::S(prefix.to_string()));
        let mut pages = scan.into_paginator().send();
        let mut items = 0;
        while let Some(page) = pages.next().await {
            items += usize::try_from(page.expect("a page").count).expect("a count");
        }
        items
    }

    /// Returns the function's log lines that contain `mentioning` and are JSON.
    pub async fn log_lines(&self, mentioning: &str) -> Vec<Json> {
        self.raw_log_lines(mentioning).await.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Returns the function's log lines that contain `mentioning`.
    pub async fn raw_log_lines(&self, mentioning: &str) -> Vec<String> {
        let events = self.cloud.logs.filter_log_events().log_group_name(&self.logs);
        let mut pages = events.into_paginator().send();
        let mut lines = Vec::new();
        while let Some(page) = pages.next().await {
            // A function that was never started has no log yet.
            let Ok(page) = page else { break };
            let messages = page.events.unwrap_or_default().into_iter().filter_map(|event| event.message);
            lines.extend(messages.filter(|line| line.contains(mentioning)));
        }
        lines
    }

    /// Waits for the first log line with this event that contains `mentioning`.
    pub async fn log_event(&self, mentioning: &str, event: &str) -> Json {
        eventually(&format!("the log event {event} of {mentioning}"), || async {
            self.log_lines(mentioning).await.into_iter().find(|line| line["event"] == event)
        })
        .await
    }

    /// Waits for the next message in the failure queue that contains `mentioning`.
    pub async fn failure(&self, mentioning: &str) -> Json {
        eventually(&format!("a failure of {mentioning}"), || async {
            let receive = self.cloud.sqs.receive_message().queue_url(&self.failures).max_number_of_messages(10);
            let messages = receive.visibility_timeout(1).send().await.expect("the queue").messages.unwrap_or_default();
            let mut bodies = messages.into_iter().filter_map(|message| message.body);
            bodies.find(|body| body.contains(mentioning)).and_then(|body| serde_json::from_str(&body).ok())
        })
        .await
    }

    pub async fn failure_count(&self) -> usize {
        let receive = self.cloud.sqs.receive_message().queue_url(&self.failures).max_number_of_messages(10);
        receive.visibility_timeout(0).send().await.expect("the queue").messages.unwrap_or_default().len()
    }

    /// Deploys the same program again as a different archive, which makes it a new version of the function.
    pub async fn redeploy(&self) {
        let stack = self.function.strip_suffix("-loader").expect("a function of a stack");
        let bucket = format!("{stack}-artifacts-{ACCOUNT}-{REGION}");
        let s3 = &self.cloud.s3;
        let listed = s3.list_objects_v2().bucket(&bucket).prefix("code/").send().await.expect("the programs");
        let key = listed.contents()[0].key().expect("a name").to_string();
        let program = s3.get_object().bucket(&bucket).key(&key).send().await.expect("the program");
        let mut archive = program.body.collect().await.expect("the program").to_vec();
        // A zip archive ends with a comment, preceded by its length in two bytes.
        const COMMENT: &[u8] = b"new";
        archive.truncate(archive.len() - 2);
        archive.extend([COMMENT.len() as u8, 0]);
        archive.extend(COMMENT);
        let put = s3.put_object().bucket(&bucket).key("code/new.zip").body(ByteStream::from(archive));
        put.send().await.expect("a new program");
        let update = self.cloud.lambda.update_function_code().function_name(&self.function);
        update.s3_bucket(bucket).s3_key("code/new.zip").send().await.expect("a new version");
    }

    /// Invokes the function with an event and returns its answer, or the text of its error.
    pub async fn invoke(&self, event: &Json) -> Result<Json, String> {
        let invoke = self.cloud.lambda.invoke().function_name(&self.function).payload(Blob::new(event.to_string()));
        let answer = invoke.send().await.expect("an answer");
        let payload = answer.payload.expect("a payload").into_inner();
        match answer.function_error {
            None => Ok(serde_json::from_slice(&payload).expect("an answer as JSON")),
            Some(_) => Err(String::from_utf8_lossy(&payload).into_owned()),
        }
    }
}

/// Returns the notification that S3 sends for an upload.
pub fn notification(upload: &Upload) -> Json {
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION,
        "eventTime": jiff::Timestamp::now(), "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": upload.bucket, "arn": format!("arn:aws:s3:::{}", upload.bucket) },
            "object": { "key": upload.key, "versionId": upload.version, "sequencer": "0055AED6DCD90281E5", "size": 1 }
        }
    }]})
}

/// Deploys under a name that no earlier run used: the local cloud occasionally loses an event for a function that has
/// just been updated. Stacks of earlier runs are taken down first.
async fn deploy(name: &str, program: &Path, parameters: &[(&str, &str)]) -> Outputs {
    static RUN: OnceCell<u16> = OnceCell::const_new();
    let endpoint = cloud().await.endpoint;
    let run = RUN.get_or_init(|| async { take_down_earlier_stacks(&endpoint) }).await;
    let name = format!("inventory-test-{run:04x}-{name}");
    note_stack(&name);
    let mut command = Command::new(root().join("infra/deploy"));
    command.args(["up", "--stack", &name, "--endpoint-url", &endpoint, "--region", REGION, "--code"]).arg(program);
    command.args(["--arch", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }]);
    // Without deletion protection, so that it can be taken down; with the log lines that tests read.
    let common = [("DeletionProtection", "false"), ("LogLevel", "info")];
    for (parameter, value) in common.iter().chain(parameters) {
        command.args(["--parameter", &format!("{parameter}={value}")]);
    }
    let output = tokio::task::spawn_blocking(move || command.stderr(Stdio::piped()).output().expect("infra/deploy"));
    let output = output.await.expect("infra/deploy");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let outputs: Outputs = serde_json::from_slice(&output.stdout).expect("the outputs as JSON");
    assert!(outputs.values().any(|value| value.as_str().is_some_and(|text| text.contains(ACCOUNT))), "{outputs:?}");
    outputs
}

/// Returns the path of the list of stacks that this run and earlier ones deployed.
fn stacks_noted() -> PathBuf {
    root().join(".local/run/test-stacks")
}

fn note_stack(name: &str) {
    let mut notes = OpenOptions::new().create(true).append(true).open(stacks_noted()).expect("the list of stacks");
    writeln!(notes, "{name}").expect("a line written");
}

/// Takes down the stacks of earlier runs and returns the number of this run.
fn take_down_earlier_stacks(endpoint: &str) -> u16 {
    for name in std::fs::read_to_string(stacks_noted()).unwrap_or_default().lines() {
        let mut command = Command::new(root().join("infra/deploy"));
        command.args(["down", "--stack", name, "--with-data", "--endpoint-url", endpoint, "--region", REGION]);
        // A stack that cannot be taken down does no harm: this run uses other names.
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    let _ = std::fs::remove_file(stacks_noted());
    fastrand::u16(..)
}
