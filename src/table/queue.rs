//! What goes into the next request, and when it may be sent.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::clients::full_jitter;
use crate::item::{Item, item_size};

/// DynamoDB's limit is 16 MB of JSON, in which bytes and unusual letters take more room than in the table.
const BYTES_PER_REQUEST: usize = 4 << 20;
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What is still to be sent. Items that came back go to the end and fill up later requests.
pub(super) struct Queue<'a> {
    items: &'a [Item],
    most: usize,
    open: VecDeque<usize>,
    /// Parts of refused requests. They are sent as they are, or the spoiling item would never stand alone.
    suspects: Vec<Vec<usize>>,
}

impl<'a> Queue<'a> {
    /// These items, so many in a request as its size allows, and never more than `most`.
    pub fn new(items: &'a [Item], most: usize) -> Queue<'a> {
        Queue { items, most, open: (0..items.len()).collect(), suspects: Vec::new() }
    }

    /// Each in a request of its own.
    pub fn singly(indexes: impl IntoIterator<Item = usize>) -> Queue<'a> {
        Queue { items: &[], most: 1, open: indexes.into_iter().collect(), suspects: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.open.len() + self.suspects.iter().map(Vec::len).sum::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.suspects.is_empty()
    }

    pub fn next(&mut self) -> Option<Vec<usize>> {
        if let Some(suspects) = self.suspects.pop() {
            return Some(suspects);
        }
        let mut batch = Vec::with_capacity(self.most);
        let mut bytes = 0;
        while let Some(&index) = self.open.front() {
            bytes += self.items.get(index).map_or(0, item_size);
            if batch.len() == self.most || (bytes > BYTES_PER_REQUEST && !batch.is_empty()) {
                break;
            }
            batch.push(index);
            self.open.pop_front();
        }
        (!batch.is_empty()).then_some(batch)
    }

    pub fn put_back(&mut self, batch: Vec<usize>) {
        self.open.extend(batch);
    }

    pub fn halve(&mut self, mut batch: Vec<usize>) {
        let second = batch.split_off(batch.len() / 2);
        self.suspects.extend([batch, second]);
    }
}

/// How many requests at once, and from when on. Down by half when the table is busy, up by one with each full success.
pub(super) struct Pace {
    pub width: usize,
    most: usize,
    pub resume: Instant,
    /// Slowdowns in a row with nothing accepted in between.
    strikes: u32,
    /// Requests sent before the last slowdown have nothing new to say about it.
    pub round: u64,
}

impl Pace {
    /// Begins with all the requests at once that it may ever have.
    pub fn new(most: usize) -> Pace {
        Pace { width: most, most, resume: Instant::now(), strikes: 0, round: 0 }
    }

    pub fn faster(&mut self) {
        self.strikes = 0;
        self.width = (self.width + 1).min(self.most);
    }

    pub fn slower(&mut self, round: u64, accepted_some: bool, table: &str, why: &str) {
        if round < self.round {
            return;
        }
        self.round += 1;
        self.strikes = if accepted_some { 1 } else { self.strikes.saturating_add(1) };
        self.width = (self.width / 2).max(1);
        let pause = full_jitter(self.strikes, PAUSE, LONGEST_PAUSE);
        self.resume = Instant::now() + pause;
        let (width, strikes, pause_ms) = (self.width, self.strikes, pause.as_millis() as u64);
        if self.round == 1 {
            tracing::warn!(event = "table_busy", table, why, width, strikes, pause_ms);
        } else {
            tracing::debug!(event = "table_busy", table, why, width, strikes, pause_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_answers_slows_down_once() {
        let mut pace = Pace::new(8);
        for _ in 0..8 {
            pace.slower(0, false, "stock", "busy");
        }
        assert_eq!((pace.width, pace.strikes, pace.round), (4, 1, 1));
        for round in 1..10 {
            pace.slower(round, false, "stock", "busy");
            assert!(pace.resume <= Instant::now() + LONGEST_PAUSE);
        }
        assert_eq!((pace.width, pace.strikes), (1, 10));
        pace.slower(pace.round, true, "stock", "some came back");
        assert_eq!(pace.strikes, 1);
        for _ in 0..20 {
            pace.faster();
        }
        assert_eq!((pace.width, pace.strikes), (8, 0));
    }

    #[test]
    fn halves_of_a_refused_request_are_sent_as_they_are() {
        let items = vec![Item::new(); 60];
        let mut queue = Queue::new(&items, 25);
        let batch = queue.next().unwrap();
        assert_eq!(batch.len(), 25);
        queue.halve(batch);
        let mut sizes = Vec::new();
        while let Some(batch) = queue.next() {
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [13, 12, 25, 10]);
        assert!(queue.is_empty());
    }
}
