//! A token bucket: capacity that is added evenly, some of which is held for later.

use std::time::Instant;

use crate::units::Units;

/// Billionths of a unit, which is what one unit per second adds in a nanosecond: nothing is ever rounded.
type Billionths = u128;

const HALF: Billionths = 500_000_000;

#[derive(Debug, Clone)]
pub struct Bucket {
    /// Units per second; 0: no limit.
    rate: u64,
    burst_seconds: u64,
    held: Billionths,
    /// What was added until now, held or not.
    given: Billionths,
    filled_at: Instant,
}

impl Bucket {
    pub fn new(rate: u64, burst_seconds: u64, full: bool, now: Instant) -> Bucket {
        let mut bucket = Bucket { rate, burst_seconds, held: 0, given: 0, filled_at: now };
        if full {
            bucket.held = bucket.max_held();
        }
        bucket
    }

    pub fn is_limited(&self) -> bool {
        self.rate > 0
    }

    /// Adds the capacity since the last filling.
    pub fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled_at).as_nanos();
        if elapsed > 0 {
            let added = elapsed * Billionths::from(self.rate);
            self.given += added;
            self.held = (self.held + added).min(self.max_held());
            self.filled_at = now;
        }
    }

    pub fn has(&self, units: Units) -> bool {
        !self.is_limited() || self.held >= billionths(units)
    }

    /// Takes units, which the bucket must have.
    pub fn take(&mut self, units: Units) {
        if self.is_limited() {
            self.held -= billionths(units);
        }
    }

    /// Changes the rate from now on. The held capacity is kept, up to the new maximum.
    pub fn change_rate(&mut self, rate: u64, now: Instant) {
        self.fill(now);
        self.rate = rate;
        self.held = self.held.min(self.max_held());
    }

    pub fn held(&self) -> f64 {
        in_units(self.held)
    }

    /// Units added from the beginning to the last filling, whether or not they could be held.
    pub fn given(&self) -> f64 {
        in_units(self.given)
    }

    fn max_held(&self) -> Billionths {
        Billionths::from(self.rate) * Billionths::from(self.burst_seconds) * 2 * HALF
    }
}

fn billionths(units: Units) -> Billionths {
    Billionths::from(units.in_halves()) * HALF
}

fn in_units(billionths: Billionths) -> f64 {
    billionths as f64 / (2 * HALF) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_begins_empty_and_fills_evenly() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1000, 300, false, start);
        assert!(bucket.has(Units::ZERO) && !bucket.has(Units::halves(1)));
        // Half a unit is added after half a millisecond, and not a nanosecond earlier.
        bucket.fill(start + Duration::from_nanos(499_999));
        assert!(!bucket.has(Units::halves(1)));
        bucket.fill(start + Duration::from_nanos(500_000));
        assert!(bucket.has(Units::halves(1)));
        bucket.take(Units::halves(1));
        assert!(!bucket.has(Units::halves(1)));
        bucket.fill(start + SECOND);
        assert_eq!((bucket.held(), bucket.given()), (999.5, 1000.0));
    }

    #[test]
    fn a_bucket_holds_no_more_than_its_seconds_of_unused_capacity() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, false, start);
        bucket.fill(start + 100 * SECOND);
        assert!(bucket.has(Units::whole(30)) && !bucket.has(Units::halves(61)));
        assert_eq!(bucket.given(), 1000.0, "what could not be held is counted as added");
        assert_eq!(Bucket::new(10, 3, true, start).held(), 30.0);
    }

    #[test]
    fn filling_in_small_steps_gives_what_filling_at_once_gives() {
        let start = Instant::now();
        let (mut steps, mut once) = (Bucket::new(7, 300, false, start), Bucket::new(7, 300, false, start));
        (1..=100_000u32).for_each(|n| steps.fill(start + n * Duration::from_nanos(33_333)));
        once.fill(start + 100_000 * Duration::from_nanos(33_333));
        assert_eq!((steps.held, steps.given), (once.held, once.given));
    }

    #[test]
    fn a_slightly_earlier_request_takes_no_capacity_away() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, false, start);
        bucket.fill(start + SECOND);
        bucket.fill(start);
        bucket.fill(start + SECOND);
        assert_eq!(bucket.held(), 10.0);
    }

    #[test]
    fn a_new_rate_applies_from_the_moment_it_is_set() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, false, start);
        bucket.change_rate(100, start + SECOND);
        bucket.fill(start + 2 * SECOND);
        assert_eq!((bucket.held(), bucket.given()), (110.0, 110.0));
        bucket.change_rate(1, start + 2 * SECOND);
        assert_eq!(bucket.held(), 3.0, "no more than three seconds of the new capacity");
        bucket.change_rate(0, start + 2 * SECOND);
        assert!(bucket.has(Units::whole(1_000_000)), "no limit");
    }
}
