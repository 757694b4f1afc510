//! Opens the workbooks we write in LibreOffice and checks the values it displays.

use std::fs::File;

use inventory_check::sheet::Form;
use inventory_check::sheet::export::Export;
use inventory_rules::schema::Schema;

use super::{RULES, awkward_items, path};
use crate::harness::{inventory, libreoffice};

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn libreoffice_shows_a_template_with_its_help() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock-template.xlsx");
    assert_eq!(inventory(&["template", "--out", path(&file)]).status.code(), Some(0));
    let header = row(&[
        "SKU",
        "Name",
        "Category",
        "Warehouse",
        "Quantity",
        "Unit price",
        "Reorder level",
        "Supplier",
        "Last counted",
        "Discontinued",
    ]);
    let Some(sheets) = libreoffice::show(&file).await else { return };
    assert_eq!(sheets.keys().collect::<Vec<_>>(), ["Help", "Stock"]);
    assert_eq!(sheets["Stock"], [header]);
    let example: Vec<&str> = sheets["Help"].iter().skip(6).filter_map(|row| row.get(3)).map(String::as_str).collect();
    assert_eq!(
        example,
        ["A-1001", "Hex bolt M8 x 40", "Bolts", "Leeds", "12", "12.50", "12", "Calder Tools", "2026-10-03", "no"]
    );
    assert_eq!(sheets["Help"][6][0], "SKU (column A)");
}

#[tokio::test(flavor = "multi_thread")]
async fn libreoffice_shows_every_value_of_an_export_and_runs_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.xlsx");
    let schema = Schema::from_toml(RULES).unwrap();
    let mut export = Export::begin(&schema, Form::Workbook, File::create(&file).unwrap()).unwrap();
    for item in awkward_items() {
        export.add(item).unwrap();
    }
    assert_eq!(export.end().unwrap().left_out.total, 0);
    let nines = "9".repeat(38);
    let fraction = format!("0.{nines}");
    let rows = [
        &["Site", "SKU", "Lot", "Name", "Weight", "Price", "Counted", "Sold out", "Barcode"][..],
        &["Leeds", "+1", "1", "@SUM(A1:A9)", "0.1", "", "", "no"],
        &["Leeds", "-2", "1", "two\nlines, and\ta tab", "123456789012345", "", "", "no"],
        &["Leeds", "00123", "0", "Größe \"M\"; rot, 5 €", "", "19.99", "", "no"],
        &["Leeds", "00123", "7", "=HYPERLINK(\"http://example.com\")", "", "1.234", "", "no"],
        &["Leeds", "1E5", &nines, "", &fraction, "-2.50", "", "no"],
        &["York, old town", "A", "1", "", "", "", "2026-10-03", "no", "036000291452"],
        &["York, old town", "B", "1", "", "", "", "2026-10-03T18:00:05", "yes"],
        &["York, old town", "C", "1", "#1 of 2", "", "", "1850-01-01", "no"],
        &["York, old town", "D", "1", "_x0041_ 数量 👩\u{200d}🔧", "1E-20", "", "", "no"],
    ];
    libreoffice::assert_shows(&file, &[("Stock Q3", rows.map(row).to_vec())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn libreoffice_shows_rows_to_fix_as_they_were_sent_and_runs_none() {
    let folder = tempfile::tempdir().unwrap();
    let (list, file) = (folder.path().join("stock.csv"), folder.path().join("to-fix.xlsx"));
    let rows = "SKU,Name,Quantity,=SUM(A1:A9)\n00123,=1+1,many,@SUM(A1)\n00124,Bolt,5,\n00125,-2+3,,+1\n";
    std::fs::write(&list, rows).unwrap();
    let checked = inventory(&["check", path(&list), "--to-fix", path(&file)]);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    let Some(mut sheets) = libreoffice::show(&file).await else { return };
    let (_, shown) = sheets.pop_first().unwrap();
    assert!(sheets.is_empty());
    let sent: Vec<&[String]> = shown.iter().map(|row| &row[..4]).collect();
    assert_eq!(
        sent,
        [
            row(&["SKU", "Name", "Quantity", "=SUM(A1:A9)"]),
            row(&["00123", "=1+1", "many", "@SUM(A1)"]),
            row(&["00125", "-2+3", "", "+1"])
        ]
    );
    assert!(shown[0][4].starts_with("What to do (load "), "{:?}", shown[0]);
    let of_file = |row: u32| format!("Row {row} of the original file: ");
    assert!(shown[1][4].starts_with(&of_file(2)) && shown[2][4].starts_with(&of_file(4)), "{shown:?}");
}
