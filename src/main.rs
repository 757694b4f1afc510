//! The Lambda function. Started with `read` as its first argument, it is the child process that reads and judges a
//! file.

use std::process::ExitCode;

use inventory_check::child;
use inventory_loader::function;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    if let Some(brief) = child::brief_from_args(std::env::args_os()) {
        return child::serve(&brief);
    }
    match function::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Logging may not be set up yet.
            let line = serde_json::json!({ "level": "ERROR", "event": "start_failed", "error": error.to_string() });
            eprintln!("{line}");
            ExitCode::FAILURE
        }
    }
}
