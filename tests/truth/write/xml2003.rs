//! XML spreadsheets of Excel 2003.

use super::super::case::{Case, Cell, Row, Sheet, Value};
use super::escape;

pub fn xml2003(case: &Case) -> Vec<u8> {
    let mut formats: Vec<&'static str> = Vec::new();
    let sheets: String = case.sheets.iter().map(|sheet| worksheet(sheet, &mut formats)).collect();
    let styles = formats.iter().enumerate().map(|(number, format)| {
        format!("<Style ss:ID=\"s{number}\"><NumberFormat ss:Format=\"{}\"/></Style>", escape(format))
    });
    let xml = format!(
        "<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>\n\
         <Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
         xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Styles>{}</Styles>{sheets}</Workbook>",
        styles.collect::<String>()
    );
    xml.into_bytes()
}

fn worksheet(sheet: &Sheet, formats: &mut Vec<&'static str>) -> String {
    let rows = sheet.rows.iter().enumerate().map(|(number, row)| {
        let cells = cells(sheet, number, row, formats);
        let hidden = if row.hidden { " ss:Hidden=\"1\"" } else { "" };
        if cells.is_empty() {
            String::new()
        } else {
            format!("<Row ss:Index=\"{}\"{hidden}>{cells}</Row>\n", number + 1)
        }
    });
    let rows: String = rows.collect();
    format!("<Worksheet ss:Name=\"{}\"><Table>\n{rows}</Table></Worksheet>", escape(&sheet.name))
}

fn cells(sheet: &Sheet, number: usize, row: &Row, formats: &mut Vec<&'static str>) -> String {
    let mut text = String::new();
    for (column, cell) in row.cells.iter().enumerate() {
        let merge = sheet.merges.iter().find(|merge| merge.rows.0 == number && merge.columns.0 == column);
        let Some(content) = content_of(cell) else { continue };
        let style = match cell.format {
            "" => String::new(),
            format => {
                let number = formats.iter().position(|other| *other == format).unwrap_or_else(|| {
                    formats.push(format);
                    formats.len() - 1
                });
                format!(" ss:StyleID=\"s{number}\"")
            }
        };
        let merged = merge.map_or(String::new(), |merge| format!(" ss:MergeDown=\"{}\"", merge.rows.1 - merge.rows.0));
        text.push_str(&format!("<Cell ss:Index=\"{}\"{style}{merged}{content}", column + 1));
    }
    text
}

/// Returns the rest of the cell's element, after its style; `None` if the cell is not written.
fn content_of(cell: &Cell) -> Option<String> {
    let data = |kind: &str, text: &str| format!("><Data ss:Type=\"{kind}\">{}</Data></Cell>", escape(text));
    Some(match &cell.value {
        Value::Empty if cell.format.is_empty() => return None,
        Value::Empty => "/>".to_string(),
        Value::Text(text) => data("String", text),
        Value::Number(number) => data("Number", &number.to_string()),
        Value::Formula(formula, number) => {
            format!(" ss:Formula=\"={}\"{}", escape(formula), data("Number", &number.to_string()))
        }
        Value::TextFormula(formula, text) => format!(" ss:Formula=\"={}\"{}", escape(formula), data("String", text)),
        Value::Day(day) => data("DateTime", &format!("{day}T00:00:00.000")),
        Value::Time(seconds) => {
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            data("DateTime", &format!("1899-12-31T{hours:02}:{minutes:02}:{seconds:02}.000"))
        }
        Value::Bool(yes) => data("Boolean", if *yes { "1" } else { "0" }),
        Value::Error(error) | Value::Raw(error) => data("Error", error),
    })
}
