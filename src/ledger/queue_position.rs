//! The order in which the loads into a table get their turn.

use jiff::Timestamp;

use inventory_base::load_id::LoadId;

/// A load's position among those into one table: ordered by the time of its upload, then by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePosition(String);

impl QueuePosition {
    pub fn new(at: Timestamp, load: &LoadId) -> QueuePosition {
        QueuePosition(format!("{}#{load}", written(at)))
    }

    pub(super) fn parse(text: &str) -> Option<QueuePosition> {
        let (at, load) = text.split_once('#')?;
        at.parse::<Timestamp>().ok()?;
        LoadId::parse(load)?;
        Some(QueuePosition(text.to_string()))
    }

    pub fn at(&self) -> Timestamp {
        self.0.split_once('#').and_then(|(at, _)| at.parse().ok()).unwrap_or_default()
    }

    pub fn load(&self) -> Option<LoadId> {
        LoadId::parse(self.0.split_once('#')?.1)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes a time, always in the same length, so that times sort correctly as text.
pub(super) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_positions_sort_by_time_however_precise_it_is() {
        let load = |n: u32| LoadId::parse("0123456789abcdef").unwrap().linked(n);
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let positions = [
            QueuePosition::new(at("2026-10-03T07:59:59.9Z"), &load(9)),
            QueuePosition::new(at("2026-10-03T08:00:00Z"), &load(8)),
            QueuePosition::new(at("2026-10-03T08:00:00.000001Z"), &load(9)),
            QueuePosition::new(at("2026-10-03T10:00:00.5+02:00"), &load(2)),
        ];
        assert!(positions.is_sorted(), "{positions:?}");
        assert_eq!(positions[3].as_str(), "2026-10-03T08:00:00.500Z#0123456789abcdef.2");
        for position in positions {
            assert_eq!(QueuePosition::parse(position.as_str()), Some(position.clone()));
            let load = position.load().expect("a load");
            assert_eq!(QueuePosition::new(position.at(), &load), position);
        }
        assert_eq!(QueuePosition::parse("yesterday#0123456789abcdef"), None);
    }
}
