//! OpenDocument spreadsheets as programs write them, and broken ones.

use super::super::assembly::tests::shown;
use super::super::zipped::tests::{source_of, zip_of};
use super::*;

const KIND: &str = "application/vnd.oasis.opendocument.spreadsheet";

fn file(content: &str) -> Vec<u8> {
    zip_of(&[("mimetype", KIND), ("content.xml", content)])
}

/// A spreadsheet with one sheet of these rows.
fn book(rows: &str) -> Vec<u8> {
    file(&format!(
        "<?xml version='1.0'?><office:document-content><office:body><office:spreadsheet>\
         <table:table table:name='Stock'><table:table-column/>{rows}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    ))
}

fn read_within(bytes: &[u8], budget: &Budget) -> Result<(Vec<String>, Option<SheetExtras>), Refusal> {
    let (mut reader, sheets) = OdsReader::open(&source_of(bytes), budget)?;
    let mut rows = Vec::new();
    let extras = reader.visit_rows(0, &sheets[0].name, budget, &mut |row| {
        rows.push(shown(row));
        ControlFlow::Continue(())
    })?;
    Ok((rows, extras))
}

fn rows(xml: &str) -> Result<Vec<String>, Refusal> {
    read_within(&book(xml), &Budget::DEFAULT).map(|(rows, _)| rows)
}

fn text(text: &str) -> String {
    format!("<table:table-cell office:value-type='string'><text:p>{text}</text:p></table:table-cell>")
}

fn row(cells: &[&str]) -> String {
    format!("<table:table-row>{}</table:table-row>", cells.concat())
}

#[test]
fn cells_are_what_the_file_says() {
    let cell = |attributes: &str, shown: &str| {
        format!("<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>")
    };
    let cases: Vec<(String, &str)> = vec![
        (text("0012"), "1:0=\"0012\""),
        (
            text("a<text:s text:c='2'/>b<text:s/><text:tab/><text:line-break/><text:span>c</text:span> &amp; &#228;"),
            "1:0=\"a  b \\t\\nc & ä\"",
        ),
        (text("a</text:p>\n<text:p>b"), "1:0=\"a\\nb\""),
        (text("<office:annotation><dc:creator>Ann</dc:creator><text:p>check</text:p></office:annotation>"), ""),
        (cell("office:value-type='float' office:value='19.99'", "20"), "1:0=19.99"),
        (cell("office:value-type='percentage' office:value='0.15'", "15 %"), "1:0=0.15 as 0.00%"),
        (cell("office:value-type='currency' office:value='2.5'", "2,50 €"), "1:0=2.5"),
        (
            cell("office:value-type='currency' office:currency='EUR' office:value='2.5'", "2,50 €"),
            "1:0=2.5 as [$EUR]\\ #,##0.00",
        ),
        (cell("office:value-type='date' office:date-value='2026-10-03'", "3.10.26"), "1:0=date 46298"),
        (cell("office:value-type='date' office:date-value='2026-10-03T12:00:00'", ""), "1:0=date 46298.5"),
        (cell("office:value-type='time' office:time-value='PT36H00M00S'", "36:00"), "1:0=1.5 as [h]:mm:ss"),
        (cell("office:value-type='time' office:time-value='PT12H00M00S'", "12:00"), "1:0=date 0.5"),
        // Values that do not match the declared type.
        (cell("office:value-type='float' office:value='many'", "many"), "1:0=unreadable"),
        (cell("office:value-type='date' office:date-value='soon'", "soon"), "1:0=unreadable"),
        (cell("office:value-type='time' office:time-value='soon'", "soon"), "1:0=unreadable"),
        (cell("office:value-type='boolean' office:boolean-value='yes'", "yes"), "1:0=unreadable"),
        (cell("office:value-type='boolean' office:boolean-value='true'", "TRUE"), "1:0=true"),
        (
            cell("office:value-type='string' office:string-value='' calcext:value-type='error'", "#N/A"),
            "1:0=error #N/A",
        ),
        (cell("office:value-type='float' office:value='0' calcext:value-type='error'", "#DIV/0!"), "1:0=error #DIV/0!"),
        (cell("office:value-type='string' office:string-value='own'", ""), "1:0=\"own\""),
        ("<table:table-cell table:style-name='x'/>".to_owned(), ""),
        ("<table:table-cell table:formula='of:=[.B1]+1'/>".to_owned(), "1:0=no result"),
        (cell("table:formula='of:=[.B1]+1' office:value-type='float' office:value='3'", "3"), "1:0=3"),
        (cell("table:formula='of:=T([.B1])' office:value-type='string' office:string-value=''", ""), ""),
    ];
    for (xml, expected) in cases {
        assert_eq!(rows(&row(&[&xml])).unwrap().join("/"), expected, "{xml}");
    }
}

#[test]
fn repeated_rows_and_cells_are_expanded() {
    let many = |times: u32, inner: &str| {
        format!("<table:table-row table:number-rows-repeated='{times}'>{inner}</table:table-row>")
    };
    let empty = "<table:table-cell table:number-columns-repeated='16380'/>";
    let three = text("x").replace("office:value-type", "table:number-columns-repeated='3' office:value-type");
    let cases = [
        (many(2, &text("a")) + &row(&[&text("b")]), "1:0=\"a\"/2:0=\"a\"/3:0=\"b\""),
        (many(5, empty) + &row(&["<table:table-cell/>", &three, empty]), "6:1=\"x\"|2=\"x\"|3=\"x\""),
        (row(&[&text("a")]) + &many(1_048_575, empty), "1:0=\"a\""),
        // Covered cells of a merged area are not shown.
        (
            row(&[
                &text("a").replace("office:value-type", "table:number-columns-spanned='2' office:value-type"),
                &text("hidden").replace("table-cell", "covered-table-cell"),
                &text("b"),
            ]),
            "1:0=\"a\"|2=\"b\"",
        ),
        (
            format!(
                "<table:table-header-rows>{}</table:table-header-rows><table:table-row-group>{}</table:table-row-group>",
                row(&[&text("a")]),
                row(&[&text("b")])
            ),
            "1:0=\"a\"/2:0=\"b\"",
        ),
    ];
    for (xml, expected) in cases {
        assert_eq!(rows(&xml).unwrap().join("/"), expected, "{xml}");
    }
    let hidden = many(3, &text("a")).replace("<table:table-row", "<table:table-row table:visibility='filter'");
    let merged = text("a").replace("office:value-type", "table:number-rows-spanned='2' office:value-type");
    let across = text("a").replace("office:value-type", "table:number-columns-spanned='2' office:value-type");
    let (_, extras) = read_within(&book(&(hidden + &row(&[&across, &merged]))), &Budget::DEFAULT).unwrap();
    let area = MergedArea { first_row: 4, last_row: 5, first_column: 1, last_column: 1 };
    let across = MergedArea { first_row: 4, last_row: 4, first_column: 0, last_column: 1 };
    assert_eq!(extras, Some(SheetExtras { hidden_rows: 3, areas: vec![across, area] }));
}

#[test]
fn numbers_have_the_format_of_their_cell_row_or_column() {
    let format = |name: &str, digits: u32| {
        format!(
            "<number:number-style style:name='n{digits}'><number:number number:decimal-places='0' \
             number:min-integer-digits='{digits}'/></number:number-style>\
             <style:style style:name='{name}' style:family='table-cell' style:data-style-name='n{digits}'/>"
        )
    };
    let number = |style: &str| format!("<table:table-cell {style} office:value-type='float' office:value='123'/>");
    let content = format!(
        "<office:document-content><office:automatic-styles>{}{}</office:automatic-styles><office:body>\
         <table:table table:name='Stock'><table:table-column table:number-columns-repeated='2'/>\
         <table:table-column table:default-cell-style-name='six' table:number-columns-repeated='1000'/>\
         {}<table:table-row table:default-cell-style-name='five'>{}</table:table-row></table:table>\
         </office:body></office:document-content>",
        format("five", 5),
        format("six", 6),
        row(&[&number("table:style-name='named'"), &number(""), &number(""), &text("123")]),
        number("table:style-name='Default'") + &number("") + &number("")
    );
    let styles = format!("<office:document-styles>{}</office:document-styles>", format("named", 4));
    let bytes = zip_of(&[("mimetype", KIND), ("styles.xml", &styles), ("content.xml", &content)]);
    let (rows, _) = read_within(&bytes, &Budget::DEFAULT).unwrap();
    assert_eq!(rows, ["1:0=123 as 0000|1=123|2=123 as 000000|3=\"123\"", "2:0=123|1=123 as 00000|2=123 as 00000"]);
}

#[test]
fn times_and_dates_are_read_as_their_format_shows_them() {
    let style = |name: &str, kind: &str, attributes: &str, inner: &str| {
        format!(
            "<number:{kind}-style style:name='N{name}' {attributes}>{inner}</number:{kind}-style>\
             <style:style style:name='{name}' style:family='table-cell' style:data-style-name='N{name}'/>"
        )
    };
    let clock = "<number:hours number:style='long'/><number:text>:</number:text><number:minutes number:style='long'/>";
    let styles = style("clock", "time", "", clock)
        + &style("hours", "time", "number:truncate-on-overflow='false'", clock)
        + &style("year", "date", "", "<number:year number:style='long'/>")
        + &style("percent", "percentage", "", "<number:number number:decimal-places='0'/><number:text>%</number:text>");
    let cell = |style: &str, kind: &str, value: &str| {
        format!("<table:table-cell table:style-name='{style}' office:value-type='{kind}' office:{value}/>")
    };
    let cells = [
        cell("clock", "time", "time-value='PT01H00M00S'"),
        cell("clock", "time", "time-value='PT36H00M00S'"),
        cell("hours", "time", "time-value='PT36H00M00S'"),
        cell("percent", "time", "time-value='PT06H00M00S'"),
        cell("year", "date", "date-value='2026-10-03'"),
        cell("percent", "date", "date-value='2026-10-03'"),
        cell("percent", "percentage", "value='0.5'"),
    ];
    let bytes = file(&format!(
        "<office:document-content><office:automatic-styles>{styles}</office:automatic-styles><office:body>\
         <table:table table:name='Stock'><table:table-row>{}</table:table-row></table:table></office:body>\
         </office:document-content>",
        cells.concat()
    ));
    let (rows, _) = read_within(&bytes, &Budget::DEFAULT).unwrap();
    let expected = "1:0=date 0.041666666666666664 as hh\\:mm|1=date 1.5 as hh\\:mm|2=1.5 as [hh]\\:mm|3=date 0.25|\
                    4=date 46298 as yyyy|5=date 46298|6=0.5 as 0%";
    assert_eq!(rows, [expected]);
}

#[test]
fn sheets_are_listed_and_read_by_position() {
    let table = |name: &str, style: &str, inner: &str| {
        format!("<table:table table:name='{name}' table:style-name='{style}'>{}</table:table>", row(&[&text(inner)]))
    };
    let bytes = file(&format!(
        "<office:document-content><office:automatic-styles>\
         <style:style style:name='ta1'><style:table-properties table:display='true'/></style:style>\
         <style:style style:name='ta2'><style:table-properties table:display='false'/></style:style>\
         </office:automatic-styles><office:body>{}{}</office:body></office:document-content>",
        table("A &amp; B", "ta1", &format!("one</text:p>{}<text:p>", table("inner", "ta1", "x"))),
        table("Old", "ta2", "two")
    ));
    let (mut reader, sheets) = OdsReader::open(&source_of(&bytes), &Budget::DEFAULT).unwrap();
    let listed: Vec<_> = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.visible)).collect();
    assert_eq!(listed, [("A & B", true), ("Old", false)]);
    for _ in 0..2 {
        let mut seen = String::new();
        reader
            .visit_rows(1, "Old", &Budget::DEFAULT, &mut |row| {
                seen += &shown(row);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(seen, "1:0=\"two\"");
    }
}

#[test]
fn damaged_files_and_input_over_the_budget_are_refused() {
    let whole = book(&(row(&[&text("a")]) + &row(&[&text("b")])));
    let xml = "<office:document-content><table:table table:name='A'>";
    let small = Budget { rows: 10, columns: 5, cell_bytes: 100, cells: 40, repeated_rows: 20, ..Budget::DEFAULT };
    let repeated = |rows: u32, columns: u32| {
        let cell =
            text("a").replace("office:value", &format!("table:number-columns-repeated='{columns}' office:value"));
        book(&format!("<table:table-row table:number-rows-repeated='{rows}'>{cell}</table:table-row>"))
    };
    let protected = "<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>";
    let cases: Vec<(Vec<u8>, Rule)> = vec![
        (file(xml), Rule::FileDamaged),
        (file(&format!("{xml}<table:table-row><table:table-cell")), Rule::FileDamaged),
        (file(""), Rule::FileDamaged),
        (file("<office:document-content></office:document-content>"), Rule::FileDamaged),
        (zip_of(&[("mimetype", KIND)]), Rule::FileDamaged),
        (file(&format!("<!DOCTYPE a [<!ENTITY b 'c'>]>{xml}")), Rule::FileDamaged),
        (zip_of(&[("META-INF/manifest.xml", protected), ("content.xml", "")]), Rule::FileProtected),
        (book(&row(&[&text("&lol;")])), Rule::FileDamaged),
        (book(&row(&["<table:table-cell table:number-columns-repeated='x'/>"])), Rule::FileDamaged),
        (repeated(1_048_576, 1), Rule::FileHoldsTooMuch),
        (repeated(12, 1), Rule::TooManyRows),
        (repeated(1, 16_384), Rule::TooManyColumns),
        (repeated(10, 5), Rule::FileHoldsTooMuch),
        (repeated(4_294_967_295, 1), Rule::FileHoldsTooMuch),
        (book(&row(&[&text("a<text:s text:c='4294967295'/>")])), Rule::CellTooLong),
        (book(&row(&[&text(&"<text:s text:c='60'/>".repeat(2))])), Rule::CellTooLong),
    ];
    for (bytes, rule) in cases {
        assert_eq!(read_within(&bytes, &small).expect_err(rule.id()).rule, rule);
    }
    assert!(read_within(&whole, &small).is_ok());
    assert_eq!(
        read_within(&whole, &Budget { unpacked_bytes: 100, ..small }).unwrap_err().rule,
        Rule::FileUnpacksTooLarge
    );
}
