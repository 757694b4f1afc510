//! Web pages with a table, which many programs save as "Excel".

use super::super::case::Case;
use super::{escape, shown};

pub fn html(case: &Case) -> Vec<u8> {
    let sheet = &case.sheets[0];
    let mut text = String::from("<html><head><meta charset=\"utf-8\"></head><body><table border=\"1\">\n");
    for (number, row) in sheet.rows.iter().enumerate() {
        text.push_str("<tr>");
        for (column, cell) in row.cells.iter().enumerate() {
            let merge = sheet
                .merges
                .iter()
                .find(|merge| (merge.rows.0..=merge.rows.1).contains(&number) && merge.columns.0 == column);
            let spanned = match merge {
                Some(merge) if merge.rows.0 == number => format!(" rowspan=\"{}\"", merge.rows.1 - merge.rows.0 + 1),
                Some(_) => continue,
                None => String::new(),
            };
            text.push_str(&format!("<td{spanned}>{}</td>", escape(&shown(cell))));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table></body></html>\n");
    text.into_bytes()
}
