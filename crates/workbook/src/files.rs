//! Tests with files of other programs: the small ones in `tests/files`, which `generate.py` there makes.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::assembly::tests::shown;
use super::{Budget, Workbook};
use inventory_base::message::{Refusal, Rule};

fn open(name: &str, called: &str) -> Result<Workbook, Refusal> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "tests", "files", name].iter().collect();
    Workbook::open(File::open(path).unwrap(), called, Budget::DEFAULT)
}

fn rows(workbook: &mut Workbook, sheet: usize) -> Vec<String> {
    let mut rows = Vec::new();
    workbook
        .visit_rows(sheet, &mut |row| {
            rows.push(shown(row));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

/// The rows as every program writes them, except for dates, formats and the cell next to the list.
fn expected(date: &str, zeros: &str, extras: Option<&str>) -> Vec<String> {
    let mut rows = vec![
        "1:0=\"Stock of the third quarter\"".to_owned(),
        "3:0=\"SKU\"|1=\"Name\"|2=\"Quantity\"|3=\"Unit price\"|4=\"Counted on\"|5=\"Active\"".to_owned(),
        format!("4:0=\"A-17\"|1=\"Bolt, größe 5\\\"\"|2=12|3=19.99|4=date 46298{date}|5=true"),
        format!("5:0=\"00123\"|1=\"Nut & washer\"|2=0{zeros}|3=0.5|4=date 46298{date}|5=false"),
        format!("6:0=\"B-1\"|1=\"Füße\\nlang\"|2=1250|3=1234.56|4=date 46298{date}|5=true"),
    ];
    rows.extend(extras.map(str::to_owned));
    rows
}

#[test]
fn the_same_workbook_is_read_from_every_format() {
    let day = " as yyyy-mm-dd";
    let error = Some("8:7=error #DIV/0!");
    let cases = [
        ("openpyxl.xlsx", expected(day, " as 00000", Some("8:7=no result"))),
        ("libreoffice.xlsx", expected(" as yyyy\\-mm\\-dd", " as 00000", error)),
        ("bytes.xlsb", expected(day, " as 00000", error)),
        ("xlwt.xls", expected(" as YYYY-MM-DD", "", None)),
        ("libreoffice.xls", expected(" as yyyy\\-mm\\-dd", " as 00000", error)),
        ("odfpy.ods", expected("", "", None)),
        ("libreoffice.ods", expected(" as yyyy\\-mm\\-dd", " as 00000", error)),
        ("excel2003.xml", expected(day, " as 00000", error)),
    ];
    for (name, expected) in cases {
        let mut workbook = open(name, name).unwrap();
        let sheets: Vec<_> = workbook.sheets().iter().map(|sheet| (sheet.name.as_str(), sheet.visible)).collect();
        assert_eq!(sheets, [("Stock", true), ("Old", false)], "{name}");
        for _ in 0..2 {
            assert_eq!(rows(&mut workbook, 0), expected, "{name}");
            assert_eq!(rows(&mut workbook, 1), [""; 0], "{name}");
        }
        let notes: Vec<_> = workbook.notes().iter().map(|note| (note.rule, note.sheet.as_deref())).collect();
        // Merged cells are reported only for items, when these are judged.
        assert!(!workbook.merged(0).is_empty(), "{name}");
        assert_eq!(notes, [(Rule::RowsHidden, Some("Stock"))], "{name}");
        assert_eq!(
            workbook.notes()[0].message,
            "Sheet \"Stock\" has hidden or filtered rows (1 in all); they were loaded like the others."
        );
    }
}

#[test]
fn a_file_with_the_wrong_extension_is_read_with_a_note() {
    let mut workbook = open("libreoffice.csv", "in/Stock.XLS").unwrap();
    assert_eq!(rows(&mut workbook, 0).len(), 6);
    let note = &workbook.notes()[0];
    assert_eq!(note.message, "The file is called Stock.XLS but is a CSV file; it was read as such.");
    assert_eq!(note.sheet, None);
    for (name, called) in
        [("xlwt.xls", "a.xlsx"), ("openpyxl.xlsx", "a.csv"), ("odfpy.ods", "a.xls"), ("excel2003.xml", "a.xls")]
    {
        assert_eq!(open(name, called).unwrap().notes()[0].rule, Rule::ExtensionDiffers, "{name}");
    }
    for (name, called) in
        [("xlwt.xls", "a.xls"), ("openpyxl.xlsx", "a.xlsm"), ("libreoffice.csv", "a.TXT"), ("xlwt.xls", "a")]
    {
        assert_eq!(open(name, called).unwrap().notes(), [], "{name}");
    }
}

#[test]
fn a_web_page_with_merged_cells_is_refused() {
    let refusal = open("libreoffice.html", "a.xls").err().unwrap();
    assert_eq!(refusal.rule, Rule::TableNotPlain);
}
