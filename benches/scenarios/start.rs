//! How long the function takes from its start until it requests its first event.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Arguments;
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

pub fn measure(arguments: &Arguments) -> String {
    let starts = STARTS_IN_A_ROUND * arguments.rounds;
    let milliseconds: Vec<f64> = (0..starts).map(|_| start() * 1e3).collect();
    let slowest = milliseconds.iter().copied().fold(0.0, f64::max);
    format!(
        "From the start of the process to its request for the first event: {:.1} ms, the median of {starts} starts; \
         the slowest took {slowest:.1} ms.\n",
        median(milliseconds)
    )
}

/// Returns the seconds until the function requests an event. It gets no response, so it does nothing else.
fn start() -> f64 {
    let runtime = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = runtime.local_addr().expect("an address").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loader"));
    command.env_clear().envs(CREDENTIALS).envs(ENVIRONMENT).env("AWS_LAMBDA_RUNTIME_API", address);
    let began = Instant::now();
    let mut function = command.stdin(Stdio::null()).spawn().expect("the function");
    let (stream, _) = runtime.accept().expect("a connection");
    let mut request = BufReader::new(stream);
    let mut line = String::new();
    request.read_line(&mut line).expect("a request");
    let seconds = began.elapsed().as_secs_f64();
    if !line.contains("/runtime/invocation/next") {
        // For example an error during initialisation.
        let _ = request.read_to_string(&mut line);
        panic!("{line}");
    }
    function.kill().expect("a process that waits");
    function.wait().expect("its end");
    seconds
}
