//! `[gates]`: when a load waits for approval.

use serde::{Deserialize, Serialize};

use super::Totals;
use super::rules_file::{RulesFile, TomlTable};
use inventory_base::decimal::Decimal;

/// The type of a setting of this kind.
macro_rules! value {
    (rows) => { Option<u64> };
    (percent) => { Option<Decimal> };
    (factor) => { Option<Decimal> };
    (yes_or_no) => { bool };
}

/// Declares the settings: the name, the kind, which is the function below that reads it, what it is when it is left out,
/// and the column of `[totals]` that it checks, together with another setting if it has no effect without that.
macro_rules! gate_settings {
    ($($(#[$doc:meta])* $name:ident: $kind:ident = $usual:expr $(, checks $column:ident $(with $other:ident)?)?;)+) => {
        /// When a load waits for approval. `None` never holds it.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Gates {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Setting::is_left_out")] pub $name: value!($kind),)+
        }

        impl Default for Gates {
            /// Holds loads that are most likely a mistake: swapped columns, another shop's sheet, a truncated file.
            fn default() -> Gates {
                Gates { $($name: $usual,)+ }
            }
        }

        impl Gates {
            fn read(table: &mut TomlTable<'_>) -> Gates {
                let usual = Gates::default();
                Gates { $($name: $kind(table, stringify!($name), usual.$name),)+ }
            }

            /// Returns the settings that check a column that `[totals]` doesn't name, and what the column is there.
            fn without_column(&self, totals: &Totals) -> impl Iterator<Item = (&'static str, &'static str)> {
                let checks = [$($({
                    let is_on = self.$name.is_on() $(&& self.$other.is_on())?;
                    (stringify!($name), stringify!($column), is_on && totals.$column.is_none())
                },)?)+];
                checks.into_iter().filter_map(|(setting, column, lacks)| lacks.then_some((setting, column)))
            }
        }
    };
}

// In the order in which they are serialised.
gate_settings! {
    /// More rejected rows than this.
    rejected_rows: rows = None;
    /// More rejected rows than this, in percent of the rows with items.
    rejected_percent: percent = limit(50);
    /// More quantities that fall to zero than this, in percent of those that were not zero.
    zero_percent: percent = limit(30), checks quantity;
    /// A price that rises or falls by more than this factor …
    price_factor: factor = limit(5), checks price with price_percent;
    /// … for more of the compared items than this, in percent.
    price_percent: percent = limit(10), checks price with price_factor;
    /// Fewer items than this, in percent of the last load into the table.
    fewer_percent: percent = limit(50);
    /// More missing items than this, in percent of those in scope.
    missing_percent: percent = limit(20);
    /// Attributes that no column of the rules has would be removed.
    vanishing: yes_or_no = true;
    /// The file is an invoice, an order or a journal instead of a stock list.
    document: yes_or_no = true;
    /// Newer uploads that share items with this one have been loaded since it was uploaded.
    older: yes_or_no = true;
}

fn limit(number: u32) -> Option<Decimal> {
    Some(number.into())
}

fn rows(table: &mut TomlTable<'_>, name: &'static str, usual: Option<u64>) -> Option<u64> {
    let whole = |number: Decimal| number.to_string().parse().ok();
    let fits = |rows| whole(rows).is_some();
    table.limit(name, "a whole number from 0", fits, usual.map(Decimal::from)).and_then(whole)
}

fn percent(table: &mut TomlTable<'_>, name: &'static str, usual: Option<Decimal>) -> Option<Decimal> {
    let fits = |percent| percent >= Decimal::ZERO && percent <= Decimal::from(100u32);
    table.limit(name, "a number from 0 to 100", fits, usual)
}

fn factor(table: &mut TomlTable<'_>, name: &'static str, usual: Option<Decimal>) -> Option<Decimal> {
    table.limit(name, "a number above 1", |factor| factor > Decimal::from(1u32), usual)
}

fn yes_or_no(table: &mut TomlTable<'_>, name: &'static str, usual: bool) -> bool {
    table.flag(name).unwrap_or(usual)
}

/// The value of a setting.
trait Setting {
    /// Whether it can hold a load.
    fn is_on(&self) -> bool;
    /// Whether it is left out when the rules are serialised.
    fn is_left_out(&self) -> bool;
}

impl<T> Setting for Option<T> {
    fn is_on(&self) -> bool {
        self.is_some()
    }

    fn is_left_out(&self) -> bool {
        self.is_none()
    }
}

impl Setting for bool {
    fn is_on(&self) -> bool {
        *self
    }

    fn is_left_out(&self) -> bool {
        false
    }
}

pub(super) fn read_gates<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>, totals: &Totals) -> Gates {
    let gates = Gates::read(&mut table);
    for (setting, column) in gates.without_column(totals) {
        let Some(line) = table.line_of(setting) else { continue };
        let sentence = format!(
            "{setting} checks a column that [totals] doesn't name; write {column} = \"…\" there, or {setting} = false"
        );
        file.note(line, sentence);
    }
    table.finish();
    gates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    fn with(settings: &str) -> Result<Gates, String> {
        let rules = format!(
            "version = 1\n{settings}\n[key]\npartition = \"sku\"\n\
             [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
             [[column]]\nname = \"cost\"\ntype = \"money\"\n"
        );
        Schema::from_toml(&rules).map(|schema| schema.gates).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn a_missing_gate_has_its_default_and_false_turns_a_gate_off() {
        assert_eq!(with("").unwrap(), Gates::default());
        assert_eq!(with("[gates]").unwrap(), Gates::default());
        let gates = with("[gates]\nrejected_rows = 0\nfewer_percent = false\nmissing_percent = 0.5").unwrap();
        assert_eq!((gates.rejected_rows, gates.fewer_percent), (Some(0), None));
        assert_eq!(gates.missing_percent, Some(Decimal::new(5, -1)));
        assert_eq!(gates.zero_percent, Gates::default().zero_percent);
    }

    #[test]
    fn the_serialised_form_of_gates_never_changes() {
        // Gates that are added later come after these.
        let usual = r#"{"rejected_percent":"50","zero_percent":"30","price_factor":"5","price_percent":"10","fewer_percent":"50","missing_percent":"20","vanishing":true,"document":true,"older":true"#;
        let begins = |gates: &Gates, expected: &str| {
            let text = serde_json::to_string(gates).unwrap();
            assert!(text.starts_with(expected), "{text}");
        };
        begins(&Gates::default(), usual);
        begins(
            &Gates { rejected_rows: Some(12), ..Gates::default() },
            &usual.replacen('{', "{\"rejected_rows\":12,", 1),
        );
        begins(&serde_json::from_str("{}").unwrap(), r#"{"vanishing":false,"document":false,"older":false"#);
    }

    #[test]
    fn a_setting_needs_the_column_that_it_checks_unless_it_has_no_effect() {
        for (settings, lines) in [
            ("[gates]\nzero_percent = 5\nprice_factor = 2\nprice_percent = 1", &[3, 4, 5][..]),
            ("[gates]\nzero_percent = false\nprice_factor = 2", &[4]),
            ("[gates]\nprice_factor = 2\nprice_percent = false", &[]),
            ("[gates]\nprice_factor = false\nprice_percent = 1", &[]),
            ("[totals]\nprice = \"cost\"\n[gates]\nprice_factor = 2\nprice_percent = 1", &[]),
        ] {
            let mistakes = with(settings).err().unwrap_or_default();
            let expected: Vec<String> = lines.iter().map(|line| format!("line {line}: ")).collect();
            assert_eq!(mistakes.matches("line ").count(), lines.len(), "{mistakes}");
            assert!(expected.iter().all(|line| mistakes.contains(line)), "{settings}: {mistakes}");
        }
    }
}
