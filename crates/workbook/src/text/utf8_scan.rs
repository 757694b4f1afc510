//! The check of whether a text is UTF-8.

use encoding_rs::{Encoding, ISO_2022_JP};

use super::{not_text, unclear, unreadable_text};
use inventory_base::message::Refusal;

const ESCAPE: u8 = 0x1B;

/// The result of scanning a file without a UTF-16 mark as UTF-8.
#[derive(Debug, Default)]
pub struct Utf8Scan {
    /// Characters beyond ASCII that are valid UTF-8, and bytes that are not.
    valid: u64,
    invalid: u64,
    line: u32,
    first_invalid_line: Option<u32>,
    /// Escape characters, by which some Japanese encodings switch from ASCII without a byte beyond it.
    escapes: bool,
    zeros: bool,
}

impl Utf8Scan {
    /// Returns how many bytes it took: a character cut off at the end waits for its rest.
    pub fn take(&mut self, bytes: &[u8], last: bool) -> usize {
        self.zeros |= bytes.contains(&0);
        self.escapes |= bytes.contains(&ESCAPE);
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let (good, skip, cut) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), 0, true),
                Err(error) => match error.error_len() {
                    None if !last => (error.valid_up_to(), 0, true),
                    wrong => (error.valid_up_to(), wrong.unwrap_or(rest.len() - error.valid_up_to()), false),
                },
            };
            let text = &rest[..good];
            if !text.is_ascii() {
                self.valid += text.iter().filter(|&&byte| byte >= 0xC0).count() as u64;
            }
            self.line = self.line.saturating_add(count_lines(text));
            at += good;
            if cut {
                return at;
            }
            self.invalid += 1;
            self.first_invalid_line.get_or_insert(self.line.saturating_add(1));
            at += skip;
            if at == bytes.len() {
                return at;
            }
        }
    }

    /// The line of the first character that is not UTF-8, if the text can be in another encoding. `named` is the
    /// encoding that the rules or the file name.
    pub fn first_not_utf8(&self, marked: bool, named: Option<&'static Encoding>) -> Result<Option<u32>, Refusal> {
        if self.zeros {
            return Err(not_text());
        }
        match self.first_invalid_line {
            None if self.escapes && self.valid == 0 && !marked => match named {
                Some(named) if named == ISO_2022_JP => Ok(Some(1)),
                _ => Err(unclear(&[])),
            },
            None => Ok(None),
            // Text that is UTF-8 except for a few characters was truncated or patched together; in another encoding all
            // its other characters would be wrong.
            Some(line) if marked || self.valid > self.invalid => Err(unreadable_text(line)),
            Some(line) => Ok(Some(line)),
        }
    }
}

pub fn count_lines(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|&&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}
