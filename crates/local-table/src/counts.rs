//! Counts of the requests to the table and of the units it provided.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::bucket::Bucket;
use crate::units::Units;

#[derive(Debug)]
pub struct Counts {
    since: Instant,
    writes: Traffic,
    reads: Traffic,
    busiest_second: BusiestSecond,
    first_write: Option<Written>,
    last_write: Option<Written>,
}

#[derive(Debug, Default)]
struct Traffic {
    taken: u64,
    units: Units,
    refused: u64,
    requests: u64,
    throttled: u64,
}

/// When a write request arrived, and the state of the table's bucket before it.
#[derive(Debug, Clone, Copy)]
struct Written {
    after: Duration,
    given: f64,
    held: f64,
}

/// The outcome of a request: the items or keys accepted, their units, and the items or keys refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    pub taken: u64,
    pub units: Units,
    pub refused: u64,
}

/// The counts in the response to GET /counts.
#[derive(Debug, PartialEq, Serialize)]
pub struct CountsReport {
    pub items_taken: u64,
    pub write_units: Units,
    /// Items returned as unprocessed, or whose request was throttled.
    pub items_refused: u64,
    /// Write requests.
    pub requests: u64,
    /// Write requests of which nothing was accepted.
    pub requests_throttled: u64,
    pub keys_taken: u64,
    pub read_units: Units,
    pub keys_refused: u64,
    pub read_requests: u64,
    pub read_requests_throttled: u64,
    pub most_write_units_in_a_second: Units,
    /// Milliseconds from the start to the first write request, accepted or not.
    pub first_write: Option<u64>,
    pub last_write: Option<u64>,
    /// Units added to the table's bucket between the two; `None` without a limit.
    pub write_units_available: Option<f64>,
    /// Units the bucket held before the first write.
    pub write_units_held_at_first_write: Option<f64>,
}

impl Counts {
    pub fn new(since: Instant) -> Counts {
        Counts {
            since,
            writes: Traffic::default(),
            reads: Traffic::default(),
            busiest_second: BusiestSecond::default(),
            first_write: None,
            last_write: None,
        }
    }

    /// Records a write request, before it takes anything from the bucket.
    pub fn begin_write(&mut self, bucket: &Bucket, now: Instant) {
        let after = now.saturating_duration_since(self.since);
        let written = Written { after, given: bucket.given(), held: bucket.held() };
        self.first_write.get_or_insert(written);
        self.last_write = Some(written);
    }

    pub fn add_write(&mut self, outcome: Outcome, now: Instant) {
        self.writes.add(outcome);
        let after = now.saturating_duration_since(self.since);
        self.busiest_second.add(after.as_millis() as u64, outcome.units);
    }

    pub fn add_read(&mut self, outcome: Outcome) {
        self.reads.add(outcome);
    }

    pub fn report(&self, write_bucket: &Bucket) -> CountsReport {
        let millis = |written: Option<Written>| written.map(|written| written.after.as_millis() as u64);
        let (first, last) = (self.first_write, self.last_write);
        let limited = write_bucket.is_limited();
        CountsReport {
            items_taken: self.writes.taken,
            write_units: self.writes.units,
            items_refused: self.writes.refused,
            requests: self.writes.requests,
            requests_throttled: self.writes.throttled,
            keys_taken: self.reads.taken,
            read_units: self.reads.units,
            keys_refused: self.reads.refused,
            read_requests: self.reads.requests,
            read_requests_throttled: self.reads.throttled,
            most_write_units_in_a_second: self.busiest_second.most,
            first_write: millis(first),
            last_write: millis(last),
            write_units_available: first.zip(last).filter(|_| limited).map(|(first, last)| last.given - first.given),
            write_units_held_at_first_write: first.filter(|_| limited).map(|first| first.held),
        }
    }
}

impl Traffic {
    fn add(&mut self, Outcome { taken, units, refused }: Outcome) {
        self.taken += taken;
        self.units += units;
        self.refused += refused;
        self.requests += 1;
        self.throttled += u64::from(taken == 0 && refused > 0);
    }
}

/// The highest sum in any window of 1,000 milliseconds, kept up to date as the window slides.
#[derive(Debug)]
struct BusiestSecond {
    /// Indexed by the last three digits of the millisecond.
    bins: [Units; 1000],
    /// The newest millisecond in the window.
    newest: u64,
    sum: Units,
    most: Units,
}

impl Default for BusiestSecond {
    fn default() -> BusiestSecond {
        BusiestSecond { bins: [Units::ZERO; 1000], newest: 0, sum: Units::ZERO, most: Units::ZERO }
    }
}

impl BusiestSecond {
    /// Adds units. A millisecond before the newest (the request was overtaken on its way) counts as the newest.
    fn add(&mut self, millisecond: u64, units: Units) {
        let steps = millisecond.saturating_sub(self.newest).min(1000);
        for step in 1..=steps {
            let bin = &mut self.bins[((self.newest + step) % 1000) as usize];
            self.sum = self.sum - std::mem::take(bin);
        }
        self.newest = self.newest.max(millisecond);
        self.bins[(self.newest % 1000) as usize] += units;
        self.sum += units;
        self.most = self.most.max(self.sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(writes: &[(u64, u64)]) -> Units {
        let mut busiest = BusiestSecond::default();
        for &(millisecond, units) in writes {
            busiest.add(millisecond, Units::whole(units));
        }
        busiest.most
    }

    #[test]
    fn the_busiest_second_need_not_begin_with_a_full_second() {
        assert_eq!(most(&[]), Units::ZERO);
        assert_eq!(most(&[(900, 10), (1100, 10)]), Units::whole(20));
        assert_eq!(most(&[(0, 10), (999, 10)]), Units::whole(20));
        assert_eq!(most(&[(0, 10), (1000, 10)]), Units::whole(10), "a second later is another second");
        assert_eq!(most(&[(5, 7), (4_000_005, 6), (4_000_900, 5), (4_001_005, 1)]), Units::whole(11));
        assert_eq!(most(&[(3, 1), (2, 1)]), Units::whole(2), "overtaken on the way");
    }

    #[test]
    fn the_busiest_second_is_the_one_found_by_trying_all() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut at = 0;
        let writes: Vec<(u64, u64)> = (0..500)
            .map(|_| {
                at += if random.u8(0..20) == 0 { random.u64(0..3000) } else { random.u64(0..60) };
                (at, random.u64(0..50))
            })
            .collect();
        let from = |start: u64| -> u64 {
            writes.iter().filter(|(at, _)| (start..start + 1000).contains(at)).map(|(_, units)| units).sum()
        };
        assert_eq!(most(&writes), Units::whole((0..=at).map(from).max().unwrap()));
    }

    #[test]
    fn available_units_are_those_added_between_the_first_and_the_last_write() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut bucket = Bucket::new(100, 300, false, start);
        let mut counts = Counts::new(start);
        assert_eq!(counts.report(&bucket).write_units_available, None);
        for (second, units, refused) in [(2, 150, 0), (3, 0, 25), (7, 40, 3)] {
            bucket.fill(at(second));
            counts.begin_write(&bucket, at(second));
            bucket.take(Units::whole(units));
            counts.add_write(Outcome { taken: units, units: Units::whole(units), refused }, at(second));
        }
        bucket.change_rate(1000, at(8));
        bucket.fill(at(9));
        let results = counts.report(&bucket);
        assert_eq!((results.items_taken, results.items_refused, results.write_units), (190, 28, Units::whole(190)));
        assert_eq!((results.requests, results.requests_throttled), (3, 1));
        assert_eq!((results.first_write, results.last_write), (Some(2000), Some(7000)));
        assert_eq!(
            (results.write_units_available, results.write_units_held_at_first_write),
            (Some(500.0), Some(200.0))
        );
        assert_eq!(results.most_write_units_in_a_second, Units::whole(150));
    }
}
