//! Gates hold an unusual load for approval: figures are collected row by row and compared with the limits of the rules.
//!
//! To add a gate, write a file beside the others with a type that implements [`GateCheck`], and add a line to the table
//! below. Its settings are a line in `inventory_rules::schema::Gates`, and its message an entry in the catalogue.

mod check;
mod evidence;
mod limit;
mod stats;

mod document;
mod fewer;
mod missing;
mod older;
mod prices;
mod rejected;
mod vanishing;
mod zeros;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use self::check::{GateCheck, GateContext, PlannedRow};
use self::stats::Share;
use inventory_base::load_id::LoadId;
use inventory_base::message::Sentences;
use inventory_rules::schema::Schema;

pub use evidence::Evidence;
pub use older::{Newer, NewerLoad};

/// Declares the gates with their names, and dispatches to the type that implements each. No gate is boxed: they are
/// given every row of a file.
macro_rules! gates {
    ($($gate:ident $name:literal in $module:ident::$check:ident,)+) => {
        /// A check that can hold a load. It is waived by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Gate {
            $(#[serde(rename = $name)] $gate,)+
        }

        impl Gate {
            const COUNT: usize = [$($name,)+].len();
            pub const ALL: [Gate; Gate::COUNT] = [$(Gate::$gate,)+];

            pub const fn name(self) -> &'static str {
                match self { $(Gate::$gate => $name,)+ }
            }
        }

        /// All gates, with what they have collected of one load.
        #[derive(Debug, Clone)]
        struct GateChecks<'s> {
            $($module: $module::$check<'s>,)+
        }

        impl<'s> GateChecks<'s> {
            fn new(schema: &'s Schema) -> GateChecks<'s> {
                GateChecks { $($module: GateCheck::new(schema),)+ }
            }

            /// Returns what each gate counts of a row, in the order of the gates.
            fn count_row(&mut self, row: &PlannedRow<'_>) -> [Share; Gate::COUNT] {
                [$(self.$module.count_row(row),)+]
            }

            fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
                match context.gate { $(Gate::$gate => self.$module.judge(context),)+ }
            }

            fn conditions(&self) -> Vec<String> {
                [$(self.$module.conditions(),)+].concat()
            }
        }
    };
}

// In the order in which they are asked and listed.
gates! {
    Rejected "rejected" in rejected::RejectedGate,
    Zeros "zeros" in zeros::ZerosGate,
    Prices "prices" in prices::PricesGate,
    Fewer "fewer" in fewer::FewerGate,
    Missing "missing" in missing::MissingGate,
    Vanishing "vanishing" in vanishing::VanishingGate,
    Document "document" in document::DocumentGate,
    Older "older" in older::OlderGate,
}

impl Gate {
    /// Returns what completes "A load waits to be approved if …", once for each limit that can hold a load.
    pub fn conditions(schema: &Schema) -> Vec<String> {
        GateChecks::new(schema).conditions()
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a load waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tripped {
    pub gate: Gate,
    /// The scope that tripped the gate, such as a warehouse; `None` if it was the whole load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub message: String,
    pub advice: String,
}

impl Tripped {
    fn new(gate: Gate, scope: Option<&str>, sentences: Sentences) -> Tripped {
        let Sentences { message, advice, .. } = sentences;
        Tripped { gate, scope: scope.map(str::to_string), message, advice }
    }
}

/// What the ledger remembers about a load, for comparison with the next one into the same table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLoad {
    pub load: LoadId,
    pub items: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_scope: BTreeMap<String, u64>,
}

#[cfg(test)]
mod tests;
