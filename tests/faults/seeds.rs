//! The seeds of randomised tests. A seed does not determine the timing between processes, so a rare failure may take
//! several runs of its seed to reproduce.

use futures_util::{StreamExt, stream};

const SEED: &str = "FAULTS_SEED";
const SCOPE: &str = "FAULTS";

/// Returns whether to run all cases (`make faults`) instead of the few that every test run has time for.
pub fn full_run() -> bool {
    std::env::var(SCOPE).is_ok_and(|scope| scope == "full")
}

/// Returns the seed given in FAULTS_SEED, or a random one.
pub fn seed() -> u64 {
    let given = std::env::var(SEED).ok();
    let seed = given.map_or_else(|| fastrand::u32(..).into(), |seed| seed.parse().expect("a number as seed"));
    println!("{SEED}={seed} repeats this");
    seed
}

/// Runs a test with `seeds` seeds, `at_once` of them concurrently, and panics with the first seed that fails.
pub async fn for_each_seed<F: Future<Output = ()> + Send + 'static>(
    seeds: usize,
    at_once: usize,
    test: impl Fn(u64) -> F,
) {
    let seeds = if std::env::var(SEED).is_ok() { 1 } else { seeds };
    let runs = stream::iter(std::iter::repeat_with(seed).take(seeds)).map(|seed| {
        let test = tokio::spawn(test(seed));
        async move { (seed, test.await) }
    });
    let mut runs = runs.buffer_unordered(at_once);
    while let Some((seed, ended)) = runs.next().await {
        assert!(ended.is_ok(), "{SEED}={seed} fails");
    }
}
