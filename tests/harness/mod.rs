//! Shared by all integration tests: the programs under test, the local cloud, and stacks deployed as shipped.

pub mod cloud;
pub mod files;
pub mod libreoffice;
pub mod stack;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner, contextualize_config};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Returns the root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn sample(name: &str) -> PathBuf {
    root().join("sample-data").join(name)
}

/// Runs the command `inventory`.
pub fn inventory(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inventory")).args(arguments).output().expect("the command")
}

/// Runs the command against a local cloud.
pub fn inventory_at(endpoint: &str, region: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inventory"))
        .args(arguments)
        .args(["--endpoint-url", endpoint, "--region", region])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .expect("the command")
}

/// Builds an example and returns its path. Cargo builds examples along with the tests, but not for
/// `cargo test --test integration` alone: the program would then be an old one.
pub fn example(name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // The variables that cargo sets for this package would look like changes to the build script of ring, and ring and
    // everything that depends on it would be rebuilt.
    let set_by_cargo = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars().filter(|(name, _)| set_by_cargo(name)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(root()).args(["build", "--quiet", "--locked", "--example", name]);
    assert!(cargo.status().expect("cargo").success(), "the example {name} was not built");
    Path::new(env!("CARGO_BIN_EXE_inventory")).with_file_name("examples").join(name)
}

/// Returns a name that no other test and no earlier run uses.
pub fn unique(name: &str) -> String {
    format!("{name}-{:08x}", fastrand::u32(..))
}

/// Waits until the clock shows the next second: S3 and DynamoDB give times in whole seconds.
pub async fn next_second() {
    let now = || jiff::Timestamp::now().as_second();
    let before = now();
    eventually("the next second", || async { (now() > before).then_some(()) }).await;
}

/// Polls until there is a value, and panics with `what` if none appears in time.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut poll: impl FnMut() -> F) -> T {
    // CI machines can be slow; a test that gets its value sooner does not wait this long.
    const PATIENCE: Duration = Duration::from_secs(240);
    let began = Instant::now();
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(seen) = poll().await {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
    }
}

/// Checks a property with `cases` values (or PROPTEST_CASES, if set) and panics with the smallest that breaks it.
pub fn check_property<S: Strategy>(cases: u32, values: S, property: impl Fn(S::Value) -> TestCaseResult) {
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
