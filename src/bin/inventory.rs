//! The `inventory` command. Started with `read` as its first argument, it is the child process that reads and judges a
//! file.

use std::process::ExitCode;

use inventory_check::child;
use inventory_loader::cli;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match child::brief_from_args(std::env::args_os()) {
        Some(brief) => child::serve(&brief),
        None => cli::main(),
    }
}
