//! Enforces a ceiling in units per second, using the consumption that DynamoDB reports for each request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Timers wake a little late. At most this much lateness is made up for; no other unused capacity is saved up.
const TIMER_SLACK: Duration = Duration::from_millis(10);
/// How slowly an expensive request is forgotten: by half in about seventy requests.
const DECAY: f64 = 0.99;
/// The share of the remaining ceiling that is used.
const UTILISATION: f64 = 0.97;
/// The number of requests per second to aim for, so that one more or less makes little difference.
const REQUESTS_PER_SECOND: f64 = 16.0;
const LONGEST: Duration = Duration::from_secs(3600);

/// Admits requests one after another. After each it waits as long as the request's units take at the ceiling.
///
/// What a request consumes is known only from its answer. Until then it counts as much as the most expensive recent
/// one, and the very first as much as the ceiling allows in a second. Whole requests don't fit evenly into a second,
/// and some overtake others on their way, so the rate is kept below the ceiling by the units of one request and a
/// little more. Then no second exceeds the ceiling, except for a request that costs more than the ceiling, and for
/// requests in flight that turn out more expensive than all before them; the excess is waited out afterwards.
#[derive(Debug)]
pub(super) struct Meter {
    ceiling: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the units of all admitted requests are used up at the ceiling's rate.
    paid_at: Instant,
    costliest: Option<f64>,
}

impl Meter {
    pub fn ceiling(&self) -> f64 {
        self.ceiling
    }

    pub fn new(ceiling: f64) -> Meter {
        Meter { ceiling, state: Mutex::new(State { paid_at: Instant::now(), costliest: None }) }
    }

    /// Admits a request and returns the units it is expected to consume, or returns when to ask again.
    pub fn admit(&self) -> Result<f64, Instant> {
        let (mut state, now) = (self.state(), Instant::now());
        if now < state.paid_at {
            return Err(state.paid_at);
        }
        let expected = state.costliest.unwrap_or(self.ceiling);
        state.paid_at = state.paid_at.max(now.checked_sub(TIMER_SLACK).unwrap_or(now)) + self.time_of(expected);
        Ok(expected)
    }

    /// Replaces the expected units of a request by those it consumed. A throttled request consumed nothing and doesn't
    /// affect the expected cost of the next.
    pub fn record(&self, expected: f64, units: f64) {
        let mut state = self.state();
        let (more, less) = (self.time_of(units), self.time_of(expected));
        state.paid_at = (state.paid_at + more).checked_sub(less).unwrap_or(state.paid_at);
        if units > 0.0 {
            state.costliest = Some(state.costliest.map_or(units, |costliest| units.max(costliest * DECAY)));
        }
    }

    /// How long a request of this many units takes at the ceiling.
    fn time_of(&self, units: f64) -> Duration {
        let rate = UTILISATION * (self.ceiling - units).max(units).min(self.ceiling);
        Duration::try_from_secs_f64(units / rate).unwrap_or(LONGEST).min(LONGEST)
    }

    /// The units that one request should not exceed, so that enough requests fit into a second.
    pub fn units_per_request(&self) -> f64 {
        self.ceiling / REQUESTS_PER_SECOND
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

    /// Sends requests of these costs, eight at a time. Returns the seconds it took, and the most units sent in any
    /// second.
    async fn send_all(meter: &Meter, costs: &[f64], answer_ms: u64) -> (f64, f64) {
        let began = Instant::now();
        let (next, sent) = (AtomicU64::new(0), Mutex::new(Vec::new()));
        let worker = async || {
            while let Some(&cost) = costs.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                let expected = loop {
                    match meter.admit() {
                        Ok(expected) => break expected,
                        Err(later) => sleep_until(later).await,
                    }
                };
                sent.lock().unwrap().push((Instant::now(), cost));
                sleep(Duration::from_millis(answer_ms)).await;
                meter.record(expected, cost);
            }
        };
        join_all((0..8).map(|_| worker())).await;
        let (took, sent) = (began.elapsed().as_secs_f64(), sent.into_inner().unwrap());
        let second = |(from, _): &(Instant, f64)| {
            let within = |(at, _): &&(Instant, f64)| (*from..=*from + Duration::from_secs(1)).contains(at);
            sent.iter().filter(within).map(|(_, cost)| cost).sum::<f64>()
        };
        (took, sent.iter().map(second).fold(0.0, f64::max))
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_exceeds_the_ceiling_and_nearly_all_of_it_is_used() {
        for (ceiling, cost, answer_ms, used) in [
            (100.0, 5.0, 5, 0.9),
            (500.0, 25.0, 5, 0.9),
            (1_000.0, 1.0, 20, 0.3),
            (5_000.0, 0.5, 0, 0.95),
            (100.0, 50.0, 5, 0.45),
            (40.0, 128.0, 900, 0.95),
        ] {
            let costs = vec![cost; 1_000];
            let (took, most) = send_all(&Meter::new(ceiling), &costs, answer_ms).await;
            assert!(most <= f64::max(ceiling, cost), "{most} units in a second at {ceiling}");
            assert!(took <= 1_000.0 * cost / ceiling / used + 1.0, "{took} s at {ceiling} units a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_random_cost_keep_to_the_ceiling_on_average() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let costs: Vec<f64> = (0..1_000).map(|_| f64::from(random.u32(1..60)) / 2.0).collect();
        let (took, most) = send_all(&Meter::new(500.0), &costs, 5).await;
        // Each of the eight in flight may cost more than expected.
        assert!(most <= 500.0 + 8.0 * 30.0, "{most} units in a second");
        let needed = costs.iter().sum::<f64>() / 500.0;
        assert!((needed..needed / 0.9 + 1.0).contains(&took), "{took} s instead of {needed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_does_not_save_up_capacity() {
        let meter = Meter::new(100.0);
        let expected = meter.admit().unwrap();
        meter.record(expected, 10.0);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(meter.admit(), Ok(10.0));
        let later = meter.admit().unwrap_err();
        assert_eq!(later, Instant::now() + meter.time_of(10.0) - TIMER_SLACK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_request_costs_nothing_and_does_not_change_the_expected_cost() {
        let meter = Meter::new(100.0);
        let expected = meter.admit().unwrap();
        assert!(meter.admit().is_err());
        meter.record(expected, 0.0);
        assert_eq!(meter.admit(), Ok(100.0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_of_zero_admits_only_the_first_request() {
        let meter = Meter::new(0.0);
        let expected = meter.admit().unwrap();
        meter.record(expected, 1.0);
        assert!(meter.admit().is_err());
    }
}
