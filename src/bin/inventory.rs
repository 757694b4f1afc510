//! The command people type. Started with `read` as its first word it is the judging child.

use std::process::ExitCode;

use inventory_check::child;
use inventory_loader::cli;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match child::asked_to_read(std::env::args_os()) {
        Some(brief) => child::serve(&brief),
        None => cli::main(),
    }
}
