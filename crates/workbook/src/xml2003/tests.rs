use super::super::assembly::tests::shown;
use super::super::zipped::tests::source_of;
use super::*;
use inventory_base::message::Rule;

const STYLES: &str = "<Styles><Style ss:ID='Default'/><Style ss:ID='five'><NumberFormat ss:Format='00000'/></Style>\
                      <Style ss:ID='child' ss:Parent='five'/><Style ss:ID='day'><NumberFormat ss:Format='Short Date'/></Style>\
                      <Style ss:ID='money'><NumberFormat ss:Format='Currency'/></Style><Style ss:ID='hours'><NumberFormat ss:Format='[h]:mm'/></Style></Styles>";

fn book(inner: &str) -> Vec<u8> {
    format!(
        "<?xml version='1.0'?>\n<?mso-application progid='Excel.Sheet'?>\n\
         <Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'>\
         {STYLES}{inner}</Workbook>"
    )
    .into()
}

fn sheet(rows: &str) -> Vec<u8> {
    book(&format!("<Worksheet ss:Name='Stock'><Table>{rows}</Table></Worksheet>"))
}

fn open(bytes: &[u8]) -> Result<(Xml2003Reader, Vec<Sheet>), Refusal> {
    Xml2003Reader::open(Text::open(&source_of(bytes), None)?)
}

fn read_within(bytes: &[u8], budget: &Budget) -> Result<(Vec<String>, Option<SheetExtras>), Refusal> {
    let (mut reader, sheets) = open(bytes)?;
    let mut rows = Vec::new();
    let extras = reader.visit_rows(0, &sheets[0].name, budget, &mut |row| {
        rows.push(shown(row));
        ControlFlow::Continue(())
    })?;
    Ok((rows, extras))
}

fn rows(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    read_within(bytes, &Budget::DEFAULT).map(|(rows, _)| rows)
}

fn cell(attributes: &str, kind: &str, text: &str) -> String {
    format!("<Cell {attributes}><Data ss:Type='{kind}'>{text}</Data></Cell>")
}

#[test]
fn cells_are_what_the_file_says() {
    let cases = [
        (cell("", "String", " 0012 &amp;&#10;&#228; "), "1:0=\" 0012 &\\nä \""),
        (cell("", "Number", "19.99"), "1:0=19.99"),
        (cell("", "Number", "1.5E3"), "1:0=1500"),
        (cell("ss:StyleID='five'", "Number", "123"), "1:0=123 as 00000"),
        (cell("ss:StyleID='child'", "Number", "123"), "1:0=123 as 00000"),
        (cell("ss:StyleID='gone'", "Number", "123"), "1:0=123"),
        (cell("", "DateTime", "2026-10-03T00:00:00.000"), "1:0=date 46298"),
        (cell("ss:StyleID='day'", "Number", "46298"), "1:0=date 46298 as mm-dd-yy"),
        // 1 January 1900 is day 1, as Excel counts.
        (cell("", "DateTime", "1899-12-31T12:00:00.000"), "1:0=date 0.5"),
        (cell("ss:StyleID='hours'", "DateTime", "1900-01-01T12:00:00.000"), "1:0=1.5 as [h]:mm"),
        (cell("", "Boolean", "1"), "1:0=true"),
        (cell("ss:Formula='=NA()'", "Error", "#N/A"), "1:0=error #N/A"),
        (cell("ss:Formula='=A1'", "Number", "") + "<Cell ss:Formula='=A1'/>", "1:0=no result|1=no result"),
        (cell("", "String", ""), ""),
        (cell("", "Number", ""), ""),
        (cell("ss:StyleID='money'", "Number", "19.99"), "1:0=19.99 as ?"),
        // Values that do not match the declared type.
        (cell("", "Number", "many"), "1:0=unreadable"),
        (cell("", "Boolean", "yes"), "1:0=unreadable"),
        (cell("", "DateTime", "soon"), "1:0=unreadable"),
        (cell("", "Picture", "x"), "1:0=unreadable"),
        ("<Cell ss:StyleID='five'/>".to_owned(), ""),
        (
            "<ss:Cell><ss:Data ss:Type='String'><B>bold</B> <![CDATA[<raw>]]></ss:Data>\
             <Comment ss:Author='Ann'><ss:Data><B>Ann:</B>check</ss:Data></Comment><NamedCell ss:Name='x'/></ss:Cell>"
                .to_owned(),
            "1:0=\"bold <raw>\"",
        ),
    ];
    for (xml, expected) in cases {
        assert_eq!(rows(&sheet(&format!("<Row>{xml}</Row>"))).unwrap().join("/"), expected, "{xml}");
    }
}

#[test]
fn rows_and_cells_are_placed_by_their_index() {
    let a = cell("", "String", "a");
    let xml = format!(
        "<Column/><Column ss:Index='3' ss:Span='1' ss:StyleID='five'/><Column ss:StyleID='day'/>\
         <Row>{a}{}{a}</Row><Row ss:Index='4' ss:Hidden='1'>{}{}</Row><Row ss:Span='2' ss:StyleID='five'/>\
         <Row ss:StyleID='five'>{}{}</Row><Row ss:Hidden='1'/>",
        cell("ss:MergeAcross='1' ss:MergeDown='1'", "String", "merged"),
        cell("ss:Index='4'", "Number", "1"),
        cell("", "Number", "46298"),
        cell("", "Number", "2"),
        cell("ss:StyleID='Default'", "Number", "3"),
    );
    let (rows, extras) = read_within(&sheet(&xml), &Budget::DEFAULT).unwrap();
    assert_eq!(
        rows,
        ["1:0=\"a\"|1=\"merged\"|3=\"a\" as 00000", "4:3=1 as 00000|4=date 46298 as mm-dd-yy", "8:0=2 as 00000|1=3"]
    );
    let area = MergedArea { first_row: 1, last_row: 2, first_column: 1, last_column: 2 };
    assert_eq!(extras, Some(SheetExtras { hidden_rows: 1, areas: vec![area] }));
}

#[test]
fn sheets_are_listed_and_read_by_position_in_both_date_systems() {
    let table = |name: &str, inner: &str| {
        format!(
            "<Worksheet ss:Name='{name}'><Table><Row>{inner}</Row></Table><WorksheetOptions>\
                 <Visible>{}</Visible></WorksheetOptions></Worksheet>",
            if name == "Old" { "SheetHidden" } else { "SheetVisible" }
        )
    };
    let dates = cell("ss:StyleID='day'", "Number", "44836") + &cell("", "DateTime", "2026-10-03T00:00:00.000");
    let bytes =
        book(&format!("<ExcelWorkbook><Date1904/></ExcelWorkbook>{}{}", table("A &amp; B", ""), table("Old", &dates)));
    let (mut reader, sheets) = open(&bytes).unwrap();
    let listed: Vec<_> = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.visible)).collect();
    assert_eq!(listed, [("A & B", true), ("Old", false)]);
    for _ in 0..2 {
        let mut seen = String::new();
        let left = reader.visit_rows(1, "Old", &Budget::DEFAULT, &mut |row| {
            seen += &shown(row);
            ControlFlow::Break(())
        });
        assert_eq!((seen.as_str(), left), ("1:0=date 46298 as mm-dd-yy|1=date 46298", Ok(None)));
    }
}

#[test]
fn damaged_files_and_input_over_the_budget_are_refused() {
    let row = |attributes: &str, cells: &str| format!("<Row {attributes}>{cells}</Row>");
    let one = row("", &cell("", "Number", "1"));
    let small = Budget { rows: 10, columns: 5, cell_bytes: 100, cells: 20, ..Budget::DEFAULT };
    let named = |encoding: &str| {
        let text = String::from_utf8(sheet(&row("", &cell("", "String", "Gr~n")))).unwrap();
        let text = text.replacen("version='1.0'", &format!("version='1.0' encoding='{encoding}'"), 1);
        text.bytes().map(|byte| if byte == b'~' { 0xFC } else { byte }).collect::<Vec<u8>>()
    };
    let whole = sheet(&one);
    let cases: Vec<(Vec<u8>, Rule)> = vec![
        (whole[..whole.len() - 5].to_vec(), Rule::FileDamaged),
        (book(""), Rule::FileDamaged),
        (book("<Worksheet ss:Name='A'/><Worksheet ss:Name='A'/>"), Rule::FileDamaged),
        (book("<!DOCTYPE a [<!ENTITY b 'c'>]>"), Rule::FileDamaged),
        (sheet("<Row></Cell>"), Rule::FileDamaged),
        (sheet(&(one.clone() + &row("ss:Index='1'", ""))), Rule::SheetDamaged),
        (sheet(&(one.clone() + &row("ss:Index='4294967297'", ""))), Rule::SheetDamaged),
        (sheet(&row("ss:Index='0'", "")), Rule::FileDamaged),
        (
            sheet(&row("", &(cell("ss:Index='2'", "Number", "1") + &cell("ss:Index='2'", "Number", "1")))),
            Rule::FileDamaged,
        ),
        (sheet(&row("", &cell("ss:Index='16385'", "Number", "1"))), Rule::FileDamaged),
        (sheet(&row("", &cell("", "String", "&lol;"))), Rule::FileDamaged),
        (sheet(&one.repeat(11)), Rule::TooManyRows),
        (sheet(&row("", &cell("", "Number", "1").repeat(6))), Rule::TooManyColumns),
        (sheet(&row("", &cell("", "Number", "1").repeat(3)).repeat(7)), Rule::FileHoldsTooMuch),
        (sheet(&row("", &cell("", "String", &"long ".repeat(21)))), Rule::CellTooLong),
        (named("utf-8"), Rule::LettersUnknown),
    ];
    for (bytes, rule) in cases {
        assert_eq!(read_within(&bytes, &small).expect_err(rule.id()).rule, rule, "{}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(rows(&named("ISO-8859-1")).unwrap(), ["1:0=\"Grün\""]);
    assert_eq!(rows(&named("windows-1251")).unwrap(), ["1:0=\"Grьn\""]);
}
