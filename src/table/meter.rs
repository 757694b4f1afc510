//! A ceiling in units per second, held by what DynamoDB says that each request has consumed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Timers wake a little late. So much of it may be made up for; nothing else is saved up.
const LATENESS: Duration = Duration::from_millis(10);
/// How slowly a dear request is forgotten: by half in seventy requests.
const FORGETTING: f64 = 0.99;
/// Of what is left of the ceiling, so much is used.
const USED: f64 = 0.97;
/// Of so many, one more or less does not matter much.
const REQUESTS_A_SECOND: f64 = 16.0;
const LONGEST: Duration = Duration::from_secs(3600);

/// Lets requests pass one after the other, each as long after the one before as that one's units take at the ceiling.
///
/// What a request consumes is known only from its answer. Until then it counts as much as the dearest of late, and the
/// very first as a second's worth. Whole requests fit into a second less well than units do, and on their way some catch
/// up with others: so the rate is lower than the ceiling by the units of one request and a little. Then no second sees
/// more than the ceiling, but for a request dearer than the ceiling itself, and for those in flight that turn out dearer
/// than all before them; these are waited out.
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
    pub fn ceiling(&self) -> f64 {
        self.ceiling
    }

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
        let (more, less) = (self.time_of(units), self.time_of(expected));
        state.paid_at = (state.paid_at + more).checked_sub(less).unwrap_or(state.paid_at);
        if units > 0.0 {
            state.dearest = Some(state.dearest.map_or(units, |dearest| units.max(dearest * FORGETTING)));
        }
    }

    /// How long a request of so many units takes.
    fn time_of(&self, units: f64) -> Duration {
        let rate = USED * (self.ceiling - units).max(units).min(self.ceiling);
        Duration::try_from_secs_f64(units / rate).unwrap_or(LONGEST).min(LONGEST)
    }

    /// Units that one request should not exceed, so that many fit into a second.
    pub fn portion(&self) -> f64 {
        self.ceiling / REQUESTS_A_SECOND
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

    /// Eight at once send requests of these costs. Returns the time it took, and the most units sent in any second.
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
                meter.settle(expected, cost);
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
    async fn no_second_sees_more_than_the_ceiling_and_nearly_all_of_it_is_used() {
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
    async fn requests_of_any_cost_are_waited_out() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let costs: Vec<f64> = (0..1_000).map(|_| f64::from(random.u32(1..60)) / 2.0).collect();
        let (took, most) = send_all(&Meter::new(500.0), &costs, 5).await;
        // Each of the eight in flight may be dearer than expected.
        assert!(most <= 500.0 + 8.0 * 30.0, "{most} units in a second");
        let needed = costs.iter().sum::<f64>() / 500.0;
        assert!((needed..needed / 0.9 + 1.0).contains(&took), "{took} s instead of {needed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_saves_nothing_up() {
        let meter = Meter::new(100.0);
        let expected = meter.admit().unwrap();
        meter.settle(expected, 10.0);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(meter.admit(), Ok(10.0));
        let later = meter.admit().unwrap_err();
        assert_eq!(later, Instant::now() + meter.time_of(10.0) - LATENESS);
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
