//! Cells of tables. An item number or the name of a warehouse is never broken; a table that is too wide for the screen
//! scrolls in its own box.

use maud::{Markup, html};

/// Texts up to this many characters stay on one line; longer ones break between words.
pub(super) const ONE_LINE: usize = 24;
/// Only words with more characters may break anywhere.
const WORD: usize = 40;
/// How many characters of a value are shown.
const CHARACTERS: usize = 200;

/// A text of the sheet or the table, marked so that no word of it is broken, at a hyphen neither.
pub(super) fn quoted(text: &str) -> Markup {
    let text = shorten(text);
    match text.chars().count() <= ONE_LINE {
        true => html! { span.whole { (text) } },
        false => html! { span.long { (words(&text)) } },
    }
}

/// A text of the loader for one row of a table. Its parts, which commas separate, stay on one line if they are short.
pub(super) fn remark(text: &str) -> Markup {
    html! {
        @for part in text.split_inclusive(", ") {
            @match part.trim_end() {
                short if short.chars().count() <= WORD => { span.whole { (short) } " " }
                long => { (words(long)) " " }
            }
        }
    }
}

fn words(text: &str) -> Markup {
    html! {
        @for (at, word) in text.split(' ').enumerate() {
            @if at > 0 { " " }
            @match word {
                _ if word.chars().count() > WORD => span.endless { (word) },
                _ if word.chars().all(char::is_alphanumeric) => (word),
                _ => span.whole { (word) },
            }
        }
    }
}

/// Names of items, separated by commas.
pub(super) fn listed(names: &[String], total: u64) -> Markup {
    html! {
        @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } (quoted(name)) }
        @if (names.len() as u64) < total { " …" }
    }
}

/// A box for a table, which scrolls if the table is too wide. It can be reached and named without a mouse.
pub(super) fn scrolling(label: &str, table: Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label={ "Table: " (label) } { (table) } }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
