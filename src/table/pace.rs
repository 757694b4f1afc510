//! Controls the rate of requests to a table. DynamoDB doesn't say how much the table can accept at the moment, so this
//! is measured.
//!
//! Requests are sent at a rate in units per second. As long as nothing is throttled the rate rises, quickly at first.
//! When something is throttled, the rate drops to a little less than what the table was seen to accept, and then rises
//! again, slowly at first and then faster, to find out whether more is possible by now. Between two slowdowns the table
//! was at its limit, so what it accepted in that time, divided by the time, is its capacity.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::meter::Meter;
use super::outcome::RequestOutcome;
use crate::clients::full_jitter;

/// The permits for requests in flight. Enough to hide the latency: this many batches at 20 ms are 160,000 items per
/// second.
const PERMITS: u32 = 128;
/// The factor by which a request takes more permits until the table is calm. When a table's burst capacity is used
/// up, everything in flight is throttled.
const CAUTION: u32 = 4;
/// How long a table must accept everything before more requests may be in flight.
const CALM_AFTER: Duration = Duration::from_secs(1);
/// The most writers with a shared turn.
const SHARED_TURNS: u32 = 4;
/// The initial rate and the lowest, in units per second. A table with a capacity below the lowest throttles some
/// requests; one that throttles requests whatever their rate doesn't make the rate fall without limit.
const FIRST_RATE: f64 = 1000.0;
const LOWEST_RATE: f64 = 250.0;
/// The accepted rate is measured over at least this many answers and this much time, because our own process may be
/// delayed.
const MEASURED_ANSWERS: usize = 12;
const MEASURED_TIME: Duration = Duration::from_millis(10);
/// The share of the accepted rate that is sent after something was throttled.
const REDUCTION: f64 = 0.97;
/// The most by which a single slowdown divides the rate. While a table uses its burst capacity it accepts far more
/// than it can sustain; once that is used up, the rate drops by at most this factor until it is measured again.
const LARGEST_DROP: f64 = 4.0;
/// The rate stays below this multiple of the accepted rate. Beyond it the rate means nothing: there isn't that much to
/// send.
const HEADROOM: f64 = 2.0;
/// Growth of the rate per second: at most doubling in 50 ms. After a slowdown it starts at the slowest growth and
/// increases with time.
const FASTEST_GROWTH: f64 = std::f64::consts::LN_2 / 0.05;
const SLOWEST_GROWTH: f64 = 0.01;
/// The answers per second at which that growth applies. With more answers the same is learned in less time.
const REFERENCE_ANSWERS: f64 = 240.0;
/// Timers wake a little late; at most this much lateness is made up for.
const TIMER_SLACK: Duration = Duration::from_millis(10);
/// The longest wait between two requests, however slow the table seems. A table that accepts nothing is handled by the
/// request loop.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// After this time without requests, earlier measurements no longer count.
const IDLE_AFTER: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pace of all reads of a table, or of all its writes.
#[derive(Debug)]
pub(super) struct Pace {
    ceiling: Option<Meter>,
    permits: Semaphore,
    turns: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Units per second.
    rate: f64,
    /// When the next request may be sent.
    next_at: Instant,
    /// Average units per item, in requests of many items and of one. A page of a scan counts as one item and costs
    /// more.
    units_per_item: [f64; 2],
    /// The times of the last answers, and the units they consumed.
    answers: VecDeque<(Instant, f64)>,
    /// Whether the table's limit is still unknown, or unknown again after it accepted nothing.
    is_limit_unknown: bool,
    slowed_at: Instant,
    grew_at: Instant,
    /// Answers without throttling since the last slowdown.
    answers_since: u32,
    /// Units accepted since the last slowdown.
    units_since: f64,
    /// When the table had no capacity left; requests have been sent without interruption since.
    exhausted_at: Option<Instant>,
    /// The number of slowdowns. Requests sent before the latest one cause no further slowdown.
    round: u64,
    /// Slowdowns without anything accepted in between.
    slowdowns_in_a_row: u32,
    in_flight: usize,
    /// When the table first accepted something.
    first_accepted_at: Option<Instant>,
    /// Whether the table has accepted everything for a while.
    is_calm: bool,
    /// Until when the ceiling admits nothing.
    ceiling_until: Instant,
    /// The number of callers that are sending.
    senders: usize,
    /// When the table last accepted or refused something.
    progress_at: Instant,
}

/// Marks a caller as sending for as long as this exists.
pub(super) struct Sender<'a>(&'a Pace);

/// A turn to write. Writers with many items take turns, so that what began first is done first. A few may share a turn,
/// so that their items are mixed.
pub struct WriteTurn<'a>(#[expect(dead_code, reason = "held until it is dropped")] Option<SemaphorePermit<'a>>);

/// Permission to send one request.
pub(super) struct Permit<'a> {
    pace: &'a Pace,
    _permits: SemaphorePermit<'a>,
    single: bool,
    round: u64,
    /// The units that the meter expects.
    expected: f64,
}

impl Pace {
    /// A pace with an optional ceiling in units per second.
    pub fn new(ceiling: Option<f64>) -> Pace {
        let now = Instant::now();
        let state = State {
            rate: FIRST_RATE,
            next_at: now,
            units_per_item: [1.0; 2],
            answers: VecDeque::with_capacity(MEASURED_ANSWERS),
            is_limit_unknown: true,
            slowed_at: now,
            grew_at: now,
            answers_since: 0,
            units_since: 0.0,
            exhausted_at: None,
            round: 0,
            slowdowns_in_a_row: 0,
            in_flight: 0,
            first_accepted_at: None,
            is_calm: false,
            ceiling_until: now,
            senders: 0,
            progress_at: now,
        };
        Pace {
            ceiling: ceiling.map(Meter::new),
            permits: Semaphore::new(PERMITS as usize),
            turns: Semaphore::new(SHARED_TURNS as usize),
            state: Mutex::new(state),
        }
    }

    pub async fn turn(&self, shared: bool) -> WriteTurn<'_> {
        WriteTurn(self.turns.acquire_many(if shared { 1 } else { SHARED_TURNS }).await.ok())
    }

    pub fn start_sending(&self) -> Sender<'_> {
        let (mut state, now) = (self.state(), Instant::now());
        if state.senders == 0 {
            state.restart(now);
        }
        state.senders += 1;
        Sender(self)
    }

    /// Waits until a request of this many items may be sent. At most `most` such requests are in flight.
    pub async fn admit(&self, items: usize, most: u32, single: bool) -> Permit<'_> {
        let factor = if self.state().is_calm { 1 } else { CAUTION };
        let permits = match self.permits.acquire_many((PERMITS / most * factor).clamp(1, PERMITS)).await {
            Ok(permits) => permits,
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        };
        loop {
            match self.try_admit(items, single) {
                Ok((round, expected)) => return Permit { pace: self, _permits: permits, single, round, expected },
                Err(later) => sleep_until(later).await,
            }
        }
    }

    fn try_admit(&self, items: usize, single: bool) -> Result<(u64, f64), Instant> {
        let (mut state, now) = (self.state(), Instant::now());
        if now < state.next_at {
            return Err(state.next_at);
        }
        let expected = self.ceiling.as_ref().map_or(Ok(0.0), Meter::admit);
        let expected = expected.inspect_err(|later| state.ceiling_until = *later)?;
        state.note_sent(items, single, now);
        Ok((state.round, expected))
    }

    /// Adjusts the rate to an answer. Returns whether the table throttled something for the first time.
    pub fn record<T>(&self, permit: &Permit<'_>, answer: &RequestOutcome<T>) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let mut consumed = 0.0;
        let throttled = match answer {
            RequestOutcome::Processed { units, accepted, left, .. } => {
                consumed = *units;
                state.note_accepted(*units, *accepted, permit.single, now);
                (!left.is_empty()).then_some(*accepted > 0)
            }
            RequestOutcome::Busy(_) => Some(false),
            RequestOutcome::Refused(_) => {
                state.progress_at = now;
                None
            }
        };
        if let Some(meter) = &self.ceiling {
            meter.record(permit.expected, consumed);
        }
        match throttled {
            None => {
                state.speed_up(now);
                false
            }
            Some(accepted_some) => state.slow_down(permit.round, accepted_some, now) && state.round == 1,
        }
    }

    /// The ceiling in units per second.
    pub fn ceiling(&self) -> Option<f64> {
        self.ceiling.as_ref().map(Meter::ceiling)
    }

    /// The most items per request, so that a few requests don't use up the whole ceiling.
    pub fn most_items(&self, single: bool) -> usize {
        let units_per_item = self.state().units_per_item[usize::from(single)];
        self.ceiling.as_ref().map_or(usize::MAX, |meter| (meter.units_per_request() / units_per_item).max(1.0) as usize)
    }

    /// When the table last accepted something, or had no chance to.
    pub fn progress_at(&self) -> Instant {
        let state = self.state();
        // Time in which the ceiling admits nothing doesn't count against the table.
        if state.in_flight == 0 { state.progress_at.max(state.ceiling_until) } else { state.progress_at }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        self.0.state().senders -= 1;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.pace.state().in_flight -= 1;
    }
}

impl State {
    /// Prepares for sending after a time without senders.
    fn restart(&mut self, now: Instant) {
        if now > self.progress_at + IDLE_AFTER {
            self.answers.clear();
            self.exhausted_at = None;
        }
        // A pause applied to the previous senders; a new one may not have the time for it.
        self.next_at = now;
        self.slowdowns_in_a_row = 0;
        self.progress_at = now;
        self.grew_at = now;
    }

    fn note_sent(&mut self, items: usize, single: bool, now: Instant) {
        if self.in_flight == 0 {
            self.progress_at = self.progress_at.max(self.ceiling_until);
        }
        self.in_flight += 1;
        let seconds = items as f64 * self.units_per_item[usize::from(single)] / self.rate;
        let takes = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        self.next_at = self.next_at.max(now.checked_sub(TIMER_SLACK).unwrap_or(now)) + takes;
    }

    fn note_accepted(&mut self, units: f64, accepted: usize, single: bool, now: Instant) {
        if accepted == 0 {
            return;
        }
        self.progress_at = now;
        self.first_accepted_at.get_or_insert(now);
        self.slowdowns_in_a_row = 0;
        // Not every simulator reports the consumed units.
        let units = if units > 0.0 { units } else { accepted as f64 };
        self.units_since += units;
        let mean = &mut self.units_per_item[usize::from(single)];
        *mean += (units / accepted as f64 - *mean) / MEASURED_ANSWERS as f64;
        let is_old = |(at, _): &(Instant, f64)| now.duration_since(*at) > MEASURED_TIME;
        while self.answers.len() >= MEASURED_ANSWERS && self.answers.front().is_some_and(is_old) {
            self.answers.pop_front();
        }
        self.answers.push_back((now, units));
    }

    /// Units per second that the table accepted recently.
    fn recent_rate(&self, now: Instant) -> Option<f64> {
        let (first, _) = self.answers.front().filter(|_| self.answers.len() > MEASURED_ANSWERS / 2)?;
        let seconds = now.duration_since(*first).max(Duration::from_millis(1)).as_secs_f64();
        Some(self.answers.iter().skip(1).map(|(_, units)| units).sum::<f64>() / seconds)
    }

    /// Units per second accepted since the last slowdown. The table was at its limit then and is now, so this is its
    /// capacity.
    fn rate_between_slowdowns(&self, now: Instant) -> Option<f64> {
        let since = now.duration_since(self.exhausted_at?);
        let is_long = since > MEASURED_TIME && self.answers_since as usize > 2 * MEASURED_ANSWERS;
        is_long.then(|| self.units_since / since.as_secs_f64())
    }

    fn speed_up(&mut self, now: Instant) {
        let seconds = now.duration_since(self.grew_at).as_secs_f64();
        self.grew_at = now;
        self.answers_since = self.answers_since.saturating_add(1);
        let since = now.duration_since(self.slowed_at).as_secs_f64();
        let learned = since.max(f64::from(self.answers_since) / REFERENCE_ANSWERS);
        let sooner = learned / since;
        let growth =
            if self.is_limit_unknown { FASTEST_GROWTH } else { sooner * SLOWEST_GROWTH * (1.0 + learned * learned) };
        let most = self.recent_rate(now).map_or(f64::INFINITY, |recent_rate| HEADROOM * recent_rate);
        let grown = self.rate * (growth.min(FASTEST_GROWTH) * seconds).exp();
        self.rate = grown.min(most).max(self.rate);
        self.is_calm |= self.first_accepted_at.is_some_and(|first| now >= first.max(self.slowed_at) + CALM_AFTER);
    }

    /// Reduces the rate. Returns `false` if the request was sent before the last slowdown.
    fn slow_down(&mut self, round: u64, accepted_some: bool, now: Instant) -> bool {
        if round < self.round {
            return false;
        }
        self.round += 1;
        let recent_rate = self.rate_between_slowdowns(now).or_else(|| self.recent_rate(now)).unwrap_or_default();
        self.slowdowns_in_a_row = if accepted_some { 0 } else { self.slowdowns_in_a_row.saturating_add(1) };
        self.slowed_at = now;
        self.grew_at = now;
        self.answers_since = 0;
        self.units_since = 0.0;
        self.exhausted_at = Some(now);
        self.is_limit_unknown = self.slowdowns_in_a_row > 1;
        if self.slowdowns_in_a_row > 1 {
            self.rate = (self.rate / 2.0).max(LOWEST_RATE);
            self.next_at = now + full_jitter(self.slowdowns_in_a_row, PAUSE, LONGEST_PAUSE);
        } else {
            self.rate = (REDUCTION * recent_rate.clamp(self.rate / LARGEST_DROP, self.rate)).max(LOWEST_RATE);
            // Requests that are late arrive together; leave time for them, so that they don't cause the next slowdown.
            self.next_at = self.next_at.max(now + TIMER_SLACK);
        }
        true
    }
}

#[cfg(test)]
mod tests;
