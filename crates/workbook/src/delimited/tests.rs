use super::*;
use crate::source::Source;
use inventory_base::message::Rule;
use std::io::Write;
use std::ops::ControlFlow;

fn reader_of(bytes: &[u8]) -> DelimitedReader {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    DelimitedReader::open(Text::open(&Source::try_from(file).unwrap(), None).unwrap()).unwrap()
}

/// Each row as `number:column=text|column=text`.
fn rows_within(bytes: &[u8], budget: &Budget) -> Result<Vec<String>, Refusal> {
    let mut rows = Vec::new();
    reader_of(bytes).visit_rows(0, "stock", budget, &mut |row| {
        rows.push(shown(row));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

fn rows(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    rows_within(bytes, &Budget::default())
}

fn shown(row: &RawRow<'_>) -> String {
    let cells = row.cells.iter().map(|cell| match &cell.value {
        RawValue::Text(text) => format!("{}={text}", cell.column),
        other => panic!("text, not {other:?}"),
    });
    format!("{}:{}", row.number, cells.collect::<Vec<_>>().join("|"))
}

#[test]
fn cells_are_passed_on_unchanged() {
    let cases: &[(&str, &[&str])] = &[
        ("SKU,Price\nA-17,2.50\n", &["1:0=SKU|1=Price", "2:0=A-17|1=2.50"]),
        ("a,b", &["1:0=a|1=b"]),
        // Cells without a value are omitted, whitespace is a value.
        ("a,,c\n,b,\n, ,\n", &["1:0=a|2=c", "2:1=b", "3:1= "]),
        ("a,b\n,\n\"\",\"\"\nc,d\n", &["1:0=a|1=b", "4:0=c|1=d"]),
        // Rows of different lengths.
        ("a,b\nc\nd,e,f\n", &["1:0=a|1=b", "2:0=c", "3:0=d|1=e|2=f"]),
        ("\"a,b\",\"say \"\"hi\"\"\"\n", &["1:0=a,b|1=say \"hi\""]),
        // A quotation mark inside a cell stands for inches.
        ("bolt 5\",b\nc,d\n", &["1:0=bolt 5\"|1=b", "2:0=c|1=d"]),
        ("Größe,Füße\n", &["1:0=Größe|1=Füße"]),
        // A text marked so that Excel does not take it for a number; nothing else that looks similar.
        ("=\"00123\",\"=\"\"0 1\"\"\"\n", &["1:0=00123|1=0 1"]),
        ("=\"\",x\n", &["1:1=x"]),
        ("\"=\"\"5\"\"\"\" pipe\"\"\",x\n", &["1:0=5\" pipe|1=x"]),
        ("=\"1\"&\"2\",=A1,=\",\"=\"\"\"\n", &["1:0==\"1\"&\"2\"|1==A1|2==\"|3==\""]),
    ];
    for (text, expected) in cases {
        assert_eq!(rows(text.as_bytes()).unwrap(), *expected, "{text:?}");
    }
}

#[test]
fn rows_are_numbered_as_excel_shows_them() {
    let cases: &[(&str, &[&str])] = &[
        ("a,b\n\n\nc,d\n", &["1:0=a|1=b", "4:0=c|1=d"]),
        ("\n\na,b\n", &["3:0=a|1=b"]),
        ("a,b\r\n\r\nc,d\r\n", &["1:0=a|1=b", "3:0=c|1=d"]),
        ("a,b\r\rc,d\r", &["1:0=a|1=b", "3:0=c|1=d"]),
        ("a,b\r\n\rc,d\n\r\ne,f", &["1:0=a|1=b", "3:0=c|1=d", "5:0=e|1=f"]),
        // Line breaks inside quotes.
        ("\"a\nb\",c\nd,e\n", &["1:0=a\nb|1=c", "2:0=d|1=e"]),
        ("\"a\r\nb\",c\r\nd,e\r\n", &["1:0=a\r\nb|1=c", "2:0=d|1=e"]),
        ("\"a\rb\",c\rd,e\r", &["1:0=a\rb|1=c", "2:0=d|1=e"]),
        ("\"a\n\n\nb\",c\n\nd,e\n", &["1:0=a\n\n\nb|1=c", "3:0=d|1=e"]),
        ("a,\"b\n\"\nc,d\n", &["1:0=a|1=b\n", "2:0=c|1=d"]),
        ("a,\"b\r\"\r\nc,d\n", &["1:0=a|1=b\r", "2:0=c|1=d"]),
        ("a,\"b\n\"", &["1:0=a|1=b\n"]),
        ("\"a\n\"\"\nb\",c\nd,e", &["1:0=a\n\"\nb|1=c", "2:0=d|1=e"]),
        // The byte order mark, and the line that names the delimiter.
        ("\u{FEFF}a,b\nc,d\n", &["1:0=a|1=b", "2:0=c|1=d"]),
        ("\u{FEFF}\"a\",b\nc,d\n", &["1:0=a|1=b", "2:0=c|1=d"]),
        ("\u{FEFF}\na,b\n", &["2:0=a|1=b"]),
        ("sep=;\na;b,c\n", &["1:0=a|1=b,c"]),
        ("sep=;\r\na;b\r\n\r\nc;d\r\n", &["1:0=a|1=b", "3:0=c|1=d"]),
        ("sep=;\ra;b\r", &["1:0=a|1=b"]),
        ("\u{FEFF}SEP=\t\na\tb,c\n", &["1:0=a|1=b,c"]),
        ("sep=;\n\na;b\n", &["2:0=a|1=b"]),
        ("sep=;", &[]),
        ("sep=ab,c\n", &["1:0=sep=ab|1=c"]),
    ];
    for (text, expected) in cases {
        assert_eq!(rows(text.as_bytes()).unwrap(), *expected, "{text:?}");
    }
}

#[test]
fn rows_across_chunk_boundaries_are_whole_and_numbered() {
    // The lengths put line ends, quotes and `\r\n` at every position of the buffers.
    let mut text = String::new();
    let mut expected = Vec::new();
    let mut number = 1;
    for i in 0..3_000 {
        let padding = "x".repeat(i % 97);
        let break_in_cell = ["\n", "\r\n", "\r"][i % 3];
        text.push_str(&format!("{i},\"{padding}{break_in_cell}ü\"\r\n"));
        expected.push(format!("{number}:0={i}|1={padding}{break_in_cell}ü"));
        number += 1;
        if i % 5 == 0 {
            text.push_str("\r\n");
            number += 1;
        }
    }
    assert!(text.len() > 2 * HEAD_BYTES);
    assert_eq!(rows(text.as_bytes()).unwrap(), expected);
}

#[test]
fn the_delimiter_is_detected() {
    let cases = [
        ("a,b,c\n1,2,3\n", b','),
        ("a;b;c\n1;2;3\n", b';'),
        ("a\tb\n1\t2\n", b'\t'),
        ("a|b\n1|2\n", b'|'),
        // One column; no row at all.
        ("a\nb\n", b','),
        ("\n\n", b','),
        // Decimal commas, with and without a header.
        ("SKU;Price\nA;1,50\nB;2,50\n", b';'),
        ("A;1,50\nB;2,50\n", b';'),
        ("SKU;Name;Price\nA;Bolt, large, blue;1,50\nB;Nut, small, red;2,50\n", b';'),
        // Sentences with semicolons, some quoted.
        ("SKU,Note\nA,see B; C\nB,\"x; y; z\"\nC,w\n", b','),
        // A title above the list, lines inside quotes, empty columns.
        ("Stock, third quarter\n\nSKU;Name\nA;x\nB;y\n", b';'),
        ("SKU;Note\nA;\"one, two\nthree, four\nfive, six\"\nB;y\n", b';'),
        ("a,,\n,,\nb,,;\n", b','),
    ];
    for (text, delimiter) in cases {
        assert_eq!(reader_of(text.as_bytes()).delimiter, delimiter, "{text:?}");
    }
}

#[test]
fn unclosed_quotes_are_refused_with_their_row() {
    let cases: &[(&[u8], Rule, &str)] = &[
        (b"a,b\n\nc,\"d\ne,f\ng,h\n", Rule::QuoteNeverEnds, "row 3"),
        (b"a,b\nc,\"d", Rule::QuoteNeverEnds, "row 2"),
        (b"a,b\nc,\"d\r", Rule::QuoteNeverEnds, "row 2"),
        (b"a,b\n\"c\nd\",\"e\n", Rule::QuoteNeverEnds, "row 2"),
        (b"a,b\nc,\"", Rule::QuoteNeverEnds, "row 2"),
        (b"a,b\nc,\"d\"\"\n", Rule::QuoteNeverEnds, "row 2"),
        // The next quoted cell does not close it.
        (b"a,b\nc,\"d\ne,f\ng,\"h, 12\"\"\"\ni,j\n", Rule::QuoteNeverEnds, "row 2"),
    ];
    for (bytes, rule, place) in cases {
        let refusal = rows(bytes).expect_err(place);
        assert_eq!(refusal.rule, *rule, "{:?}", String::from_utf8_lossy(bytes));
        assert!(refusal.message.contains(place), "{}", refusal.message);
    }
    // Here the quotes are closed, just before the end of the file.
    assert_eq!(rows(b"a,b\nc,\"d\"").unwrap(), ["1:0=a|1=b", "2:0=c|1=d"]);
    assert_eq!(rows(b"a,b\nc,\"\"").unwrap(), ["1:0=a|1=b", "2:0=c"]);
    // A space after the quotes, and quotes within one line, swallow nothing.
    assert_eq!(rows(b"\"a\nb\" ,c\n").unwrap(), ["1:0=a\nb |1=c"]);
    assert_eq!(rows(b"a,\"b\" c\n").unwrap(), ["1:0=a|1=b c"]);
}

#[test]
fn input_over_the_budget_is_refused() {
    let budget = Budget { rows: 2, columns: 3, cell_bytes: 10, ..Budget::DEFAULT };
    let cases: &[(&str, Option<Rule>, &str)] = &[
        ("a,b\n\nc,d\n,\n", None, ""),
        ("a,b\nc,d\ne,f\n", Some(Rule::TooManyRows), "\"stock\""),
        // The text limit applies to each row.
        ("0123456789,0123456789,0123456789\n0123456789,0123456789,0123456789\n", None, ""),
        ("a,b,c,,,\n", None, ""),
        ("a,b,c,,d\n", Some(Rule::TooManyColumns), "column E"),
        ("a,0123456789\n", None, ""),
        ("a,\"01234\"\"6789\"\n", None, ""),
        ("a,b\nc,01234567890\n", Some(Rule::CellTooLong), "B2"),
        // Longer than a row may be: explained without keeping it.
        ("a,b\nc,0123456789012345678901234567890123456789\n", Some(Rule::CellTooLong), "B2"),
        ("a,b\nc,\"0123456789012345678\n01234567890123456789\"\n", Some(Rule::CellTooLong), "B2"),
        ("a,b\nc,\"0123456789012345678\n01234567890123456789\"", Some(Rule::CellTooLong), "B2"),
        ("a,b\nc,\"0123456789012345678\n01234567890123456789\n", Some(Rule::QuoteNeverEnds), "row 2"),
        ("a,b\n,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,x\n", Some(Rule::TooManyColumns), "column AR"),
        ("a,b\n,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", Some(Rule::RowTooLong), "Row 2"),
    ];
    for (text, rule, place) in cases {
        let refusal = rows_within(text.as_bytes(), &budget).err();
        assert_eq!(refusal.as_ref().map(|refusal| refusal.rule), *rule, "{text:?}");
        if let Some(refusal) = refusal {
            assert!(refusal.message.contains(place), "{}", refusal.message);
        }
    }
}

#[test]
fn a_file_that_is_one_endless_cell_is_refused_without_buffering_it() {
    let mut text = b"a,b\nc,\"".to_vec();
    text.resize(12 << 20, b'x');
    assert_eq!(rows(&text).unwrap_err(), quote_never_ends(2));
}

#[test]
fn a_text_in_another_encoding_is_read_like_utf_8() {
    let text = "sep=;\r\nGröße;\"a\r\nb\"\r\n\r\nc;=\"007\"\r\n";
    let expected = ["1:0=Größe|1=a\r\nb", "3:0=c|1=007"];
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for bytes in [text.as_bytes().to_vec(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), latin] {
        assert_eq!(rows(&bytes).unwrap(), expected);
    }
}

#[test]
fn the_file_can_be_read_again_and_reading_can_stop_early() {
    let mut reader = reader_of(b"\xEF\xBB\xBFsep=;\na;b\n\nc;d\n");
    for _ in 0..2 {
        let mut rows = Vec::new();
        reader
            .visit_rows(0, "stock", &Budget::default(), &mut |row| {
                rows.push(shown(row));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(rows, ["1:0=a|1=b", "3:0=c|1=d"]);
        let mut count = 0;
        reader
            .visit_rows(0, "stock", &Budget::default(), &mut |_| {
                count += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(count, 1);
    }
}
