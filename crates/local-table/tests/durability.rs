//! What a table in a file acknowledged is there afterwards, whole: after kills while several callers write, and after the
//! disk was full.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use serde_json::{Value as Json, json};

const ROUNDS: usize = 15;
const CALLERS: usize = 4;

struct Running {
    process: Child,
    address: String,
}

impl Running {
    fn start(file: &Path) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simulated-table"));
        command.arg("--file").arg(file);
        Running::run(command)
    }

    /// Starts a table that gets an error when it writes files longer than this, as on a full disk.
    fn start_with_little_space(file: &Path, blocks: usize) -> Running {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --file \"$1\""));
        command.arg(env!("CARGO_BIN_EXE_simulated-table")).arg(file);
        Running::run(command)
    }

    fn run(mut command: Command) -> Running {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the table");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_string();
        Running { process, address }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL; it may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a request that must succeed; `None` if the table did not answer to the end.
fn send(address: &str, operation: &str, body: &Json) -> Option<Json> {
    let (head, body) = exchange(address, operation, body)?;
    assert!(head.starts_with("HTTP/1.1 200"), "{operation}: {body}");
    Some(body)
}

/// Sends a request, and returns the head and the body of the answer.
fn exchange(address: &str, operation: &str, body: &Json) -> Option<(String, Json)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\
         x-amz-target: DynamoDB_20120810.{operation}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_string(), serde_json::from_str(body).ok()?))
}

fn item(sku: &str, version: usize) -> Json {
    json!({ "sku": { "S": sku }, "version": { "N": version.to_string() }, "note": { "S": "x".repeat(version * 37 % 900) } })
}

/// Writes until the table no longer answers, and returns what was acknowledged: by batches, single puts and updates.
fn write(address: &str, caller: usize, round: usize, told: &Sender<(String, Json)>) {
    for n in 0.. {
        let version = 1000 * round + n;
        let sku = |m: usize| format!("{caller}-{}", (n * 3 + m) % 200);
        let skus = [sku(0), sku(1), sku(2)];
        let written = if n % 3 == 0 {
            let puts =
                skus.iter().map(|sku| json!({ "PutRequest": { "Item": item(sku, version) } })).collect::<Vec<_>>();
            send(address, "BatchWriteItem", &json!({ "RequestItems": { "stock": puts } })).map(|_| &skus[..])
        } else {
            let put = json!({ "TableName": "stock", "Item": item(&skus[0], version) });
            send(address, "PutItem", &put).map(|_| &skus[..1])
        };
        let Some(written) = written else { return };
        for sku in written {
            // Once the test has seen enough, the receiver is gone.
            let _ = told.send((sku.clone(), item(sku, version)));
        }
    }
}

fn scan(address: &str) -> BTreeMap<String, Json> {
    let (mut items, mut body) = (BTreeMap::new(), json!({ "TableName": "stock" }));
    loop {
        let mut page = send(address, "Scan", &body).expect("a page");
        for item in page["Items"].as_array().expect("items") {
            items.insert(item["sku"]["S"].as_str().expect("a key").to_string(), item.clone());
        }
        match page["LastEvaluatedKey"].take() {
            Json::Null => return items,
            key => body["ExclusiveStartKey"] = key,
        }
    }
}

fn version(item: &Json) -> usize {
    item["version"]["N"].as_str().and_then(|version| version.parse().ok()).expect("a version")
}

#[test]
fn acknowledged_writes_survive_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.redb");
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut acknowledged: BTreeMap<String, Json> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut table = Running::start(&file);
        let there = scan(&table.address);
        for (sku, item) in &acknowledged {
            let found = there.get(sku).unwrap_or_else(|| panic!("round {round}: {sku} is lost"));
            // One that was not acknowledged may be in as well.
            assert!(version(found) >= version(item), "round {round}: {found} instead of {item}");
        }
        for (sku, found) in &there {
            assert_eq!(found, &item(sku, version(found)), "round {round}: not whole");
        }
        let (told, hears) = channel();
        let enough = random.usize(1..150);
        std::thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (told, address) = (told.clone(), table.address.clone());
                scope.spawn(move || write(&address, caller, round, &told));
            }
            drop(told);
            for (sku, item) in hears.iter().take(enough) {
                acknowledged.insert(sku, item);
            }
            table.process.kill().expect("a kill");
            acknowledged.extend(hears.iter());
        });
    }
    assert!(acknowledged.len() > 50, "{} items were written", acknowledged.len());
}

#[test]
fn a_full_disk_is_an_error_that_says_so_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.redb");
    let table = Running::start_with_little_space(&file, 2_000);
    let mut acknowledged = BTreeMap::new();
    let refused = (0..20_000).find_map(|n| {
        let sku = format!("A-{n}");
        let put = json!({ "TableName": "stock", "Item": item(&sku, n) });
        let (head, answer) = exchange(&table.address, "PutItem", &put).expect("an answer");
        if head.starts_with("HTTP/1.1 200") {
            acknowledged.insert(sku, item(&format!("A-{n}"), n));
            return None;
        }
        Some((head, answer))
    });
    let (head, answer) = refused.expect("the limit is reached");
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert_eq!(answer["__type"], "com.amazonaws.dynamodb.v20120810#LocalFileFault", "{answer}");
    assert!(answer["message"].as_str().is_some_and(|message| message.contains("File too large")), "{answer}");
    assert!(acknowledged.len() > 100, "{} items were written", acknowledged.len());
    drop(table);
    let there = scan(&Running::start(&file).address);
    for (sku, item) in &acknowledged {
        assert_eq!(there.get(sku), Some(item), "{sku}");
    }
    assert!(there.len() <= acknowledged.len() + 1, "at most the one that was not acknowledged");
}
