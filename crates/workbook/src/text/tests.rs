use super::*;
use inventory_base::message::Rule;
use std::io::Write;

fn open(bytes: &[u8]) -> Result<Text, Refusal> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Text::open(&Source::try_from(file).unwrap(), None)
}

fn utf16(text: &str, mark: bool, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16()).flat_map(to_bytes).collect()
}

#[test]
fn text_is_read_in_every_supported_encoding() {
    let text = "SKU;Größe;Preis\r\nA-17;Füße 😀;12,50 €\r\n";
    let latin = "SKU;Größe;Preis\r\nA-17;Füße;12,50 €\r\n";
    let cases: Vec<(Vec<u8>, &str, &Encoding)> = vec![
        (text.into(), text, UTF_8),
        (format!("\u{FEFF}{text}").into(), text, UTF_8),
        (utf16(text, true, u16::to_le_bytes), text, UTF_16LE),
        (utf16(text, true, u16::to_be_bytes), text, UTF_16BE),
        (utf16(text, false, u16::to_le_bytes), text, UTF_16LE),
        (utf16(text, false, u16::to_be_bytes), text, UTF_16BE),
        (WINDOWS_1252.encode(latin).0.into_owned(), latin, WINDOWS_1252),
        (b"caf\xE9".to_vec(), "café", WINDOWS_1252),
        (b"plain".to_vec(), "plain", UTF_8),
        (b"".to_vec(), "", UTF_8),
    ];
    for (bytes, expected, encoding) in cases {
        let text = open(&bytes).unwrap();
        assert_eq!((text.read_whole().unwrap().as_str(), text.encoding), (expected, encoding));
        let noted = text.note().map(|note| note.rule);
        assert_eq!(noted, (encoding == WINDOWS_1252).then_some(Rule::ReadAsWindows1252));
    }
}

#[test]
fn a_page_is_read_in_its_declared_encoding_unless_it_is_unicode() {
    let page = |encoding: &str, bytes: &[u8]| {
        let head =
            format!("<html><head><meta http-equiv=Content-Type content='text/html; charset={encoding}'></head><table>");
        [head.as_bytes(), b"<tr><td>", bytes, b"</td></tr></table></html>"].concat()
    };
    let cases: [(&str, &[u8], &str, Option<Rule>); 5] = [
        ("windows-1250", b"\x8Cruba", "Śruba", Some(Rule::EncodingSet)),
        ("Shift_JIS", b"\x83\x7B\x83\x8B\x83\x67", "ボルト", Some(Rule::EncodingSet)),
        ("windows-1250", "Śruba".as_bytes(), "Śruba", None),
        // Text that declares UTF-8 but is not, and text that declares nothing known, is read like any other.
        ("utf-8", b"Gr\xF6\xDFe", "Größe", Some(Rule::ReadAsWindows1252)),
        ("x", b"Gr\xF6\xDFe", "Größe", Some(Rule::ReadAsWindows1252)),
    ];
    for (encoding, bytes, word, rule) in cases {
        let text = open(&page(encoding, bytes)).unwrap();
        assert!(text.read_whole().unwrap().contains(&format!("<td>{word}<")), "{encoding}");
        assert_eq!(text.note().map(|note| note.rule), rule, "{encoding}");
    }
    let refusal = open(&page("shift_jis", b"\x83\x20")).unwrap_err();
    assert_eq!(refusal.rule, Rule::LettersUnknown);
}

#[test]
fn characters_at_chunk_boundaries_are_decoded_whole() {
    for shift in 0..5 {
        let text = "x".repeat(shift) + &"aü€😀\n".repeat(30_000);
        assert_eq!(open(text.as_bytes()).unwrap().read_whole().unwrap(), text);
        assert_eq!(open(&utf16(&text, true, u16::to_le_bytes)).unwrap().read_whole().unwrap(), text);
    }
}

#[test]
fn undecodable_text_is_refused_with_its_line() {
    let cases: Vec<(Vec<u8>, Rule, &str)> = vec![
        // UTF-8 by its mark, or by most of its characters.
        (b"\xEF\xBB\xBFa\n\nGr\xF6\xDFe\n".to_vec(), Rule::LettersUnknown, "line 3"),
        ("Größe Füße\nL\u{e4}nge ".bytes().chain([0xFF]).collect(), Rule::LettersUnknown, "line 2"),
        // A DOS file: in every supported encoding its bytes are unused, or symbols within a word.
        (b"SKU;Name\nA;M\x81ller\nB;Gr\x94\xE1e\nC;L\x84nge\n".to_vec(), Rule::EncodingUnclear, "reliably"),
        // 7-bit Japanese.
        (b"SKU,Name\nA,\x1B$B%\\%k%H\x1B(B\n".to_vec(), Rule::EncodingUnclear, "reliably"),
        // Half of a surrogate pair.
        (b"\xFF\xFEa\0\n\0\x00\xD8b\0".to_vec(), Rule::LettersUnknown, "line 2"),
        (b"a,b\nc\0,d\n".to_vec(), Rule::FileIsOtherKind, "of an unknown kind"),
    ];
    for (bytes, rule, words) in cases {
        let refusal = open(&bytes).unwrap_err();
        assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}

#[test]
fn a_file_of_only_whitespace_is_empty_in_utf_16_too() {
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        for text in ["", "\r\n", "\t \r\n"] {
            assert_eq!(open(&utf16(text, true, to_bytes)).unwrap_err().rule, Rule::FileEmpty, "{text:?}");
        }
        // Not blank, although made of the same bytes as spaces.
        assert!(open(&utf16("\u{2020}", true, to_bytes)).is_ok());
    }
}

#[test]
fn the_start_of_the_text_can_be_skipped() {
    let text = open(&utf16("aü€x", true, u16::to_le_bytes)).unwrap();
    let mut reader = text.reader().unwrap();
    reader.skip("aü€".len() as u64).unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "x");
}
