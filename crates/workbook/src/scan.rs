//! Scans the markup of a part without interpreting it: tags and texts in order, from chunks split anywhere.

use quick_xml::events::BytesRef;

use inventory_base::message::{Refusal, refusal};

/// Longer than any tag or comment that a program writes.
const MAX_TAG_BYTES: usize = 1 << 20;

/// Receives the tags and texts of a part. A text may come in several pieces.
pub trait Listener {
    /// The content between `<` and `>`, including the slash of a closing tag.
    fn tag(&mut self, tag: &[u8]) -> Result<(), Refusal>;
    fn text(&mut self, text: &[u8]) -> Result<(), Refusal>;
    /// A comment, CDATA or a processing instruction.
    fn other(&mut self) -> Result<(), Refusal>;
}

/// Splits the chunks of a part into tags and texts.
#[derive(Debug, Default)]
pub struct Scan {
    /// A tag that the end of a chunk has cut off.
    cut_tag: Vec<u8>,
    started: bool,
}

impl Scan {
    pub fn take(&mut self, chunk: &[u8], listener: &mut impl Listener) -> Result<(), Refusal> {
        if !self.started && !chunk.is_empty() {
            self.started = true;
            // In encodings other than ASCII and its supersets neither this scan nor the reader would recognise the
            // tags.
            if matches!(chunk, [0xFE | 0xFF, ..] | [0, ..] | [_, 0, ..]) {
                return Err(damaged());
            }
        }
        if self.cut_tag.is_empty() {
            let used = cut(chunk, listener)?;
            self.cut_tag.extend_from_slice(&chunk[used..]);
        } else {
            self.cut_tag.extend_from_slice(chunk);
            let used = cut(&self.cut_tag, listener)?;
            self.cut_tag.drain(..used);
        }
        if self.cut_tag.len() > MAX_TAG_BYTES { Err(damaged()) } else { Ok(()) }
    }

    /// Whether the part ended in the middle of a tag.
    pub fn is_cut(&self) -> bool {
        !self.cut_tag.is_empty()
    }
}

/// Returns how many bytes were processed: up to an incomplete tag.
fn cut(data: &[u8], listener: &mut impl Listener) -> Result<usize, Refusal> {
    let mut at = 0;
    while at < data.len() {
        if data[at] != b'<' {
            let end = data[at..].iter().position(|&byte| byte == b'<').map_or(data.len(), |length| at + length);
            listener.text(&data[at..end])?;
            at = end;
            continue;
        }
        let rest = &data[at + 1..];
        let end = match rest.first() {
            Some(b'!' | b'?') => match end_of_other(rest)? {
                Some(length) => {
                    listener.other()?;
                    Some(length)
                }
                None => None,
            },
            _ => match end_of_tag(rest) {
                Some(length) => {
                    listener.tag(&rest[..length])?;
                    Some(length + 1)
                }
                None => None,
            },
        };
        match end {
            Some(length) => at += 1 + length,
            None => return Ok(at),
        }
    }
    Ok(at)
}

/// The position of the `>`, which may also occur inside a quoted attribute.
#[inline]
fn end_of_tag(rest: &[u8]) -> Option<usize> {
    // Three quarters of a sheet's tags are as short as `v`, `/v` and `/c`.
    match rest {
        [name, b'>', ..] if name.is_ascii_alphabetic() => return Some(1),
        [b'/', name, b'>', ..] if name.is_ascii_alphabetic() => return Some(2),
        _ => {}
    }
    let mut at = 0;
    loop {
        at += rest[at..].iter().position(|byte| matches!(byte, b'>' | b'"' | b'\''))?;
        let byte = rest[at];
        if byte == b'>' {
            return Some(at);
        }
        at += 1;
        at += rest[at..].iter().position(|&other| other == byte)? + 1;
    }
}

/// The length of a comment, CDATA or processing instruction. Definitions (`<!DOCTYPE`, `<!ENTITY`) are refused: no
/// workbook needs them, and they can expand little data into a lot.
fn end_of_other(rest: &[u8]) -> Result<Option<usize>, Refusal> {
    const OPENINGS: [(&[u8], &[u8]); 3] = [(b"!--", b"-->"), (b"![CDATA[", b"]]>"), (b"?", b"?>")];
    for (opening, ending) in OPENINGS {
        if let Some(inner) = rest.strip_prefix(opening) {
            let end = inner.windows(ending.len()).position(|part| part == ending);
            return Ok(end.map(|at| opening.len() + at + ending.len()));
        }
        if opening.starts_with(rest) {
            return Ok(None);
        }
    }
    Err(damaged())
}

/// The name of a tag without its prefix, and what follows it.
#[inline]
pub fn name_of(tag: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    for (at, &byte) in tag.iter().enumerate() {
        match byte {
            b':' => start = at + 1,
            b' ' | b'\t' | b'\r' | b'\n' => return (&tag[start..at], &tag[at..]),
            b'/' if at > 0 => return (&tag[start..at], &tag[at..]),
            b'/' => start = 1,
            _ => {}
        }
    }
    (&tag[start..], b"")
}

/// The attributes after a name, unescaped.
#[inline]
pub fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let equals = rest.iter().position(|&byte| byte == b'=')?;
        let (quote, value) = rest[equals + 1..].trim_ascii_start().split_first()?;
        let end = value.iter().position(|byte| byte == quote)?;
        let name = rest[..equals].trim_ascii();
        rest = &value[end + 1..];
        Some((name, &value[..end]))
    })
}

pub fn is_true(value: &[u8]) -> bool {
    value == b"1" || value.eq_ignore_ascii_case(b"true")
}

/// A listener that ignores everything, for parts that are scanned only for forbidden markup.
#[derive(Debug, Default)]
pub struct CheckOnly;

impl Listener for CheckOnly {
    fn tag(&mut self, _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }
    fn text(&mut self, _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }
    fn other(&mut self) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The character of a numeric reference, or of one of the five named entities of XML.
pub fn char_of(reference: &BytesRef<'_>) -> Option<char> {
    Some(match reference.xml10_content().as_ref() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return reference.resolve_char_ref().ok().flatten(),
    })
}

pub fn damaged() -> Refusal {
    refusal!(FileDamaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Recorder(String);

    impl Listener for Recorder {
        fn tag(&mut self, tag: &[u8]) -> Result<(), Refusal> {
            self.0 += &format!("<{}>", String::from_utf8_lossy(tag));
            Ok(())
        }
        fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
            self.0 += &String::from_utf8_lossy(text);
            Ok(())
        }
        fn other(&mut self) -> Result<(), Refusal> {
            self.0 += "*";
            Ok(())
        }
    }

    #[test]
    fn tags_and_texts_are_the_same_wherever_chunks_are_split() {
        let xml = "<?xml version='1.0'?><a x=\"1>2\" y='\"'>b<!-- <c> -->d<![CDATA[<e>]]></a><f/>g";
        let expected = "*<a x=\"1>2\" y='\"'>b*d*</a><f/>g";
        for size in 1..xml.len() {
            let (mut scan, mut recorder) = (Scan::default(), Recorder::default());
            for chunk in xml.as_bytes().chunks(size) {
                scan.take(chunk, &mut recorder).unwrap();
            }
            assert_eq!(recorder.0, expected, "{size}");
            assert!(!scan.is_cut());
        }
    }

    #[test]
    fn doctypes_other_encodings_and_endless_tags_are_refused() {
        let endless = format!("<a{}", " ".repeat(MAX_TAG_BYTES + 1));
        for bytes in [
            b"<!DOCTYPE lolz [<!ENTITY lol \"lol\">]><a/>".as_slice(),
            b"<a/><!ENTITY lol 'lol'>",
            b"\xFF\xFE<\0a\0",
            b"\xFE\xFF\0<\0a",
            b"<\0a\0>\0",
            b"\0<\0a",
            endless.as_bytes(),
        ] {
            assert_eq!(
                Scan::default().take(bytes, &mut CheckOnly),
                Err(damaged()),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
        let mut scan = Scan::default();
        scan.take(b"<a><b", &mut CheckOnly).unwrap();
        assert!(scan.is_cut());
    }

    #[test]
    fn names_and_attributes_are_split() {
        for (tag, name, expected) in [
            ("row r=\"1\" hidden='1'", "row", "r=1,hidden=1,"),
            ("x:c\n r = \"A1\"\tt=\"s\"/", "c", "r=A1,t=s,"),
            ("c/", "c", ""),
            ("/x:row", "row", ""),
            ("v", "v", ""),
            ("c r=\"a b='c'\" s", "c", "r=a b='c',"),
        ] {
            let (found, rest) = name_of(tag.as_bytes());
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let pairs: String =
                attributes(rest).map(|(name, value)| format!("{}={},", text(name), text(value))).collect();
            assert_eq!((text(found).as_str(), pairs.as_str()), (name, expected), "{tag}");
        }
    }
}
