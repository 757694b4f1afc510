//! What goes into the next request.

use std::collections::VecDeque;

/// DynamoDB's limit is 16 MB of JSON. There are many requests at once, and each is text in memory.
const BYTES_PER_REQUEST: usize = 1 << 20;

/// What is still to be sent. Items that came back go to the end and fill up later requests.
pub(super) struct Queue<'a> {
    /// Of each item, where they may be so large that it matters.
    size: Box<dyn Fn(usize) -> usize + Send + Sync + 'a>,
    most: usize,
    open: VecDeque<usize>,
    /// Parts of refused requests. They are sent as they are, or the spoiling item would never stand alone.
    suspects: Vec<Vec<usize>>,
}

impl<'a> Queue<'a> {
    /// Items of these sizes, as many in a request as fit, and never more than `most`.
    pub fn new(
        indexes: impl IntoIterator<Item = usize>,
        most: usize,
        size: impl Fn(usize) -> usize + Send + Sync + 'a,
    ) -> Queue<'a> {
        Queue { size: Box::new(size), most, open: indexes.into_iter().collect(), suspects: Vec::new() }
    }

    /// Each in a request of its own.
    pub fn singly(indexes: impl IntoIterator<Item = usize>) -> Queue<'a> {
        Queue::new(indexes, 1, |_| 0)
    }

    pub fn len(&self) -> usize {
        self.open.len() + self.suspects.iter().map(Vec::len).sum::<usize>()
    }

    pub fn is_of_singles(&self) -> bool {
        self.most == 1
    }

    /// What goes into the next request: so many at most.
    pub fn next(&mut self, most: usize) -> Option<Vec<usize>> {
        if let Some(suspects) = self.suspects.pop() {
            return Some(suspects);
        }
        let mut batch = Vec::with_capacity(self.most);
        let mut bytes = 0;
        while let Some(&index) = self.open.front() {
            bytes += (self.size)(index);
            if batch.len() == self.most.min(most) || (bytes > BYTES_PER_REQUEST && !batch.is_empty()) {
                break;
            }
            batch.push(index);
            self.open.pop_front();
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// All that is still to be sent, in order.
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
    fn halves_of_a_refused_request_are_sent_as_they_are() {
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
