//! The simulated table: started for one load, queried for its counts, and stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value as Json, json};

pub struct SimulatedTable {
    process: Child,
    address: String,
}

/// The counts of a simulated table.
#[derive(Debug, Clone, Deserialize)]
pub struct Counts {
    pub items_taken: u64,
    pub items_refused: u64,
    pub write_units: f64,
    pub read_units: f64,
    pub most_write_units_in_a_second: f64,
    pub write_units_available: Option<f64>,
    pub write_units_held_at_first_write: Option<f64>,
}

impl SimulatedTable {
    /// Starts a table that keeps its items and answers with the latency of a real one.
    pub fn start(words: &[&str]) -> SimulatedTable {
        SimulatedTable::start_on(None, words)
    }

    pub fn start_on(core: Option<usize>, words: &[&str]) -> SimulatedTable {
        let program = program();
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        let command = command.args(["--keep", "--trust-items", "--latency-ms", "5"]).args(words).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{}: {error}. cargo build --release --locked -p inventory-local-table --bin simulated-table \
                 builds it.",
                program.display()
            )
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_string();
        SimulatedTable { process, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn counts(&self) -> Counts {
        serde_json::from_str(&self.request("GET /counts", "", "")).expect("counts")
    }

    /// Returns the number of items in the table.
    pub fn items(&self) -> u64 {
        let mut scan = json!({ "TableName": "stock" });
        let mut items = 0;
        loop {
            let page = self.request("POST /", "x-amz-target: DynamoDB_20120810.Scan\r\n", &scan.to_string());
            let page: Json = serde_json::from_str(&page).expect("a page");
            items += page["Count"].as_u64().expect("a number");
            match page.get("LastEvaluatedKey") {
                Some(key) => scan["ExclusiveStartKey"] = key.clone(),
                None => return items,
            }
        }
    }

    fn request(&self, what: &str, header: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the table");
        let (host, length) = (&self.address, body.len());
        write!(
            stream,
            "{what} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{header}\r\n{body}"
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{what}: {answer}");
        body.to_string()
    }
}

impl Drop for SimulatedTable {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the path of the table's program: in target/release, the folder of target/release/deps.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    let folder = this.parent().and_then(|deps| deps.parent()).expect("the target folder");
    folder.join("simulated-table")
}
