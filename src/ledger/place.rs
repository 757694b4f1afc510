//! The order in which loads into one table get their turn.

use jiff::Timestamp;

use inventory_base::load_id::LoadId;

/// A load's place among those into one table: when its upload came, then its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    pub fn new(at: Timestamp, load: &LoadId) -> Place {
        Place(format!("{}#{load}", written(at)))
    }

    pub(super) fn parse(text: &str) -> Option<Place> {
        let (at, load) = text.split_once('#')?;
        at.parse::<Timestamp>().ok()?;
        LoadId::parse(load)?;
        Some(Place(text.to_string()))
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

/// Always of the same length, so that times are in order as text.
pub(super) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_whatever_its_digits() {
        let load = |n: u32| LoadId::parse("0123456789abcdef").unwrap().linked(n);
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let places = [
            Place::new(at("2026-10-03T07:59:59.9Z"), &load(9)),
            Place::new(at("2026-10-03T08:00:00Z"), &load(8)),
            Place::new(at("2026-10-03T08:00:00.000001Z"), &load(9)),
            Place::new(at("2026-10-03T10:00:00.5+02:00"), &load(2)),
        ];
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(places[3].as_str(), "2026-10-03T08:00:00.500Z#0123456789abcdef.2");
        for place in places {
            assert_eq!(Place::parse(place.as_str()), Some(place.clone()));
            let load = place.load().expect("a load");
            assert_eq!(Place::new(place.at(), &load), place);
        }
        assert_eq!(Place::parse("yesterday#0123456789abcdef"), None);
    }
}
