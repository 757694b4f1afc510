//! The function as Lambda starts it: how long until it asks for its first event.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Asked;
use crate::measure::median::median;
use crate::measure::program::CREDENTIALS;

const STARTS_IN_A_ROUND: usize = 4;

const ENVIRONMENT: [(&str, &str); 8] = [
    ("INVENTORY_TABLE", "stock"),
    ("LEDGER_TABLE", "ledger"),
    ("UPLOADS_BUCKET", "uploads"),
    ("REPORTS_BUCKET", "reports"),
    ("BUCKET_OWNER", "000000000000"),
    ("AWS_LAMBDA_FUNCTION_NAME", "loader"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
];

pub fn measure(asked: &Asked) -> String {
    let starts = STARTS_IN_A_ROUND * asked.rounds;
    let milliseconds: Vec<f64> = (0..starts).map(|_| start() * 1e3).collect();
    let slowest = milliseconds.iter().copied().fold(0.0, f64::max);
    format!(
        "From the start of the process to its asking for the first event: {:.1} ms, the median of {starts} starts; the \
         slowest took {slowest:.1} ms.
",
        median(milliseconds)
    )
}

/// Seconds until it asks. Nothing is answered, so it gets no further.
fn start() -> f64 {
    let runtime = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = runtime.local_addr().expect("an address").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loader"));
    command.env_clear().envs(CREDENTIALS).envs(ENVIRONMENT).env("AWS_LAMBDA_RUNTIME_API", address);
    let began = Instant::now();
    let mut function = command.stdin(Stdio::null()).spawn().expect("the function");
    let (stream, _) = runtime.accept().expect("a connection");
    let mut asked = BufReader::new(stream);
    let mut line = String::new();
    asked.read_line(&mut line).expect("a request");
    let seconds = began.elapsed().as_secs_f64();
    if !line.contains("/runtime/invocation/next") {
        // What it has to tell instead.
        let _ = asked.read_to_string(&mut line);
        panic!("{line}");
    }
    function.kill().expect("a process that waits");
    function.wait().expect("its end");
    seconds
}
