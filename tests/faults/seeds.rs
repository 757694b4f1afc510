//! Seeds: which are tried, and how one of them is tried again alone. Which process is quicker no seed decides, so a
//! rare failure may want several tries of its seed.

use futures_util::{StreamExt, stream};

const SEED: &str = "FAULTS_SEED";
const HOW_MUCH: &str = "FAULTS";

/// Whether everything is to be tried, and not only as much as there is always time for.
pub fn full() -> bool {
    std::env::var(HOW_MUCH).is_ok_and(|how_much| how_much == "full")
}

/// One seed, given or new.
pub fn seed() -> u64 {
    let given = std::env::var(SEED).ok();
    let seed = given.map_or_else(|| fastrand::u32(..).into(), |seed| seed.parse().expect("a number as seed"));
    println!("{SEED}={seed} gives the same again");
    seed
}

/// Tries so many seeds, some of them at once; the first that fails is named.
pub async fn each<F: Future<Output = ()> + Send + 'static>(seeds: usize, at_once: usize, test: impl Fn(u64) -> F) {
    let seeds = if std::env::var(SEED).is_ok() { 1 } else { seeds };
    let tried = stream::iter(std::iter::repeat_with(seed).take(seeds)).map(|seed| {
        let test = tokio::spawn(test(seed));
        async move { (seed, test.await) }
    });
    let mut tried = tried.buffer_unordered(at_once);
    while let Some((seed, ended)) = tried.next().await {
        assert!(ended.is_ok(), "{SEED}={seed} does not hold");
    }
}
