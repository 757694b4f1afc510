//! Checks the structure of the code: no file imports, in a circle, a file that imports it.

mod imports;

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::root;
use imports::Crate;

/// The crates, each with the folder of its sources. What is only for tests is not looked at.
const CRATES: [(&str, &str); 6] = [
    ("inventory_base", "crates/base/src"),
    ("inventory_workbook", "crates/workbook/src"),
    ("inventory_rules", "crates/rules/src"),
    ("inventory_check", "crates/check/src"),
    ("inventory_local_table", "crates/local-table/src"),
    ("inventory_loader", "src"),
];

/// Which files each file imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Returns the files that import one another in circles: each circle as the files in it.
fn circles(imports: &Imports) -> Vec<BTreeSet<String>> {
    let reached = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            for target in imports.get(file).into_iter().flatten() {
                if seen.insert(target.clone()) {
                    next.push(target);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = imports.keys().map(|file| (file, reached(file))).collect();
    let circle = |file: &String| -> BTreeSet<String> {
        let back = |other: &&String| reached.get(*other).is_some_and(|reached| reached.contains(file));
        reached[file].iter().filter(back).cloned().collect()
    };
    let all: BTreeSet<BTreeSet<String>> = imports.keys().map(circle).filter(|circle| circle.len() > 1).collect();
    all.into_iter().collect()
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let mut imports = Imports::new();
    for (name, folder) in CRATES {
        imports.extend(Crate::read(name, &root().join(folder)).imports());
    }
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 500, "too few imports were recognised: {imports:?}");
    let circles = circles(&imports);
    let describe = |circle: &BTreeSet<String>| {
        let inner = |file: &String| {
            let targets: Vec<_> = imports[file].intersection(circle).map(String::as_str).collect();
            format!("  {file} imports {}\n", targets.join(", "))
        };
        circle.iter().map(inner).collect::<String>()
    };
    let described: Vec<String> = circles.iter().map(describe).collect();
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), described.join("\n"));
}

#[test]
fn a_circle_is_found_wherever_it_is_entered() {
    let of = |pairs: &[(&str, &str)]| {
        let mut imports = Imports::new();
        for (from, to) in pairs {
            imports.entry(from.to_string()).or_default().insert(to.to_string());
            imports.entry(to.to_string()).or_default();
        }
        circles(&imports)
    };
    assert!(of(&[("a", "b"), ("b", "c"), ("a", "c")]).is_empty());
    let circle = BTreeSet::from(["b", "c", "d"].map(String::from));
    assert_eq!(of(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("d", "e")]), [circle]);
}
