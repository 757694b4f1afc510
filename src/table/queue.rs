//! Decides which items go into the next request.

use std::collections::VecDeque;

/// The largest request. DynamoDB's limit is 16 MB of JSON, but many requests are in memory at once.
const BYTES_PER_REQUEST: usize = 1 << 20;

/// The items still to be sent. Items that came back go to the end and fill up later requests.
pub(super) struct Queue<'a> {
    /// The size of an item in bytes; 0 if sizes don't matter.
    size: Box<dyn Fn(usize) -> usize + Send + Sync + 'a>,
    limit: usize,
    open: VecDeque<usize>,
    /// Parts of refused requests. They are sent unchanged, so that halving ends with the bad item alone.
    suspects: Vec<Vec<usize>>,
}

impl<'a> Queue<'a> {
    /// A queue of items with these sizes. A request takes as many as fit, and at most `limit`.
    pub fn new(
        indexes: impl IntoIterator<Item = usize>,
        limit: usize,
        size: impl Fn(usize) -> usize + Send + Sync + 'a,
    ) -> Queue<'a> {
        Queue { size: Box::new(size), limit, open: indexes.into_iter().collect(), suspects: Vec::new() }
    }

    /// A queue with one item per request.
    pub fn one_by_one(indexes: impl IntoIterator<Item = usize>) -> Queue<'a> {
        Queue::new(indexes, 1, |_| 0)
    }

    pub fn len(&self) -> usize {
        self.open.len() + self.suspects.iter().map(Vec::len).sum::<usize>()
    }

    pub fn is_one_by_one(&self) -> bool {
        self.limit == 1
    }

    /// Returns the items of the next request, at most `limit` of them.
    pub fn next(&mut self, limit: usize) -> Option<Vec<usize>> {
        if let Some(suspects) = self.suspects.pop() {
            return Some(suspects);
        }
        let mut batch = Vec::with_capacity(self.limit);
        let mut bytes = 0;
        while let Some(&index) = self.open.front() {
            bytes += (self.size)(index);
            if batch.len() == self.limit.min(limit) || (bytes > BYTES_PER_REQUEST && !batch.is_empty()) {
                break;
            }
            batch.push(index);
            self.open.pop_front();
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Returns everything still to be sent, sorted.
    pub fn rest(self) -> Vec<usize> {
        let mut rest: Vec<usize> = self.open.into_iter().chain(self.suspects.into_iter().flatten()).collect();
        rest.sort_unstable();
        rest
    }

    pub fn put_back(&mut self, batch: Vec<usize>) {
        self.open.extend(batch);
    }

    pub fn halve(&mut self, mut batch: Vec<usize>) {
        let second = batch.split_off(batch.len() / 2);
        self.suspects.extend([batch, second]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_refused_request_are_sent_unchanged() {
        let mut queue = Queue::new(0..60, 25, |_| 100);
        let batch = queue.next(usize::MAX).unwrap();
        assert_eq!(batch.len(), 25);
        queue.halve(batch);
        let mut sizes = Vec::new();
        while let Some(batch) = queue.next(usize::MAX) {
            sizes.push(batch.len());
        }
        assert_eq!(sizes, [13, 12, 25, 10]);
        assert_eq!(queue.len(), 0);
    }
}
