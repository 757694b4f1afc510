//! What stands at the other end of what the command says: a terminal and how wide it is, or a file or a pipe.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// Columns of the terminal that answers go to; none where they go into a file or a pipe, which get all of it.
pub fn answer_width() -> Option<usize> {
    width(io::stdout())
}

/// Columns of the terminal that is told beside that how far the work is.
pub fn beside_width() -> Option<usize> {
    width(io::stderr())
}

fn width(out: impl AsFd + IsTerminal) -> Option<usize> {
    let size = tcgetwinsize(&out).ok().filter(|_| out.is_terminal())?;
    Some(size.ws_col.into()).filter(|columns| *columns > 0)
}

/// Whether the terminal draws a line anew in its place.
pub fn can_redraw() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Without what would steer a terminal: names and cells are other people's.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    match text.contains(steers) {
        true => Cow::Owned(text.replace(steers, "\u{FFFD}")),
        false => Cow::Borrowed(text),
    }
}

/// A text in at most so many columns, its middle left out where it is longer: names differ at their ends.
pub fn shorten(text: &str, columns: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= columns {
        return text.to_string();
    }
    let kept = columns.saturating_sub(1);
    let (start, end) = (kept / 3, kept - kept / 3);
    let part = |letters: &[char]| letters.iter().collect::<String>();
    format!("{}…{}", part(&letters[..start]), part(&letters[letters.len() - end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(harmless("q3 ä\tstock\n"), "q3 ä\tstock\n");
        assert_eq!(harmless("\u{1b}[2Jq3\r\u{202e}xslx\u{9b}"), "\u{fffd}[2Jq3\u{fffd}\u{fffd}xslx\u{fffd}");
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shorten("uploads/2026-Q3 stock.xlsx", 16), "uploa…stock.xlsx");
        assert_eq!(shorten("Bücher", 6), "Bücher");
        assert_eq!(shorten("Bücher", 5), "B…her");
        assert_eq!(shorten("Bücher", 1), "…");
    }
}
