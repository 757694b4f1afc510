//! Writes the shipped rules with a few changes to a file.

use std::fs;
use std::path::Path;

const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/inventory.toml"));

/// Writes the rules to a file. Each change is a text and its replacement.
fn with(name: &str, changes: &[(&str, &str)]) -> String {
    let mut rules = SHIPPED.to_string();
    for (from, to) in changes {
        assert_eq!(rules.matches(from).count(), 1, "{from:?} must appear in inventory.toml exactly once");
        rules = rules.replace(from, to);
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rules-{name}.toml"));
    fs::write(&file, rules).expect("the rules");
    file.to_str().expect("a path in UTF-8").to_string()
}

pub fn without_comparing() -> String {
    with("without-comparing", &[("\ncompare = true\n", "\ncompare = false\n")])
}

pub fn merging() -> String {
    with("merging", &[("\nmode = \"replace\"\n", "\nmode = \"merge\"\n")])
}

/// The key is the warehouse and, as sort key, the SKU.
pub fn by_warehouse() -> String {
    let required = ("\nname = \"warehouse\"\n", "\nname = \"warehouse\"\nrequired = true\n");
    let key = ("\npartition = \"sku\"\n", "\npartition = \"warehouse\"\nsort = \"sku\"\n");
    with("by-warehouse", &[key, required])
}
