//! A ceiling in units per second, held by what DynamoDB says that each request has consumed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Timers wake a little late. So much of it may be made up for; nothing else is saved up.
const LATENESS: Duration = Duration::from_millis(10);
/// How slowly a dear request is forgotten: by half in seventy requests.
const FORGETTING: f64 = 0.99;
const LONGEST: Duration = Duration::from_secs(3600);

/// Lets requests pass one after the other, each as long after the one before as that one's units take at the ceiling.
///
/// What a request consumes is known only from its answer. Until then it counts as much as the dearest of late, and the
/// very first as a second's worth. So in any time, no more is consumed than the ceiling allows in it and the units of
/// one request; only requests in flight that turn out dearer than all before them come on top, and are waited out.
#[derive(Debug)]
pub(super) struct Meter {
    ceiling: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// All that passed is paid for by then.
    paid_at: Instant,
    dearest: Option<f64>,
}

impl Meter {
    pub fn new(ceiling: f64) -> Meter {
        Meter { ceiling, state: Mutex::new(State { paid_at: Instant::now(), dearest: None }) }
    }

    /// Lets a request pass and says how many units it is expected to consume, or says when to ask again.
    pub fn admit(&self) -> Result<f64, Instant> {
        let (mut state, now) = (self.state(), Instant::now());
        if now < state.paid_at {
            return Err(state.paid_at);
        }
        let expected = state.dearest.unwrap_or(self.ceiling);
        state.paid_at = state.paid_at.max(now.checked_sub(LATENESS).unwrap_or(now)) + self.time_of(expected);
        Ok(expected)
    }

    /// Corrects what was expected of a request by what it consumed. One that was turned away consumed nothing, and says
    /// nothing of what the next will cost.
    pub fn settle(&self, expected: f64, units: f64) {
        let mut state = self.state();
        state.paid_at += self.time_of(units - expected);
        state.paid_at = state.paid_at.checked_sub(self.time_of(expected - units)).unwrap_or(state.paid_at);
        if units > 0.0 {
            state.dearest = Some(state.dearest.map_or(units, |dearest| units.max(dearest * FORGETTING)));
        }
    }

    /// How long so many units take at the ceiling; fewer than none take no time.
    fn time_of(&self, units: f64) -> Duration {
        Duration::try_from_secs_f64(units.max(0.0) / self.ceiling).unwrap_or(LONGEST).min(LONGEST)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokio::time::{sleep, sleep_until};

    /// Eight at once send requests of these costs and count the units when they send, which is the soonest that they
    /// can be consumed. `may` is the most that is allowed at each moment since the beginning. Returns the time it took.
    async fn send_all(meter: &Meter, costs: &[f64], answer_ms: u64, may: impl Fn(Duration) -> f64) -> Duration {
        let began = Instant::now();
        let (next, consumed) = (AtomicU64::new(0), Mutex::new(0.0));
        let worker = async || {
            while let Some(&cost) = costs.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                let expected = loop {
                    match meter.admit() {
                        Ok(expected) => break expected,
                        Err(later) => sleep_until(later).await,
                    }
                };
                let so_far = {
                    let mut consumed = consumed.lock().unwrap();
                    *consumed += cost;
                    *consumed
                };
                let allowed = may(began.elapsed());
                assert!(so_far <= allowed, "{so_far} after {:?}, allowed {allowed}", began.elapsed());
                sleep(Duration::from_millis(answer_ms)).await;
                meter.settle(expected, cost);
            }
        };
        join_all((0..8).map(|_| worker())).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_passes_than_the_ceiling_and_one_request() {
        for (ceiling, cost, answer_ms) in [(100.0, 50.0, 5), (1_000.0, 1.0, 20), (40.0, 128.0, 900), (5_000.0, 0.5, 0)]
        {
            let costs = vec![cost; 2_000];
            let may = |elapsed: Duration| ceiling * elapsed.as_secs_f64() + cost + 1e-6 * ceiling;
            let took = send_all(&Meter::new(ceiling), &costs, answer_ms, may).await.as_secs_f64();
            // And what it allows is used, as far as the answers are fast enough.
            let needed = (2_000.0 * cost / ceiling).max(2_000.0 / 8.0 * answer_ms as f64 / 1e3);
            assert!(took <= needed * 1.02 + 1.0, "{took} s instead of {needed} s at {ceiling} units a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_any_cost_are_waited_out() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let costs: Vec<f64> = (0..2_000).map(|_| random.u32(1..200) as f64 / 2.0).collect();
        // Each of the eight in flight may be dearer than expected.
        let may = |elapsed: Duration| 500.0 * elapsed.as_secs_f64() + 8.0 * 100.0;
        let took = send_all(&Meter::new(500.0), &costs, 5, may).await.as_secs_f64();
        let needed = costs.iter().sum::<f64>() / 500.0;
        assert!((needed - 2.0..needed * 1.02 + 1.0).contains(&took), "{took} s instead of {needed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_nothing_up() {
        let meter = Meter::new(100.0);
        let expected = meter.admit().unwrap();
        meter.settle(expected, 10.0);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(meter.admit(), Ok(10.0));
        let later = meter.admit().unwrap_err();
        assert_eq!(later, Instant::now() + Duration::from_millis(100) - LATENESS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_was_turned_away_costs_nothing_and_teaches_nothing() {
        let meter = Meter::new(100.0);
        let expected = meter.admit().unwrap();
        assert!(meter.admit().is_err());
        meter.settle(expected, 0.0);
        assert_eq!(meter.admit(), Ok(100.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_of_nothing_lets_nothing_but_the_first_pass() {
        let meter = Meter::new(0.0);
        let expected = meter.admit().unwrap();
        meter.settle(expected, 1.0);
        assert!(meter.admit().is_err());
    }
}
