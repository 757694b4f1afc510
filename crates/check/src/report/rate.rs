//! Computes the write rate of a load over time from the outcomes of its chunks.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::plan::ChunkOutcome;

/// On a page, a curve with more points shows no more detail.
const MOST_STEPS: f64 = 60.0;
const SHORTEST_STEP_SECONDS: f64 = 1.0;

/// Write units per second, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    pub began: Timestamp,
    pub step_seconds: f64,
    pub write_units_per_second: Vec<f64>,
    /// The limit in write units per second: the loader's own or the table's capacity; `None` if neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
}

/// Start, duration and write units of each chunk. A chunk's units are taken as spread evenly over its duration.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<(Timestamp, f64, f64)>);

impl Spans {
    pub fn add(&mut self, outcome: &ChunkOutcome) {
        if let Some(began) = outcome.began.filter(|_| outcome.write_units > 0.0) {
            self.0.push((began, outcome.seconds.max(0.0), outcome.write_units));
        }
    }

    /// Returns the rate, if writing the load took longer than one step.
    pub fn rate(&self, ceiling: Option<f64>) -> Option<Rate> {
        let began = self.0.iter().map(|(began, ..)| *began).min()?;
        let since = |at: Timestamp| SignedDuration::as_secs_f64(&at.duration_since(began));
        let whole = self.0.iter().map(|(began, seconds, _)| since(*began) + seconds).fold(0.0, f64::max);
        if whole <= SHORTEST_STEP_SECONDS {
            return None;
        }
        let step = (whole / MOST_STEPS).max(SHORTEST_STEP_SECONDS);
        // Rounding can make the quotient slightly more than MOST_STEPS; the extra step would have no length.
        let mut units = vec![0.0; (whole / step).ceil().min(MOST_STEPS) as usize];
        for (began, seconds, written) in &self.0 {
            let from = since(*began);
            let to = from + seconds;
            let (first, last) = ((from / step) as usize, (to / step) as usize);
            for (number, sum) in units.iter_mut().enumerate().take(last + 1).skip(first) {
                let (start, end) = (number as f64 * step, (number + 1) as f64 * step);
                let share = if *seconds > 0.0 { (to.min(end) - from.max(start)) / seconds } else { 1.0 };
                *sum += written * share.clamp(0.0, 1.0);
            }
        }
        // The last step is usually shorter.
        let of_last = whole - step * (units.len() - 1) as f64;
        let lengths = (1..=units.len()).map(|number| if number == units.len() { of_last } else { step });
        let write_units_per_second = units.iter().zip(lengths).map(|(sum, length)| sum / length).collect();
        Some(Rate { began, step_seconds: step, write_units_per_second, ceiling })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(chunks: &[(f64, f64, f64)]) -> Spans {
        let mut spans = Spans::default();
        for (from, seconds, write_units) in chunks {
            let began = Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(*from);
            spans.add(&ChunkOutcome {
                began: Some(began),
                seconds: *seconds,
                write_units: *write_units,
                ..ChunkOutcome::default()
            });
        }
        spans
    }

    fn curve(chunks: &[(f64, f64, f64)]) -> Vec<f64> {
        let rate = spans(chunks).rate(None).unwrap();
        rate.write_units_per_second.iter().map(|units| units.round()).collect()
    }

    #[test]
    fn units_are_spread_over_the_duration_of_a_chunk() {
        assert_eq!(curve(&[(10.0, 2.0, 1000.0), (11.0, 2.0, 2000.0)]), [500.0, 1500.0, 1000.0]);
        // Between two runs nothing was written; the last step is half a second long.
        assert_eq!(curve(&[(0.0, 1.0, 700.0), (3.0, 0.5, 700.0)]), [700.0, 0.0, 0.0, 1400.0]);
    }

    #[test]
    fn a_long_load_has_at_most_sixty_steps_and_a_short_one_no_rate() {
        let chunks: Vec<_> = (0..900).map(|second| (f64::from(second), 1.0, 4_000.0)).collect();
        let rate = spans(&chunks).rate(Some(4_000.0)).unwrap();
        assert_eq!((rate.write_units_per_second.len(), rate.step_seconds), (60, 15.0));
        assert!(rate.write_units_per_second.iter().all(|units| (units - 4_000.0).abs() < 1e-6), "{rate:?}");
        // In floating point, 65 / (65 / 60) is more than 60.
        for seconds in 61..1_000 {
            let rate = spans(&[(0.0, f64::from(seconds), f64::from(seconds) * 10.0)]).rate(None).unwrap();
            let all_are_ten = rate.write_units_per_second.iter().all(|units| (units - 10.0).abs() < 1e-6);
            assert!(rate.write_units_per_second.len() == 60 && all_are_ten, "{rate:?}");
        }
        assert_eq!(spans(&[(0.0, 0.8, 4_000.0)]).rate(None), None);
        assert_eq!(spans(&[]).rate(None), None);
    }
}
