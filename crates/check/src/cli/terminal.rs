//! Where the output goes: to a terminal, and how wide it is, or to a file or a pipe.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// Returns the columns of the terminal on standard output; `None` for a file or a pipe, whose lines are not shortened.
pub fn stdout_width() -> Option<usize> {
    width(io::stdout())
}

/// Returns the columns of the terminal on standard error, where progress is shown.
pub fn stderr_width() -> Option<usize> {
    width(io::stderr())
}

fn width(out: impl AsFd + IsTerminal) -> Option<usize> {
    let size = tcgetwinsize(&out).ok().filter(|_| out.is_terminal())?;
    Some(size.ws_col.into()).filter(|columns| *columns > 0)
}

/// Whether the terminal can redraw a line in place.
pub fn can_redraw() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Replaces control characters, because file names and cell contents are not trusted.
pub fn without_control_characters(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    match text.contains(steers) {
        true => Cow::Owned(text.replace(steers, "\u{FFFD}")),
        false => Cow::Borrowed(text),
    }
}

/// Shortens a text to at most `columns` characters, in the middle, because names differ at their ends.
pub fn shorten(text: &str, columns: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= columns {
        return text.to_string();
    }
    let kept = columns.saturating_sub(1);
    let (start, end) = (kept / 3, kept - kept / 3);
    let part = |chars: &[char]| chars.iter().collect::<String>();
    format!("{}…{}", part(&chars[..start]), part(&chars[chars.len() - end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_control_the_terminal() {
        assert_eq!(without_control_characters("q3 ä\tstock\n"), "q3 ä\tstock\n");
        assert_eq!(
            without_control_characters("\u{1b}[2Jq3\r\u{202e}xslx\u{9b}"),
            "\u{fffd}[2Jq3\u{fffd}\u{fffd}xslx\u{fffd}"
        );
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shorten("uploads/2026-Q3 stock.xlsx", 16), "uploa…stock.xlsx");
        assert_eq!(shorten("Bücher", 6), "Bücher");
        assert_eq!(shorten("Bücher", 5), "B…her");
        assert_eq!(shorten("Bücher", 1), "…");
    }
}
