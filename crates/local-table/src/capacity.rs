//! The table's read or write capacity: a bucket for the table and one for each partition.

use std::collections::HashMap;
use std::time::Instant;

use crate::bucket::Bucket;
use crate::units::Units;

/// Units per second of the table and of each partition, and how much is held. 0 units: no limit.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub table: u64,
    pub partition: u64,
    pub burst_seconds: u64,
    pub full: bool,
}

#[derive(Debug)]
pub struct Capacity {
    pub table: Bucket,
    partitions: HashMap<String, Bucket>,
    /// The bucket of a partition before its first request.
    untouched: Bucket,
}

impl Capacity {
    pub fn new(limits: Limits, now: Instant) -> Capacity {
        let bucket = |rate| Bucket::new(rate, limits.burst_seconds, limits.full, now);
        Capacity { table: bucket(limits.table), partitions: HashMap::new(), untouched: bucket(limits.partition) }
    }

    /// Takes the units from both the table and the partition, or from neither; without a partition, from the table
    /// only.
    pub fn take(&mut self, partition: Option<&str>, units: Units, now: Instant) -> bool {
        self.table.fill(now);
        if !self.table.has(units) {
            return false;
        }
        if let Some(partition) = partition.filter(|_| self.untouched.is_limited()) {
            if !self.partitions.contains_key(partition) {
                self.partitions.insert(partition.to_string(), self.untouched.clone());
            }
            if let Some(bucket) = self.partitions.get_mut(partition) {
                bucket.fill(now);
                if !bucket.has(units) {
                    return false;
                }
                bucket.take(units);
            }
        }
        self.table.take(units);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_partition_gives_no_more_than_its_own_share() {
        let start = Instant::now();
        let limits = Limits { table: 100, partition: 10, burst_seconds: 300, full: false };
        let mut capacity = Capacity::new(limits, start);
        let now = start + SECOND;
        let mut taken = |partition| (0..100).filter(|_| capacity.take(Some(partition), Units::whole(1), now)).count();
        // A partition without earlier requests has also filled since the start.
        assert_eq!((taken("north"), taken("south")), (10, 10));
        assert_eq!(capacity.table.held(), 80.0, "the table keeps what a partition refuses");
        assert!(capacity.take(None, Units::whole(80), now), "without a partition only the table counts");
        assert!(!capacity.take(Some("east"), Units::whole(1), now), "the table has nothing left");
        assert!(capacity.take(Some("east"), Units::whole(20), now + SECOND), "the partition kept its units");
    }

    #[test]
    fn without_limits_everything_is_accepted() {
        let start = Instant::now();
        let mut capacity = Capacity::new(Limits { table: 0, partition: 0, burst_seconds: 1, full: false }, start);
        assert!((0..1000).all(|_| capacity.take(Some("north"), Units::whole(1000), start)));
        assert!(capacity.partitions.is_empty());
    }
}
