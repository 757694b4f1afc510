//! The names of tabs. What a source calls a sheet becomes what Excel takes for the name of one, and no two are the same.

use std::collections::HashSet;

use super::fit;

/// Excel's own limit, in UTF-16 units.
const LONGEST: usize = 31;

/// The names given in one workbook, in small letters: Excel does not tell them apart by their case.
#[derive(Debug, Default)]
pub(super) struct Tabs {
    given: HashSet<String>,
}

impl Tabs {
    /// The name of the tab for a sheet of this name: the same wherever it can be.
    pub fn name(&mut self, sheet: &str) -> String {
        let plain: String = sheet.chars().map(|sign| if is_taken(sign) { sign } else { '_' }).collect();
        let short = fit(&plain, LONGEST);
        let name = match short.trim_matches('\'') {
            "" => "Sheet",
            // Excel keeps this one for itself.
            name if name.eq_ignore_ascii_case("history") => "History_",
            name => name,
        };
        let again = (2..).map(|number| {
            let end = format!(" ({number})");
            format!("{}{end}", fit(name, LONGEST - end.len()))
        });
        let mut names = std::iter::once(name.to_string()).chain(again);
        names.find(|name| self.given.insert(name.to_lowercase())).unwrap_or_default()
    }
}

/// XML has no place for the signs nobody sees.
fn is_taken(sign: char) -> bool {
    !matches!(sign, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\u{fffe}' | '\u{ffff}') && !sign.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_excel_takes_stays_and_every_other_becomes_one() {
        for (sheet, name) in [
            ("Count York", "Count York"),
            ("=cmd|' /C calc'!A0", "=cmd|' _C calc'!A0"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("a\\b:c*d?e[f]\u{1}\u{fffe}", "a_b_c_d_e_f___"),
            ("'quoted'", "quoted"),
            ("''", "Sheet"),
            ("", "Sheet"),
            ("hiSTory", "History_"),
            ("Bestand im Zentrallager Süd, Halle 7", "Bestand im Zentrallager Süd, H…"),
        ] {
            assert_eq!(Tabs::default().name(sheet), name, "{sheet:?}");
        }
        for odd in ["😀".repeat(40), format!("{}'", "x".repeat(40)), "'".repeat(40)] {
            let name = Tabs::default().name(&odd);
            assert!(rust_xlsxwriter::Worksheet::new().set_name(&name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn no_two_tabs_have_one_name() {
        let mut tabs = Tabs::default();
        let long = "x".repeat(31);
        let names = ["Stock", "STOCK", "Stock", &long, &long].map(|sheet| tabs.name(sheet));
        assert_eq!(names[..3], ["Stock", "STOCK (2)", "Stock (3)"]);
        assert_eq!(names[4], format!("{}… (2)", "x".repeat(26)));
    }
}
