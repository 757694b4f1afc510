//! Checks the examples in `docs/schema.md`. Each `toml` block is a set of rules, or part of one, which is completed to
//! a minimal set. Quoted lines under a block are what `inventory schema check` reports for it.

use super::Schema;

const DOCS: &str = include_str!("../../../../docs/schema.md");

const PLAINEST: &str = "[key]\npartition = \"sku\"\n\n[[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n";

/// The blocks, each with the mistakes quoted under it.
fn examples() -> Vec<(String, Vec<String>)> {
    let mut examples: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in DOCS.lines() {
        match (inside, line, examples.last_mut()) {
            (false, "```toml", _) => {
                inside = true;
                examples.push(Default::default());
            }
            (true, "```", _) => inside = false,
            (true, _, Some((block, _))) => block.push_str(&format!("{line}\n")),
            (false, _, Some((_, mistakes))) => mistakes.extend(line.strip_prefix("> ").map(str::to_string)),
            _ => {}
        }
    }
    examples
}

/// Completes a block to a whole set of rules. Returns it with the number of lines added in front.
fn completed(block: &str) -> (String, usize) {
    let has = |start: &str| block.lines().any(|line| line.starts_with(start));
    let version = if has("version") { "" } else { "version = 1\n" };
    // Settings of the whole file come before the first table.
    let back = match (has("[key]"), has("[[column]]")) {
        (true, true) => "",
        (false, _) => PLAINEST,
        (true, false) => panic!("a [key] without its columns:\n{block}"),
    };
    (format!("{version}{block}{back}"), version.lines().count())
}

#[test]
fn every_example_gives_the_quoted_mistakes() {
    let examples = examples();
    assert!(examples.len() > 20, "{}", examples.len());
    for (block, expected) in examples {
        let (text, lines) = completed(&block);
        let found: Vec<String> = match Schema::from_toml(&text) {
            Ok(_) => vec![],
            Err(mistakes) => mistakes
                .all()
                .iter()
                .map(|mistake| format!("inventory.toml:{}: {}.", mistake.line - lines, mistake.sentence))
                .collect(),
        };
        assert_eq!(found, expected, "{block}");
    }
}

#[test]
fn every_setting_is_in_the_reference() {
    let settings = "version mode compare consistent_reads provenance duplicates key_case unknown_columns sheet expect_every partition sort missing scope \
                    rejected_rows rejected_percent zero_percent price_factor price_percent fewer_percent \
                    missing_percent vanishing document older numbers quantities quantity price per read_back write read currency name title aliases \
                    fallbacks header prefer candidates never type required empty default unique min max max_length pattern pad choices decimal dates";
    for setting in settings.split_whitespace() {
        assert!(DOCS.contains(&format!("`{setting}`")), "{setting}");
    }
}
