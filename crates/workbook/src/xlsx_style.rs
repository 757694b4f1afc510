//! How the styles of an xlsx workbook show the numbers in its cells.

use std::sync::Arc;

use calamine::Style;

use super::number_format::{CellFormat, is_eastern_name, is_general};

/// The format of each style, in order.
pub fn formats_of(styles: &[Style]) -> Vec<CellFormat> {
    let fonts = styles.iter().filter_map(|style| style.font.as_ref()?.name.as_deref());
    let is_eastern = fonts.into_iter().any(is_eastern_name);
    styles.iter().map(|style| format_of(style, is_eastern)).collect()
}

fn format_of(style: &Style, is_eastern: bool) -> CellFormat {
    let format = style.number_format.as_ref();
    // calamine also reports as general any format that the file gives by number only and that calamine does not know.
    let code = format.map(|format| format.format_code.as_str()).filter(|code| !is_general(code)).map(Arc::from);
    let id = format.map(|format| format.format_id.and_then(|id| u16::try_from(id).ok()).unwrap_or(u16::MAX));
    CellFormat::new(id.unwrap_or_default(), code.as_ref(), is_eastern)
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{Format, Workbook};

    use super::super::xlsx::tests::rows;
    use inventory_test_files::xlsx::patched;

    #[test]
    fn locale_dependent_formats_are_dates_only_in_files_from_those_countries() {
        let book = |font: &str, id: u16, code: Option<&str>| {
            let mut workbook = Workbook::new();
            let sheet = workbook.add_worksheet();
            let format = Format::new().set_num_format("yyyy").set_font_name(font);
            sheet.write_number_with_format(0, 0, 46_298, &format).unwrap();
            sheet.write_number_with_format(1, 0, 2_193_312, &format).unwrap();
            patched(&workbook.save_to_buffer().unwrap(), "xl/styles.xml", |xml| {
                let numbered = xml.replace("numFmtId=\"164\"", &format!("numFmtId=\"{id}\""));
                match code {
                    Some(code) => numbered.replace("\"yyyy\"", &format!("\"{code}\"")),
                    None => {
                        let (before, rest) = numbered.split_once("<numFmts").unwrap();
                        format!("{before}{}", rest.split_once("</numFmts>").unwrap().1)
                    }
                }
            })
        };
        for id in [27, 36, 50, 58, 71, 81] {
            assert_eq!(rows(&book("Calibri", id, None)).unwrap(), ["1:0=date or 46298", "2:0=2193312"], "{id}");
            assert_eq!(rows(&book("宋体", id, None)).unwrap(), ["1:0=date 46298", "2:0=date 2193312"], "{id}");
            let own = rows(&book("宋体", id, Some("00000"))).unwrap();
            assert_eq!(own, ["1:0=46298 as 00000", "2:0=2193312 as 00000"], "{id}");
        }
        // A format that nothing describes, and a style without a format.
        assert_eq!(rows(&book("Calibri", 200, None)).unwrap(), ["1:0=46298", "2:0=2193312"]);
        let without = patched(&book("Calibri", 14, None), "xl/styles.xml", |xml| xml.replace("numFmtId=\"14\" ", ""));
        assert_eq!(rows(&without).unwrap(), ["1:0=46298", "2:0=2193312"]);
        let day = rows(&book("Calibri", 14, None)).unwrap();
        assert_eq!(day, ["1:0=date 46298 as mm-dd-yy", "2:0=date 2193312 as mm-dd-yy"]);
        assert_eq!(rows(&book("Calibri", 59, Some("dd.mm.yyyy"))).unwrap()[0], "1:0=date 46298 as dd.mm.yyyy");
    }
}
