use super::super::assembly::tests::shown;
use super::*;
use inventory_base::message::Rule;

fn rows(page: &str) -> Result<Vec<String>, Refusal> {
    let mut reader = HtmlReader::open(page.to_owned(), &Budget::DEFAULT)?;
    let mut rows = Vec::new();
    reader.visit_rows(0, "stock", &Budget::DEFAULT, &mut |row| {
        rows.push(shown(row));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

#[test]
fn the_rows_of_a_plain_table_are_read() {
    let cases: &[(&str, &[&str])] = &[
        (
            "<html><head><style>td { x: '<td>' }</style></head><body><h1>Stock</h1><table border=1>\n<thead><tr>\
             <th>SKU</th><th>Name</th></tr></thead><tbody>\n<tr><td>0012</td>\n<td>M&uuml;tter &amp; Bolzen</td></tr>\
             </tbody></table></body></html>",
            &["1:0=\"SKU\"|1=\"Name\"", "2:0=\"0012\"|1=\"Mütter & Bolzen\""],
        ),
        // Closing tags omitted, capital letters, line breaks, an empty cell, a blank row.
        (
            "<TABLE><TR><TD>a<TD>b<TR><TD>1 \n 2<BR>3<TD><TR><TR><TD>&nbsp;<TD COLSPAN=\"1\">&#8364; &#x20AC; &x; 5 < 6</TABLE>",
            &["1:0=\"a\"|1=\"b\"", "2:0=\"1 2\\n3\"", "4:1=\"€ € &x; 5 < 6\""],
        ),
        ("<table><tr><td><font color='>'><b>x</b></font><o:p>y</o:p><!-- <td> --></td></tr></table>", &["1:0=\"xy\""]),
        // A text marked so that Excel does not take it for a number.
        ("<table><tr><td>=\"00123\"</td><td>=A3</td></tr></table>", &["1:0=\"00123\" as @|1=\"=A3\""]),
        ("<p>1 < 2</p><table></table>", &[]),
    ];
    for (page, expected) in cases {
        assert_eq!(rows(page).unwrap(), *expected, "{page}");
    }
}

#[test]
fn an_ambiguous_table_is_refused_with_the_reason() {
    let row = "<tr><td>a</td></tr>";
    let cases = [
        (format!("<table>{row}</table><table>{row}</table>"), "more than one table"),
        (format!("<table><tr><td><table>{row}</table></td></tr></table>"), "table inside a table"),
        ("<table><tr><td colspan=2>a</td></tr></table>".to_owned(), "span"),
        ("<table><tr><td RowSpan = '2'>a</td></tr></table>".to_owned(), "span"),
        ("<table><td>a</td></table>".to_owned(), "outside rows"),
    ];
    for (page, words) in cases {
        let refusal = rows(&page).expect_err(words);
        assert_eq!(refusal.rule, Rule::TableNotPlain);
        assert!(refusal.message.contains(words) && !refusal.message.contains('{'), "{}", refusal.message);
    }
    assert_eq!(rows("<html><p>Sign in</p></html>").unwrap_err().rule, Rule::FileIsOtherKind);
    let budget = Budget { whole_cells: 2, ..Budget::DEFAULT };
    let page = format!("<table>{}</table>", row.repeat(3));
    assert_eq!(HtmlReader::open(page, &budget).err().unwrap().rule, Rule::FileHoldsTooMuch);
}
