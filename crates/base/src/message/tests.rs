//! Tests of the messages, and of the page that lists them.

use std::collections::HashSet;

use super::*;

#[test]
fn identifiers_are_unique_and_match_their_serialized_form() {
    let ids: HashSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert_eq!(serde_json::to_string(rule).unwrap(), format!("\"{}\"", rule.id()));
        assert!(rule.id().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id());
    }
}

#[test]
fn every_message_avoids_jargon_and_says_what_was_done() {
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
            assert!(!text.contains(word), "{}: \"{word}\" is jargon: {text}", rule.id());
        }
        assert!(advice.ends_with('.'), "{}: {advice}", rule.id());
        assert!(
            text.contains("left out")
                || text.contains("not loaded")
                || text.contains("none of them was loaded")
                || text.contains("nothing was changed")
                || text.contains("not in"),
            "{}: does not say what was done",
            rule.id()
        );
    }
}

#[test]
fn placeholders_are_filled_and_braces_in_values_are_kept() {
    let filled = sentences!(NumberExpected { column: "Price", cell: "D14", value: "{row}", row: 14 });
    assert_eq!(filled.message, "Price in D14 is \"{row}\".");
    assert!(filled.advice.ends_with("Row 14 was not loaded."), "{}", filled.advice);
}

#[test]
fn the_compiler_names_the_word_that_is_missing_or_has_no_place() {
    for (rule, given, expected) in [
        (Rule::FileTooLarge, &["size", "limit"][..], None),
        (Rule::FileTooLarge, &["limit", "row", "size"], Some("message file-too-large gets {row} twice")),
        (Rule::FileTooLarge, &["size", "size", "limit"], Some("message file-too-large gets {size} twice")),
        (Rule::FileTooLarge, &["size"], Some("message file-too-large needs {limit}")),
        (Rule::FileTooLarge, &["size", "limt"], Some("message file-too-large needs {limit}")),
        (Rule::FileTooLarge, &["size", "limit", "limits"], Some("message file-too-large has no {limits}")),
        (Rule::FileEmpty, &["limit"], Some("message file-empty has no {limit}")),
        (Rule::KeyHoldsSign, &["column", "cell", "value"], Some("message key-holds-sign needs {sign}")),
        // Its advice needs it.
        (
            Rule::GateZeros,
            &["scope", "count", "total", "share", "limit", "load"],
            Some("message gate-zeros needs {column}"),
        ),
    ] {
        let stopped = std::panic::catch_unwind(|| check_words(rule, given, &["row"])).err();
        let text = stopped.map(|stopped| *stopped.downcast::<String>().expect("a text"));
        assert_eq!(text.as_deref(), expected);
    }
}

#[test]
fn every_brace_belongs_to_a_placeholder() {
    for rule in Rule::ALL {
        let (message, advice) = rule.templates();
        let mut rest = &*format!("{message} {advice}");
        while let Some((before, name, after)) = sentences::next_placeholder(rest) {
            assert!(
                !before.contains('}') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{}",
                rule.id()
            );
            rest = after;
        }
        assert!(!rest.contains(['{', '}']), "{}", rule.id());
    }
}

/// This test keeps `docs/messages.md` up to date: `WRITE_DOCS=1 cargo test -p inventory-base messages` rewrites it.
#[test]
fn the_list_of_messages_in_the_docs_is_up_to_date() {
    let mut list = String::from(
        "# What the loader says\n\nEvery message about a file has an identifier that never changes: `rule` in `report.json`. \
         Words in braces are\nfilled in. A test generates this page from `crates/base/src/message/catalogue.rs`.\n",
    );
    for rule in Rule::ALL {
        let (message, advice) = rule.templates();
        list.push_str(&format!("\n### `{}`\n\n{message}\n{advice}\n", rule.id()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/messages.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, &list).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        stored == list,
        "docs/messages.md is not up to date; run WRITE_DOCS=1 cargo test -p inventory-base messages"
    );
}
