//! What the tests stand on: the programs under test, the local cloud, and stacks deployed as they are shipped.

pub mod cloud;
pub mod files;
pub mod office;
pub mod stack;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner, contextualize_config};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn sample(name: &str) -> PathBuf {
    root().join("sample-data").join(name)
}

/// The command `inventory`.
pub fn inventory(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inventory")).args(arguments).output().expect("the command")
}

/// The command where it talks to a local cloud.
pub fn inventory_at(endpoint: &str, region: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inventory"))
        .args(arguments)
        .args(["--endpoint-url", endpoint, "--region", region])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .expect("the command")
}

/// A program that cargo builds beside the tests, but not for `cargo test --test street` alone: then it would be an old one.
pub fn example(name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells of this package would be news to the build of ring, and all that stands on it would be built anew.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| told(name)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(root()).args(["build", "--quiet", "--locked", "--example", name]);
    assert!(cargo.status().expect("cargo").success(), "the example {name} was not built");
    Path::new(env!("CARGO_BIN_EXE_inventory")).with_file_name("examples").join(name)
}

/// Text unlike that of any other test and any earlier run.
pub fn unique(name: &str) -> String {
    format!("{name}-{:08x}", fastrand::u32(..))
}

/// Until the clock shows another second: S3 and DynamoDB tell times in whole ones.
pub async fn another_second() {
    let now = || jiff::Timestamp::now().as_second();
    let before = now();
    eventually("another second", || async { (now() > before).then_some(()) }).await;
}

/// Looks until there is something to see. What it waited for is in the panic when it never comes.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    // Machines of CI can be slow; whoever gets what she waits for does not wait longer for it.
    const PATIENCE: Duration = Duration::from_secs(240);
    let began = Instant::now();
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
    }
}

/// Tries a property on many values, as many as PROPTEST_CASES says if it says so, and shows the smallest that breaks it.
pub fn holds<S: Strategy>(cases: u32, values: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut config = contextualize_config(config);
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(fastrand::u64(..));
    }
    println!("PROPTEST_RNG_SEED={} gives the same values again", config.rng_seed);
    if let Err(broken) = TestRunner::new(config).run(&values, property) {
        panic!("{broken}");
    }
}
