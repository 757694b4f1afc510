//! Unusual workbooks: what is read of them, and what is refused.

use std::ops::ControlFlow;

use super::*;
use crate::assembly::tests::shown;
use crate::format::SheetReader;
use crate::row::RawRow;
use crate::xlsx::XlsxReader;
use crate::xlsx::tests::{rows, rows_within};
use crate::zipped::tests::{source_of, zip_of};
use inventory_test_files::xlsx::{patched, sheet_of};

const SHEET: &str = "xl/worksheets/sheet1.xml";
const TEXTS: &str = "xl/sharedStrings.xml";

/// A workbook with shared texts, whose part is then changed.
fn with_texts(change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, text) in ["SKU", "A-17", "B-1"].iter().enumerate() {
        sheet.write(row as u32, 0, *text).unwrap();
    }
    patched(&workbook.save_to_buffer().unwrap(), TEXTS, change)
}

fn with_two_texts() -> Vec<u8> {
    with_texts(|xml| xml.replace("<si><t>B-1</t></si>", "").replace("uniqueCount=\"3\"", "uniqueCount=\"2\""))
}

#[test]
fn errors_unknown_to_the_reader_keep_their_cells() {
    let xml = "<row r='1'><c r='A1' t='e'><v>#SPILL!</v></c><c r='C1'><v>1</v></c></row>\
                <row r='4'><c r='B4' t='e'><v>#N/A</v></c><c r='D4' t='e'><f>X()</f><v>#CALC!</v></c></row>\
                <row r='5'><c r='A5' t='e'><v>#FIELD!</v></c></row>";
    let expected = ["1:0=error #SPILL!|2=1", "4:1=error #N/A|3=error #CALC!", "5:0=error #FIELD!"];
    assert_eq!(rows(&sheet_of(xml)).unwrap(), expected);
}

#[test]
fn a_formula_without_a_stored_result_is_not_an_empty_cell() {
    let xml = "<row r='1'><c r='A1' s='0'/><c r='B1'><f>1+1</f><v></v></c><c r='C1'><f>1+1</f><v>2</v></c></row>\
                <row r='2'><c r='A2' t='str'><f>T(1)</f><v></v></c></row>\
                <row><c><v>1</v></c><c><f>A3</f></c></row>";
    assert_eq!(rows(&sheet_of(xml)).unwrap(), ["1:1=no result|2=2", "3:0=1|1=no result"]);
    // More than fit into one chunk of the survey, including blank cells.
    let many = "<row><c><v>1</v></c><c s='0'/><c><f>A1</f><v/></c></row>".repeat(20_000);
    let (mut reader, sheets) =
        XlsxReader::open(&source_of(&sheet_of(&many)), &Budget { unpacked_ratio: 100_000, ..Budget::DEFAULT }).unwrap();
    for _ in 0..2 {
        let mut found = 0;
        let mut visit = |row: &RawRow<'_>| {
            assert_eq!(shown(row), format!("{}:0=1|2=no result", row.number));
            found += 1;
            ControlFlow::Continue(())
        };
        reader.visit_rows(0, &sheets[0].name, &Budget::DEFAULT, &mut visit).unwrap();
        assert_eq!(found, 20_000);
    }
}

#[test]
fn the_declared_dimension_of_a_sheet_is_not_trusted() {
    let cell = "<row r='1'><c r='A1'><v>1</v></c></row>";
    for dimension in ["<dimension ref='A1:XFD1048576'/>", "", "<dimension ref='A1'/>"] {
        let bytes = patched(&sheet_of(cell), SHEET, |xml| {
            let start = xml.find("<dimension").unwrap();
            let end = start + xml[start..].find("/>").unwrap() + 2;
            format!("{}{dimension}{}", &xml[..start], &xml[end..])
        });
        assert_eq!(rows(&bytes).unwrap(), ["1:0=1"], "{dimension}");
    }
}

#[test]
fn a_sheet_with_an_empty_dimension_is_refused() {
    let cell = "<row r='1'><c r='A1'><v>1</v></c></row>";
    for dimension in ["<dimension/>", "<dimension ref=''/>"] {
        let bytes = patched(&sheet_of(cell), SHEET, |xml| {
            assert!(xml.contains("<dimension ref=\"A1\"/>"));
            xml.replace("<dimension ref=\"A1\"/>", dimension)
        });
        assert_eq!(rows(&bytes).unwrap_err(), damaged(), "{dimension}");
    }
}

#[test]
fn extensions_hold_no_cells_and_rows_outside_sheet_data_are_refused() {
    let cell = "<row r='1'><c r='A1'><v>1</v></c></row>";
    let extension = |inner: &str| format!("<extLst><ext><x:a><extLst/>{inner}</x:a></ext></extLst>");
    let odd = "<row r='99999999'><c r='ZZZZ1' t='e'><v>#ODD!</v></c><c><v>&amp;</v></c></row>";
    let with = |replaced: &str, by: String| {
        patched(&sheet_of(cell), SHEET, |xml| {
            assert!(xml.contains(replaced));
            xml.replacen(replaced, &by, 1)
        })
    };
    let behind = with("</sheetData>", format!("</sheetData>{}", extension(odd)));
    let before = with("<sheetData>", format!("{}<sheetData>", extension(odd)));
    for bytes in [behind, before] {
        assert_eq!(rows(&bytes).unwrap(), ["1:0=1"]);
    }
    // The reader would not read these, would stop at them, or would take them for cells.
    for rest in [
        format!("</sheetData>{cell}"),
        format!("</sheetData><sheetData>{cell}</sheetData>"),
        format!("<row r='2'>{}</row></sheetData>", extension("<c r='A2'><v>2</v></c>")),
    ] {
        let refusal = rows(&with("</sheetData>", rest.clone())).expect_err(&rest);
        assert!(matches!(refusal.rule, Rule::FileDamaged | Rule::SheetDamaged), "{rest}: {refusal:?}");
    }
}

#[test]
fn a_cell_the_reader_would_misread_is_unreadable_and_the_rest_is_read() {
    for odd in [
        // The reader would take the text at index 0, or stop.
        "<c r='B2' t='s'><v>x</v></c>",
        "<c r='B2' t='s'><v> 1 </v></c>",
        "<c r='B2' t='s'><v>-1</v></c>",
        "<c r='B2' t='s'><v>1.0</v></c>",
        "<c r='B2' t='s'><v>2</v></c>",
        "<c r='B2' t='s'><v>99999999999999999999999</v></c>",
        // It would stop.
        "<c r='B2' t='b'><v>maybe</v></c>",
        "<c r='B2' t='b'><v>a long story about what is neither yes nor no</v></c>",
        "<c r='B2' t='n'><v>many</v></c>",
        "<c r='B2' t='n'><v> 12 </v></c>",
        "<c r='B2' t='n'><v>1,5</v></c>",
        "<c r='B2' t='x'><v>5</v></c>",
        "<c r='B2' t='x'><v/></c>",
        "<c r='B2' t='e'><v>#NEVER!</v></c>",
        "<c r='B2'><v>5</v><extLst><ext uri='a'><x:a>1</x:a></ext></extLst></c>",
        "<c r='B2'><extLst/></c>",
        "<c r='B2' t='inlineStr'><is><t>a</t></is><note>b</note></c>",
        // It would take it for a text.
        "<c r='B2'><v>many</v></c>",
        "<c r='B2'><v>0x1F</v></c>",
        "<c r='B2' t='d'><v>soon</v></c>",
        "<c r='B2' t='n'><is><t>5</t></is></c>",
        // It would take it for empty, or for 1.
        "<c r='B2'><v><![CDATA[5]]></v></c>",
        "<c r='B2' t='str'><v><![CDATA[A-17]]></v></c>",
        "<c r='B2'><v><!-- five -->5</v></c>",
        "<c r='B2'><v>1<!-- and --->2</v></c>",
        "<c r='B2'><v>1&#50;</v></c>",
        "<c r='B2'><v><b>5</b></v></c>",
        "<c r='B2' t='inlineStr'><v>A-17</v></c>",
        // It would discard the value for what follows it, or take the second one.
        "<c r='B2'><v>5</v><f>2+3</f></c>",
        "<c r='B2'><v>5</v><v/></c>",
        "<c r='B2'><v>5</v><v>6</v></c>",
        "<c r='B2'><v>5</v><is><t>6</t></is></c>",
        "<c r='B2' t='inlineStr'><is><t>a</t></is><v>a</v></c>",
        "<c r='B2' t='inlineStr'><is><t>a</t></is><is/></c>",
    ] {
        let xml = format!(
            "<row r='1'><c r='A1' t='s'><v>0</v></c></row>\
             <row r='2'><c r='A2' t='s'><v>1</v></c>{odd}<c r='C2'><v>3</v></c></row>\
             <row r='3'><c r='A3' t='e'><v>#CALC!</v></c><c r='B3'><f>A1</f></c>{}</row>",
            odd.replace("B2", "C3")
        );
        let bytes = patched(&with_two_texts(), SHEET, |sheet| {
            let (start, end) = (sheet.find("<sheetData>").unwrap(), sheet.find("</sheetData>").unwrap());
            format!("{}<sheetData>{xml}{}", &sheet[..start], &sheet[end..])
        });
        let expected = ["1:0=\"SKU\"", "2:0=\"A-17\"|1=unreadable|2=3", "3:0=error #CALC!|1=no result|2=unreadable"];
        assert_eq!(rows(&bytes).unwrap(), expected, "{odd}");
    }
}

#[test]
fn whatever_a_cell_with_a_reference_contains_its_neighbours_are_read() {
    let kinds =
        ["", "t='n'", "t='s'", "t='b'", "t='e'", "t='str'", "t='d'", "t='inlineStr'", "t='is'", "t='x'", "t=''"];
    let values = [
        "",
        " ",
        "0",
        "1",
        "2",
        "-1",
        "+0",
        " 1 ",
        "1.5",
        "1e3",
        "1e",
        "1e400",
        "NaN",
        "inf",
        ".",
        "true",
        "#N/A",
        "#CALC!",
        "#ODD!",
        "2026-10-03",
        "A-17",
        "&#49;",
        "&amp;",
        "<!-- a -->1",
        "1<!-- a -->",
        "<![CDATA[1]]>",
        "<b>1</b>",
        "<?a?>1",
        "\u{661}",
        "_x0041_",
    ];
    let around = [
        "<v>#</v>",
        "<v>#</v><v/>",
        "<v/><v>#</v>",
        "<f>1</f><v>#</v>",
        "<v>#</v><f>1</f>",
        "<f t='shared' si='0'/><v>#</v>",
        "<is><t>#</t></is>",
        "<is><r><t>#</t></r></is><v>#</v>",
        "<v>#</v><is><t>#</t></is>",
        "<v>#</v><extLst><ext><v>9</v></ext></extLst>",
        "<extLst/><v>#</v>",
        "#",
        "<x:v>#</x:v>",
        "<w>#</w>",
    ];
    let mut cells = Vec::new();
    for kind in kinds {
        for around in around {
            cells.extend(values.map(|value| format!("{kind}>{}</c>", around.replace('#', value))));
        }
    }
    let sheet: String = (2..)
        .zip(&cells)
        .map(|(row, cell)| {
            format!("<row r='{row}'><c r='A{row}'><v>{row}</v></c><c r='B{row}' {cell}<c r='C{row}'><v>3</v></c></row>")
        })
        .collect();
    let bytes = patched(&with_two_texts(), SHEET, |xml| {
        let (start, end) = (xml.find("<sheetData>").unwrap(), xml.find("</sheetData>").unwrap());
        format!("{}<sheetData>{sheet}{}", &xml[..start], &xml[end..])
    });
    let read = rows(&bytes).unwrap();
    assert_eq!(read.len(), cells.len());
    for ((row, cell), read) in (2..).zip(&cells).zip(&read) {
        let middle = read.strip_prefix(&format!("{row}:0={row}")).and_then(|rest| rest.strip_suffix("|2=3"));
        let middle = middle.unwrap_or_else(|| panic!("{cell}: {read}"));
        // A shared text appears only where the cell refers to it.
        for (text, place) in [("\"SKU\"", "0"), ("\"A-17\"", "1")] {
            let named = cell.starts_with("t='s'") && cell.contains(&format!(">{place}<"));
            let own = cell.contains("A-17");
            assert!(!middle.contains(text) || named || own, "{cell}: {read}");
        }
    }
}

#[test]
fn unusual_but_unambiguous_cells_are_read() {
    for (cell, value) in [
        // Programs write empty texts like this.
        ("<c r='B1' t='s'><v></v></c>", None),
        ("<c r='B1' t='s'><v/></c>", None),
        ("<c r='B1' t='s'></c>", None),
        ("<c r='B1' t='e'><v/></c>", None),
        ("<c r='B1' t='x'></c>", None),
        ("<c r='B1' t='b'><v> TRUE </v></c>", Some("true")),
        ("<c r='B1' t='str'><v>12</v></c>", Some("\"12\"")),
        ("<c r='B1' t='str'><v>a_x000D__x0041_ &amp; &#228;</v></c>", Some("\"a\\rA & ä\"")),
        ("<c r='B1' t='inlineStr'><is><t><![CDATA[<a>]]></t></is></c>", Some("\"<a>\"")),
        ("<c r='B1' t='inlineStr'><v>a</v><is><t>a</t></is></c>", Some("\"a\"")),
        (
            "<c r='B1' t='inlineStr'><is><r><t>a</t></r><r><rPr><b/></rPr><t>b</t></r><rPh><t>x</t></rPh></is></c>",
            Some("\"ab\""),
        ),
        ("<c r='B1' t='inlineStr'><is><t>_x005F_x0041_</t><!-- so --></is></c>", Some("\"_x0041_\"")),
        ("<c r='B1' t='n'><v>+1.5E-1</v></c>", Some("0.15")),
        ("<c r='B1'><v>5.</v></c>", Some("5")),
        ("<c r='B1'><v>.5</v></c>", Some("0.5")),
        ("<c r='B1'><v>1E400</v></c>", Some("error #NUM!")),
        ("<c r='B1'><f>1<!-- and -->+1</f><v>2</v></c>", Some("2")),
    ] {
        let read = rows(&sheet_of(&format!("<row r='1'><c r='A1'><v>1</v></c>{cell}</row>"))).unwrap();
        let expected = value.map_or("1:0=1".to_owned(), |value| format!("1:0=1|1={value}"));
        assert_eq!(read, [expected], "{cell}");
    }
}

#[test]
fn parts_no_program_writes_are_refused() {
    let doctype = "<!DOCTYPE sst [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]>";
    let before = |xml: &str| xml.replace("<sst", &format!("{doctype}<sst"));
    let utf16 = |text: &str| -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let relations = "<Relationships><Relationship Id='a' Type='x/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>";
    let small = |sheet: &[u8]| {
        zip_of(&[
            ("_rels/.rels", relations.as_bytes()),
            ("xl/workbook.xml", b"<workbook><sheets><sheet name='A' id='a'/></sheets></workbook>"),
            (
                "xl/_rels/workbook.xml.rels",
                b"<Relationships><Relationship Id='a' Type='x/worksheet' Target='s.xml'/></Relationships>",
            ),
            ("xl/s.xml", sheet),
        ])
    };
    let sheet = "<worksheet><sheetData><row><c><v>5</v></c></row></sheetData></worksheet>";
    assert_eq!(rows(&small(sheet.as_bytes())).unwrap(), ["1:0=5"]);
    let cases = [
        with_texts(before),
        small(format!("{doctype}{sheet}").as_bytes()),
        small(&utf16(sheet)),
        with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount=\"4294967295\"")),
        with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount='18446744073709551616'")),
    ];
    for bytes in cases {
        assert_eq!(rows(&bytes).unwrap_err(), damaged());
    }
    // A few too many do no harm.
    let more = with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount=\"5\""));
    assert_eq!(rows(&more).unwrap(), ["1:0=\"SKU\"", "2:0=\"A-17\"", "3:0=\"B-1\""]);
}

#[test]
fn oversized_parts_are_refused_wherever_they_are() {
    let small = Budget {
        cells: 5,
        shared_texts: 3,
        shared_text_bytes: 50,
        unpacked_bytes: 1 << 20,
        unpacked_ratio: 20,
        unpacked_ratio_floor_bytes: 100_000,
        ..Budget::DEFAULT
    };
    let cells = "<row r='1'><c r='A1'/><c r='B1'/><c r='C1'/></row>".repeat(2);
    let nothing = "<row r='1'></row>".repeat(20_000);
    let cases = [
        (with_texts(str::to_owned), None),
        (with_texts(|xml| xml.replace("</sst>", "<si><t>x</t></si></sst>")), Some(Rule::FileHoldsTooMuch)),
        // A claim over the limit is refused as damaged only if it is false.
        (
            with_texts(|xml| xml.replace("</sst>", "<si/></sst>").replace("uniqueCount=\"3\"", "uniqueCount=\"4\"")),
            Some(Rule::FileHoldsTooMuch),
        ),
        (with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount=\"4\"")), Some(Rule::FileDamaged)),
        (with_texts(|xml| xml.replace("SKU", &"long ".repeat(11))), Some(Rule::FileHoldsTooMuch)),
        (with_texts(|xml| xml.replace("SKU", &" ".repeat(10_000))), Some(Rule::FileHoldsTooMuch)),
        (
            with_texts(|xml| xml.replace("<sst", &format!("{}<sst", "<?a?>".repeat(30_000)))),
            Some(Rule::FileUnpacksTooLarge),
        ),
        (sheet_of(&cells), Some(Rule::FileHoldsTooMuch)),
        (sheet_of(&nothing), Some(Rule::FileUnpacksTooLarge)),
    ];
    for (bytes, rule) in cases {
        assert_eq!(rows_within(&bytes, &small).err().map(|refusal| refusal.rule), rule);
    }
}

/// A sheet of formulas with a library's default results, in a workbook with these settings.
fn uncalculated(calc: &str) -> Vec<u8> {
    use rust_xlsxwriter::Formula;
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, 0).unwrap();
    sheet.write_formula(0, 1, Formula::new("A1*2")).unwrap();
    sheet.set_formula_result_default("");
    sheet.write_formula(1, 0, Formula::new("T(A1)")).unwrap();
    patched(&workbook.save_to_buffer().unwrap(), "xl/workbook.xml", |xml| {
        let own = "<calcPr calcId=\"124519\" fullCalcOnLoad=\"1\"/>";
        assert!(xml.contains(own));
        xml.replace(own, if calc.is_empty() { own } else { calc })
    })
}

#[test]
fn formulas_that_are_all_0_have_no_result_unless_the_workbook_was_calculated() {
    for asks in [
        "",
        "<!-- none -->",
        "<calcPr calcId='0'/>",
        "<calcPr fullCalcOnLoad='true'/>",
        "<calcPr calcId='191029' fullCalcOnLoad='1'/>",
        "<x:calcPr xmlns:x='x' calcId='124519' calcMode='manual' calcOnSave='0'/>",
    ] {
        assert_eq!(rows(&uncalculated(asks)).unwrap(), ["1:0=0|1=no result", "2:0=no result"], "{asks}");
    }
    // As Excel, LibreOffice and Google Sheets write it.
    for calculated in [
        "<calcPr calcId='191029'/>",
        "<calcPr calcId='191029' fullCalcOnLoad='0'/>",
        "<calcPr iterateCount='100' refMode='A1' iterate='false' iterateDelta='0.001'/>",
        "<calcPr/>",
    ] {
        assert_eq!(rows(&uncalculated(calculated)).unwrap(), ["1:0=0|1=0"], "{calculated}");
    }
}

#[test]
fn any_nonzero_result_shows_that_the_formulas_of_a_sheet_were_calculated() {
    for (result, shown) in [
        ("<c r='A3'><f>1+1</f><v>2</v></c>", "3:0=2"),
        ("<c r='A3' t='str'><f>T(B1)</f><v>A-17</v></c>", "3:0=\"A-17\""),
        ("<c r='A3' t='e'><f>NA()</f><v>#N/A</v></c>", "3:0=error #N/A"),
        ("<c r='A3' t='b'><f>FALSE()</f><v>0</v></c>", "3:0=false"),
    ] {
        let zeros = "<row r='1'><c r='A1'><f>B1</f><v>0</v></c><c r='B1'><f>C1</f></c></row>";
        let bytes = sheet_of(&format!("{zeros}<row r='3'>{result}</row>"));
        assert_eq!(rows(&bytes).unwrap(), ["1:0=0|1=no result", shown], "{result}");
    }
    // A value that is not the result of a formula proves nothing. Apache POI writes "0.0", and PhpSpreadsheet declares
    // zeros as texts.
    let typed = "<row r='1'><c r='A1'><v>7</v></c><c r='B1'><f>C1</f><v>0.0</v></c></row>\
                 <row r='2'><c r='A2' t='str'><f>C2</f><v>0</v></c><c r='B2'><f>C2</f><v/></c></row>";
    assert_eq!(rows(&sheet_of(typed)).unwrap(), ["1:0=7|1=no result", "2:0=no result|1=no result"]);
}

#[test]
fn zero_formulas_of_a_long_sheet_are_decided_at_its_end() {
    let budget = Budget { unpacked_ratio: 100_000, ..Budget::DEFAULT };
    let zeros = "<row><c><f>B1</f><v>0</v></c></row>".repeat(20_000);
    let all = |rows: Vec<String>, shown: &str| rows.iter().all(|row| row.split_once(':').unwrap().1 == shown);
    let uncalculated = rows_within(&sheet_of(&zeros), &budget).unwrap();
    assert!(uncalculated.len() == 20_000 && all(uncalculated, "0=no result"));
    let last = "<row><c><f>B1</f><v>5</v></c></row>";
    let mut calculated = rows_within(&sheet_of(&format!("{zeros}{last}")), &budget).unwrap();
    assert_eq!(calculated.pop().unwrap(), "20001:0=5");
    assert!(calculated.len() == 20_000 && all(calculated, "0=0"));
}
