//! The Lambda: the function, or, started with `read` as its first word, the judging child.

use std::process::ExitCode;

use inventory_check::child;
use inventory_loader::function;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    if let Some(brief) = child::asked_to_read(std::env::args_os()) {
        return child::serve(&brief);
    }
    match function::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be no log yet.
            let line = serde_json::json!({ "level": "ERROR", "event": "start_failed", "error": error.to_string() });
            eprintln!("{line}");
            ExitCode::FAILURE
        }
    }
}
