//! The sentences, and the page of all of them.

use super::*;

#[test]
fn a_time_is_told_as_exactly_as_it_matters() {
    for (seconds, says) in [
        (0.0, "less than 0.1 s"),
        (0.1, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (160.0, "2 min 40 s"),
        (3_599.6, "1 h 0 min"),
        (3_900.0, "1 h 5 min"),
    ] {
        assert_eq!(duration(seconds), says, "{seconds}");
    }
}
use std::collections::HashSet;

#[test]
fn an_error_is_read_as_a_sentence() {
    assert_eq!(sentence(&"älter; check the name"), "Älter; check the name.");
    assert_eq!(sentence(&""), ".");
}

#[test]
fn identifiers_are_unique_and_written_as_they_are_serialized() {
    let ids: HashSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert_eq!(serde_json::to_string(rule).unwrap(), format!("\"{}\"", rule.id()));
        assert!(rule.id().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id());
    }
}

#[test]
fn every_sentence_keeps_to_the_words_of_the_trade() {
    let unwanted = [
        "invalid",
        "illegal",
        "bad ",
        "failed",
        "error",
        "record",
        "field",
        "parse",
        "null",
        "schema",
        "type ",
        "exception",
        "json",
        " key",
        "please",
        "sorry",
        "!",
    ];
    for rule in Rule::ALL {
        let (message, advice) = rule.templates();
        let text = format!("{message} {advice}").to_lowercase().replace("type ", "write ");
        for word in unwanted {
            assert!(!text.contains(word), "{}: \"{word}\" is not her word: {text}", rule.id());
        }
        assert!(advice.ends_with('.'), "{}: {advice}", rule.id());
        assert!(
            text.contains("left out")
                || text.contains("not loaded")
                || text.contains("nothing was changed")
                || text.contains("not in"),
            "{}: says what we did",
            rule.id()
        );
    }
}

#[test]
fn places_are_filled_and_braces_in_a_cell_stay_text() {
    assert_eq!(
        Rule::NumberExpected.message(&[("column", "Price"), ("cell", "D14"), ("value", "{row}")]),
        "Price in D14 is \"{row}\"."
    );
}

#[test]
fn columns_and_counts_read_as_people_write_them() {
    assert_eq!([0, 25, 26, 701, 702, 16383].map(column_letters), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    assert_eq!([0, 999, 1000, 4812, 1_000_000].map(count), ["0", "999", "1,000", "4,812", "1,000,000"]);
}

/// `docs/messages.md`, which this test keeps true: `WRITE_DOCS=1 cargo test --lib messages` writes it anew.
#[test]
fn the_list_of_messages_is_the_one_in_the_docs() {
    let mut list = String::from(
        "# What the loader says\n\nEvery message about a file has an identifier that never changes. It is `rule` in \
         `report.json`. Words in braces are\nfilled in. This page is made from `src/message.rs` by its tests.\n",
    );
    for rule in Rule::ALL {
        let (message, advice) = rule.templates();
        list.push_str(&format!("\n### `{}`\n\n{message}\n{advice}\n", rule.id()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/messages.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &list).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == list, "docs/messages.md is not up to date; run WRITE_DOCS=1 cargo test --lib messages");
}

#[test]
fn numbers_are_grouped_for_people() {
    for (number, says) in [("0", "0"), ("1234.50", "1,234.50"), ("-9876543.21", "-9,876,543.21"), ("999", "999")] {
        assert_eq!(grouped(number), says);
    }
    let long = "12345678901234567890123.4";
    assert_eq!(grouped(long), long);
}
