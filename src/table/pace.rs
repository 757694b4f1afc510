//! How fast a table is asked. Nobody says what it can take just now, so that is found out by what it takes.
//!
//! Requests go out at a rate in units per second. As long as nothing comes back the rate rises, quickly at first; as soon
//! as something does, it falls to a little less than what the table has been seen to take, and rises again slowly, then
//! ever faster, to find out whether there is more by now. From one fall to the next the table gave all it had: what it
//! took in between, over the time, is what it can take.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::meter::Meter;
use super::request_loop::Answer;
use crate::clients::full_jitter;

/// Requests in flight at once, in shares. Enough to hide the waiting: as many batches at 20 ms are 160,000 items a
/// second.
const SHARES: u32 = 128;
/// So many times its share a request takes at first: when a table has nothing left of what it had saved up, all that is
/// in flight comes back.
const SHARE_AT_FIRST: u32 = 4;
/// A table that has taken everything for so long is sent more at once.
const CALM: Duration = Duration::from_secs(1);
/// Of those who send at the same time.
const SIDE_BY_SIDE: u32 = 4;
/// The rate at which a table is asked that nobody has asked before, and the lowest. A table that takes less than that is
/// asked in vain now and then; one that turns requests away whatever their number is not asked less and less.
const FIRST_RATE: f64 = 1000.0;
const LOWEST_RATE: f64 = 250.0;
/// What the table takes is measured over so many answers, and at least so long: a processor may be busy elsewhere.
const ANSWERS: usize = 12;
const SPAN: Duration = Duration::from_millis(10);
/// Of what it took, the part with which it is asked after something came back.
const BELOW: f64 = 0.97;
/// What was saved up is taken much faster than what comes in, and then is gone. So it falls to that part at once, and no
/// further before it is seen again.
const STEEPEST_FALL: f64 = 4.0;
/// Beyond so many times of what is taken, the rate says nothing any more: there is not that much to send.
const HEADROOM: f64 = 2.0;
/// Growth per second: by twice in 50 ms at most. After something came back, by so much, and more with each second.
const FASTEST_GROWTH: f64 = std::f64::consts::LN_2 / 0.05;
const SLOWEST_GROWTH: f64 = 0.01;
/// That is for who gets so many answers in a second. Who gets more of them learns the same in less time.
const ANSWERS_A_SECOND: f64 = 240.0;
/// Timers wake a little late; so much of it is made up for.
const LATENESS: Duration = Duration::from_millis(10);
/// However slow a table seems, it is asked so often; that it takes nothing is what silence is for.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// After such a time with nothing to do, what was measured before says nothing any more.
const IDLE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Shared by all who read, or all who write, one table.
#[derive(Debug)]
pub(super) struct Pace {
    ceiling: Option<Meter>,
    shares: Semaphore,
    turns: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Units per second.
    rate: f64,
    /// The next request may go then.
    next_at: Instant,
    /// In requests of many, and in requests of one: a page of a scan costs more than the item of a key.
    units_per_item: [f64; 2],
    /// When the last answers came, and the units they took.
    answers: VecDeque<(Instant, f64)>,
    /// The table has never yet been asked too fast, or has been silent since.
    unknown: bool,
    slowed_at: Instant,
    grew_at: Instant,
    /// With nothing turned away, and units of them all, since it was slowed down.
    answers_since: u32,
    units_since: f64,
    /// What the table had saved up was gone then, and has been asked for ever since.
    emptied_at: Option<Instant>,
    /// Requests sent before the last slowdown have nothing new to say about it.
    round: u64,
    /// Slowdowns in a row with nothing taken in between.
    strikes: u32,
    in_flight: usize,
    /// When the table took something for the first time.
    first_taken_at: Option<Instant>,
    /// The table has taken everything for a while.
    is_calm: bool,
    /// The ceiling lets nothing through before then.
    held_until: Instant,
    /// Who has something to send.
    senders: usize,
    progress_at: Instant,
}

/// Somebody has something to send, for as long as this lives.
pub(super) struct Sender<'a>(&'a Pace);

/// Of those who have much to send, one sends at a time, so that what was begun first is done first; or a few, so that
/// what they send is mixed.
pub struct Turn<'a>(#[expect(dead_code, reason = "held until it is dropped")] Option<SemaphorePermit<'a>>);

/// A request's permission to go.
pub(super) struct Pass<'a> {
    pace: &'a Pace,
    _share: SemaphorePermit<'a>,
    single: bool,
    round: u64,
    /// Units that the meter reckons with.
    expected: f64,
}

impl Pace {
    /// Never beyond a ceiling in units per second.
    pub fn new(ceiling: Option<f64>) -> Pace {
        let now = Instant::now();
        let state = State {
            rate: FIRST_RATE,
            next_at: now,
            units_per_item: [1.0; 2],
            answers: VecDeque::with_capacity(ANSWERS),
            unknown: true,
            slowed_at: now,
            grew_at: now,
            answers_since: 0,
            units_since: 0.0,
            emptied_at: None,
            round: 0,
            strikes: 0,
            in_flight: 0,
            first_taken_at: None,
            is_calm: false,
            held_until: now,
            senders: 0,
            progress_at: now,
        };
        Pace {
            ceiling: ceiling.map(Meter::new),
            shares: Semaphore::new(SHARES as usize),
            turns: Semaphore::new(SIDE_BY_SIDE as usize),
            state: Mutex::new(state),
        }
    }

    pub async fn turn(&self, side_by_side: bool) -> Turn<'_> {
        Turn(self.turns.acquire_many(if side_by_side { 1 } else { SIDE_BY_SIDE }).await.ok())
    }

    pub fn begin(&self) -> Sender<'_> {
        let (mut state, now) = (self.state(), Instant::now());
        if state.senders == 0 {
            state.wake_up(now);
        }
        state.senders += 1;
        Sender(self)
    }

    /// Waits until a request for so many items may go, of which there are no more than `most` in flight at once.
    pub async fn admit(&self, items: usize, most: u32, single: bool) -> Pass<'_> {
        let times = if self.state().is_calm { 1 } else { SHARE_AT_FIRST };
        let share = match self.shares.acquire_many((SHARES / most * times).clamp(1, SHARES)).await {
            Ok(share) => share,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        };
        loop {
            match self.try_admit(items, single) {
                Ok((round, expected)) => return Pass { pace: self, _share: share, single, round, expected },
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
        let expected = expected.inspect_err(|later| state.held_until = *later)?;
        state.admit(items, single, now);
        Ok((state.round, expected))
    }

    /// Learns from an answer; says whether the table turned something away for the first time.
    pub fn settle<T>(&self, pass: &Pass<'_>, answer: &Answer<T>) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let mut consumed = 0.0;
        let turned_away = match answer {
            Answer::Taken { units, accepted, left, .. } => {
                consumed = *units;
                state.take(*units, *accepted, pass.single, now);
                (!left.is_empty()).then_some(*accepted > 0)
            }
            Answer::Busy(_) => Some(false),
            Answer::Refused(_) => {
                state.progress_at = now;
                None
            }
        };
        if let Some(meter) = &self.ceiling {
            meter.settle(pass.expected, consumed);
        }
        match turned_away {
            None => {
                state.faster(now);
                false
            }
            Some(took_some) => state.slower(pass.round, took_some, now) && state.round == 1,
        }
    }

    /// In units per second.
    pub fn ceiling(&self) -> Option<f64> {
        self.ceiling.as_ref().map(Meter::ceiling)
    }

    /// Items that should go together at most, so that a ceiling is not taken up by a few requests.
    pub fn most_items(&self, single: bool) -> usize {
        let units_per_item = self.state().units_per_item[usize::from(single)];
        self.ceiling.as_ref().map_or(usize::MAX, |meter| (meter.portion() / units_per_item).max(1.0) as usize)
    }

    /// When the table last took something, or could not have.
    pub fn progress_at(&self) -> Instant {
        let state = self.state();
        // That nothing is sent as long as the ceiling forbids it is no fault of the table's.
        if state.in_flight == 0 { state.progress_at.max(state.held_until) } else { state.progress_at }
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

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.pace.state().in_flight -= 1;
    }
}

impl State {
    /// After a time with nothing to send.
    fn wake_up(&mut self, now: Instant) {
        if now > self.progress_at + IDLE {
            self.answers.clear();
            self.emptied_at = None;
        }
        // A pause was for those who are gone: whoever begins may not have the time for it.
        self.next_at = now;
        self.strikes = 0;
        self.progress_at = now;
        self.grew_at = now;
    }

    fn admit(&mut self, items: usize, single: bool, now: Instant) {
        if self.in_flight == 0 {
            self.progress_at = self.progress_at.max(self.held_until);
        }
        self.in_flight += 1;
        let seconds = items as f64 * self.units_per_item[usize::from(single)] / self.rate;
        let takes = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        self.next_at = self.next_at.max(now.checked_sub(LATENESS).unwrap_or(now)) + takes;
    }

    fn take(&mut self, units: f64, accepted: usize, single: bool, now: Instant) {
        if accepted == 0 {
            return;
        }
        self.progress_at = now;
        self.first_taken_at.get_or_insert(now);
        self.strikes = 0;
        // Not every simulation says what was consumed.
        let units = if units > 0.0 { units } else { accepted as f64 };
        self.units_since += units;
        let mean = &mut self.units_per_item[usize::from(single)];
        *mean += (units / accepted as f64 - *mean) / ANSWERS as f64;
        let is_old = |(at, _): &(Instant, f64)| now.duration_since(*at) > SPAN;
        while self.answers.len() >= ANSWERS && self.answers.front().is_some_and(is_old) {
            self.answers.pop_front();
        }
        self.answers.push_back((now, units));
    }

    /// Units per second that the table took of late.
    fn taken(&self, now: Instant) -> Option<f64> {
        let (first, _) = self.answers.front().filter(|_| self.answers.len() > ANSWERS / 2)?;
        let seconds = now.duration_since(*first).max(Duration::from_millis(1)).as_secs_f64();
        Some(self.answers.iter().skip(1).map(|(_, units)| units).sum::<f64>() / seconds)
    }

    /// From one slowdown to the next. The table had nothing left then and has nothing left now: so that is what it can.
    fn taken_between(&self, now: Instant) -> Option<f64> {
        let since = now.duration_since(self.emptied_at?);
        let is_long = since > SPAN && self.answers_since as usize > 2 * ANSWERS;
        is_long.then(|| self.units_since / since.as_secs_f64())
    }

    fn faster(&mut self, now: Instant) {
        let seconds = now.duration_since(self.grew_at).as_secs_f64();
        self.grew_at = now;
        self.answers_since = self.answers_since.saturating_add(1);
        let since = now.duration_since(self.slowed_at).as_secs_f64();
        let learned = since.max(f64::from(self.answers_since) / ANSWERS_A_SECOND);
        let sooner = learned / since;
        let growth = if self.unknown { FASTEST_GROWTH } else { sooner * SLOWEST_GROWTH * (1.0 + learned * learned) };
        let most = self.taken(now).map_or(f64::INFINITY, |taken| HEADROOM * taken);
        let grown = self.rate * (growth.min(FASTEST_GROWTH) * seconds).exp();
        self.rate = grown.min(most).max(self.rate);
        self.is_calm |= self.first_taken_at.is_some_and(|first| now >= first.max(self.slowed_at) + CALM);
    }

    /// Says whether anything was new about it.
    fn slower(&mut self, round: u64, took_some: bool, now: Instant) -> bool {
        if round < self.round {
            return false;
        }
        self.round += 1;
        let taken = self.taken_between(now).or_else(|| self.taken(now)).unwrap_or_default();
        self.strikes = if took_some { 0 } else { self.strikes.saturating_add(1) };
        self.slowed_at = now;
        self.grew_at = now;
        self.answers_since = 0;
        self.units_since = 0.0;
        self.emptied_at = Some(now);
        self.unknown = self.strikes > 1;
        if self.strikes > 1 {
            self.rate = (self.rate / 2.0).max(LOWEST_RATE);
            self.next_at = now + full_jitter(self.strikes, PAUSE, LONGEST_PAUSE);
        } else {
            self.rate = (BELOW * taken.clamp(self.rate / STEEPEST_FALL, self.rate)).max(LOWEST_RATE);
            // Those who go late go in a bunch: it is let in, rather than being taken for the next fall.
            self.next_at = self.next_at.max(now + LATENESS);
        }
        true
    }
}

#[cfg(test)]
mod tests;
