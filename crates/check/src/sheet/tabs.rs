//! Turns the names of sheets in a file into unique names that Excel allows.

use std::collections::HashSet;

use super::fit;

/// Excel's own limit, in UTF-16 units.
const LONGEST: usize = 31;

/// The names used in one workbook, in lower case because Excel ignores case in them.
#[derive(Debug, Default)]
pub(super) struct Tabs {
    used: HashSet<String>,
}

impl Tabs {
    /// Returns the name of the tab for a sheet with this name: the same if possible.
    pub fn name(&mut self, sheet: &str) -> String {
        let plain: String = sheet.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
        let short = fit(&plain, LONGEST);
        let name = match short.trim_matches('\'') {
            "" => "Sheet",
            // Excel reserves this name.
            name if name.eq_ignore_ascii_case("history") => "History_",
            name => name,
        };
        let numbered = (2..).map(|number| {
            let end = format!(" ({number})");
            format!("{}{end}", fit(name, LONGEST - end.len()))
        });
        let mut names = std::iter::once(name.to_string()).chain(numbered);
        names.find(|name| self.used.insert(name.to_lowercase())).unwrap_or_default()
    }
}

/// Whether Excel and XML allow the character in the name of a sheet.
fn is_allowed(c: char) -> bool {
    !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\u{fffe}' | '\u{ffff}') && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_excel_allows_is_kept_and_any_other_is_adapted() {
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
    fn no_two_tabs_have_the_same_name() {
        let mut tabs = Tabs::default();
        let long = "x".repeat(31);
        let names = ["Stock", "STOCK", "Stock", &long, &long].map(|sheet| tabs.name(sheet));
        assert_eq!(names[..3], ["Stock", "STOCK (2)", "Stock (3)"]);
        assert_eq!(names[4], format!("{}… (2)", "x".repeat(26)));
    }
}
