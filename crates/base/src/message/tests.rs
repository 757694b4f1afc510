//! The sentences, and the page of all of them.

use std::collections::HashSet;

use super::*;

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
                || text.contains("none of them was loaded")
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

/// `docs/messages.md`, which this test keeps true: `WRITE_DOCS=1 cargo test -p inventory-base messages` writes it anew.
#[test]
fn the_list_of_messages_is_the_one_in_the_docs() {
    let mut list = String::from(
        "# What the loader says\n\nEvery message about a file has an identifier that never changes. It is `rule` in \
         `report.json`. Words in braces are\nfilled in. This page is made from `crates/base/src/message/catalogue.rs` by a test.\n",
    );
    for rule in Rule::ALL {
        let (message, advice) = rule.templates();
        list.push_str(&format!("\n### `{}`\n\n{message}\n{advice}\n", rule.id()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/messages.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &list).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == list, "docs/messages.md is not up to date; run WRITE_DOCS=1 cargo test -p inventory-base messages");
}
