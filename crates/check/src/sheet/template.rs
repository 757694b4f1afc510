//! Writes the template, a workbook to fill in: the columns of the rules, ready for typing, and a help sheet.

use std::io::{BufWriter, Write};

use rust_xlsxwriter::Workbook;

use super::columns::Columns;
use super::help::add_help;
use super::{SheetFault, name_items};
use inventory_rules::judge::RowChecker;
use inventory_rules::schema::Schema;

/// Writes the template; returns the name of the sheet to fill in.
pub fn write_template(schema: &Schema, out: impl Write + Send) -> Result<String, SheetFault> {
    let name = name_items(schema)?;
    let columns = Columns::new(schema, &name);
    if RowChecker::new(schema, &name, &Columns::titles(schema)).is_none() {
        return Err(SheetFault::Header(Columns::titles(schema).join(", ")));
    }
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name(&name)?;
    columns.begin(sheet)?;
    columns.end(sheet, 1)?;
    add_help(&mut workbook, schema, &name)?;
    columns.lists.add_to(&mut workbook, schema)?;
    let mut out = BufWriter::new(out);
    workbook.save_to_writer(&mut out)?;
    out.flush()?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::item::Value;
    use inventory_base::message::Rule;
    use inventory_rules::judge::{BorrowedItem, Judge, JudgeError, Place, Verdict};
    use inventory_rules::schema::Column;
    use inventory_workbook::{Budget, RawCell, RawRow, RawValue, Workbook as Read};
    use std::io::Seek;

    const SMALLEST: &str =
        "version = 1\n[key]\npartition = \"sku\"\n[[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n";

    fn template(rules: &str) -> (Schema, Read) {
        let schema = Schema::from_toml(rules).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        write_template(&schema, &mut file).unwrap();
        file.rewind().unwrap();
        let read = Read::open(file, "template.xlsx", Budget::default()).unwrap();
        (schema, read)
    }

    fn judged(schema: &Schema, read: &mut Read) -> Result<(), JudgeError> {
        Judge::new(schema).judge_file(read, &mut |_: Place, _: Verdict<BorrowedItem<'_>>| Ok(())).map(|_| ())
    }

    fn visible(read: &Read) -> Vec<(&str, bool)> {
        read.sheets().iter().map(|sheet| (sheet.name.as_str(), sheet.visible)).collect()
    }

    #[test]
    fn an_empty_template_is_read_as_columns_without_items() {
        let many = "choices = [\"box, small\", \"box, large\"]";
        let choice = format!("[[column]]\nname = \"unit\"\ntype = \"choice\"\n{many}\n");
        for rules in [
            inventory_rules::schema::SHIPPED,
            SMALLEST,
            &format!("{SMALLEST}{choice}"),
            &format!("sheet = \"Help\"\n{SMALLEST}"),
        ] {
            let (schema, mut read) = template(rules);
            match judged(&schema, &mut read) {
                Err(JudgeError::Refused(refusal)) => {
                    assert_eq!(refusal.rule, Rule::NoItems, "{}", refusal.message)
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_sheets_are_the_items_the_help_and_if_needed_a_hidden_list() {
        assert_eq!(visible(&template(inventory_rules::schema::SHIPPED).1), [("Stock", true), ("Help", true)]);
        let rules = format!(
            "sheet = \"Help\"\n{SMALLEST}[[column]]\nname = \"unit\"\ntype = \"choice\"\nchoices = [\"a,b\"]\n"
        );
        assert_eq!(visible(&template(&rules).1), [("Help", true), ("Help 2", true), ("Choices", false)]);
    }

    #[test]
    fn a_help_sheet_that_could_be_taken_for_items_is_hidden() {
        // These titles are the headings of the help sheet's own columns.
        let rules = "version = 1\n[key]\npartition = \"a\"\n\
                     [[column]]\nname = \"a\"\ntitle = \"Column\"\ntype = \"text\"\nrequired = true\n\
                     [[column]]\nname = \"b\"\ntitle = \"What goes in\"\ntype = \"text\"\n";
        let (schema, mut read) = template(rules);
        assert_eq!(visible(&read), [("Stock", true), ("Help", false)]);
        assert!(
            matches!(judged(&schema, &mut read), Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::NoItems)
        );
    }

    #[test]
    fn the_example_row_would_be_loaded() {
        let schema = Schema::shipped().unwrap();
        let checker = RowChecker::new(&schema, "Stock", &Columns::titles(&schema)).unwrap();
        let cell = |(column, value): (u32, Option<Value>)| {
            let value = match value? {
                Value::S(text) => RawValue::Text(text.to_string().into()),
                Value::N(digits) => RawValue::Number(digits.parse().unwrap()),
                other => RawValue::Bool(other == Value::Bool(true)),
            };
            Some(RawCell { column, value, format: None })
        };
        let cells: Vec<RawCell> = (0..).zip(schema.columns.iter().map(Column::example)).filter_map(cell).collect();
        assert_eq!(cells.len(), schema.columns.len());
        assert_eq!(checker.judge(&RawRow { number: 2, cells, fields: None }).unwrap().len(), schema.columns.len());
    }
}
