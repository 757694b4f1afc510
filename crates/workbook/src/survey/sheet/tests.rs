use super::super::super::scan::Scan;
use super::*;

fn survey(xml: &str) -> Result<SheetSurvey, Refusal> {
    let mut listener = SheetListener::new(9, true);
    Scan::default().take(format!("<sheetData>{xml}").as_bytes(), &mut listener)?;
    Ok(listener.survey)
}

#[test]
fn hidden_rows_merged_areas_and_odd_cells_are_collected() {
    let cell = "<c><v>1</v></c>";
    let odd = |row, column, holds| OddCell { place: (row, column), holds };
    let extras = |hidden_rows, areas| SheetExtras { hidden_rows, areas };
    let title = MergedArea { first_row: 1, last_row: 1, first_column: 0, last_column: 1 };
    let area = MergedArea { first_row: 2, last_row: 4, first_column: 2, last_column: 3 };
    let cases: Vec<(String, SheetSurvey)> = vec![
        (format!("<row r='1'>{cell}</row>"), SheetSurvey { cells: 1, ..SheetSurvey::default() }),
        (
            format!("<row hidden='1'>{cell}{cell}</row><row r='2' hidden='true'/><row hidden='0'>{cell}</row>"),
            SheetSurvey { cells: 3, extras: extras(1, vec![]), ..SheetSurvey::default() },
        ),
        (
            "<x:row hidden=\"1\"><x:c t='inlineStr'><x:is><x:t>a</x:t></x:is></x:c><x:c/></x:row>".to_owned(),
            SheetSurvey { cells: 2, extras: extras(1, vec![]), ..SheetSurvey::default() },
        ),
        (
            "</sheetData><mergeCells count='2'><mergeCell ref='A1:B1'/><mergeCell ref='C2:D4'/>\
              <mergeCell ref='E1'/><mergeCell ref='F:F'/></mergeCells>"
                .to_owned(),
            SheetSurvey { extras: extras(0, vec![title, area]), ..SheetSurvey::default() },
        ),
        (
            "<c r='B3' t='e'><v>#SPILL!</v></c><c r='C3' t='e'><v>#N/A</v></c><c t='str'><v>#CALC! &amp;</v></c>"
                .to_owned(),
            SheetSurvey { cells: 3, odd: vec![odd(2, 1, Odd::Error("#SPILL!"))], ..SheetSurvey::default() },
        ),
        (
            "<row r='7'><c r='B7'><f>A7*2</f><v></v></c><c><f/><v/></c><c t='str'><f>T(1)</f><v></v></c>\
             <c><f>1</f><v>1</v></c><c s='1'/></row><x:row><x:c t='b'><x:f>A1</x:f></x:c></x:row>"
                .to_owned(),
            SheetSurvey {
                cells: 6,
                odd: [(6, 1), (6, 2), (7, 0)].map(|(row, column)| odd(row, column, Odd::NoResult)).to_vec(),
                ..SheetSurvey::default()
            },
        ),
    ];
    for (xml, expected) in cases {
        assert_eq!(survey(&xml).unwrap(), expected, "{xml}");
    }
}

#[test]
fn attributes_after_a_leading_style_are_split_off() {
    for (others, rest) in [
        (" s=\"12\" t=\"s\"", " t=\"s\""),
        (" s=\"0\"", ""),
        (" s=\"1\"/", "/"),
        ("", ""),
        (" t=\"s\" s=\"1\"", " t=\"s\" s=\"1\""),
        (" s=\"x\" t=\"s\"", " s=\"x\" t=\"s\""),
        (" s=\"1", " s=\"1"),
    ] {
        assert_eq!(after_style(others.as_bytes()), rest.as_bytes(), "{others}");
    }
}

#[test]
fn a_leading_reference_is_parsed_like_any_other_or_left_to_the_general_parser() {
    for reference in ["A1", "B12", "XFD1048576", "ZZZ9999999"] {
        let rest = format!("r=\"{reference}\" t=\"s\"");
        let expected = (place_of(reference.as_bytes()).unwrap(), b" t=\"s\"".as_slice());
        assert_eq!(leading_place(rest.as_bytes()), Some(expected), "{reference}");
    }
    for rest in [
        "r=\"A0\"",
        "r=\"AAAA1\"",
        "r=\"A12345678\"",
        "r=\"12\"",
        "r=\"a1\"",
        "r=\"A\"",
        "r=\"A1",
        "r='A1'",
        "s=\"1\" r=\"A1\"",
        "",
    ] {
        assert_eq!(leading_place(rest.as_bytes()), None, "{rest}");
    }
}

#[test]
fn references_that_would_mislead_the_reader_are_refused() {
    for xml in [
        "<c r='ZZZZZZZZ1'>",
        "<c r='A99999999999'>",
        "<c r='A0'>",
        "<c r='12'>",
        "<row r='4294967297'>",
        // After these the reader loses count.
        "<c t='e'><v>#SPILL!</v></c>",
        "<c t='s'><v>9</v></c>",
        "<c t='n'><v>many</v></c>",
        // Cells of two rows in one.
        "<row r='3'><c r='A4'/>",
        "<row r='3'><c r='A3'/><c r='B4'/>",
        "<row><c r='A3'/><c r='B4'/>",
        "<row r='3'/><row><c r='A3'/>",
        // Cells, rows and the end of the rows inside a cell.
        "<c r='A1'><c r='B1'><v>1</v></c>",
        "<c r='A1'><v>1<c r='B1'/>",
        "<c r='A1'><v>1</c>",
        "<c r='A1'><is><t>a</t></c>",
        "<c r='A1'><extLst><row r='2'/>",
        "<c r='A1'></sheetData>",
    ] {
        assert_eq!(survey(xml), Err(damaged()), "{xml}");
    }
}
