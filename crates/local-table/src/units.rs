//! Capacity units, counted in halves: the smallest read costs half a unit.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Serialize, Serializer};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units {
    halves: u64,
}

impl Units {
    pub const ZERO: Units = Units { halves: 0 };

    pub const fn whole(units: u64) -> Units {
        Units { halves: 2 * units }
    }

    pub const fn halves(halves: u64) -> Units {
        Units { halves }
    }

    pub fn in_halves(self) -> u64 {
        self.halves
    }
}

impl Add for Units {
    type Output = Units;
    fn add(self, other: Units) -> Units {
        Units { halves: self.halves + other.halves }
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Units) {
        *self = *self + other;
    }
}

impl Sub for Units {
    type Output = Units;
    fn sub(self, other: Units) -> Units {
        Units { halves: self.halves - other.halves }
    }
}

impl Mul<u64> for Units {
    type Output = Units;
    fn mul(self, times: u64) -> Units {
        Units { halves: self.halves * times }
    }
}

impl Sum for Units {
    fn sum<I: Iterator<Item = Units>>(all: I) -> Units {
        all.fold(Units::ZERO, Add::add)
    }
}

/// As DynamoDB writes them, such as 25.0.
impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.halves as f64 / 2.0)
    }
}
