//! A header further down a sheet: the same one once more, one of a table below, or that of something else altogether. Rows
//! below it are never read by the header above.

use crate::schema::{HeaderFault, Kind, Schema, UnknownColumns};
use inventory_base::message::{Refusal, Rule};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::heading::{HeaderSearch, Heading};
use super::missing::refuse_named_twice;
use super::value::{is_blank, shown};

/// Names of columns that make a header of a row of words, also where none of them is the key's.
const NAMES_OF_A_HEADER: usize = 2;
/// Cells that make one where the name of a column is in the key's place; fewer are the head of a group.
const CELLS_OF_A_HEADER: usize = 3;
/// Tables below others in a whole file. Each is kept in memory to its end.
pub(super) const TABLES_AT_MOST: usize = 100;
/// Cells quoted of a table that is not ours.
const CELLS_QUOTED: usize = 8;

/// What a row below a header is.
pub(super) enum Below {
    /// No header.
    Row,
    /// The same header once more, perhaps in other words.
    Again,
    /// The header of a table below, by which its rows are to be read.
    Table(Box<Heading>),
    /// A header by which no row can be read. An item below it would be one by mistake.
    Foreign(Refusal),
}

/// Looks at the rows below one header.
pub(super) struct BelowHeader<'a> {
    schema: &'a Schema,
    search: HeaderSearch<'a>,
    /// A column in which every item has a number, where there is one.
    number: Option<u32>,
    key: Vec<u32>,
    /// Columns in which no item has a word.
    typed: Vec<u32>,
    /// The last row with a value.
    above: u32,
}

impl<'a> BelowHeader<'a> {
    pub fn new(schema: &'a Schema, heading: &Heading) -> BelowHeader<'a> {
        let found = &heading.header.columns;
        let place = |position: usize| found[position].as_ref().map(|(place, _)| *place);
        let is_number = |kind| matches!(kind, Kind::Integer | Kind::Decimal | Kind::Money);
        let mut numbers = schema.columns.iter().enumerate().filter(|(_, c)| c.required && is_number(c.kind));
        let number = numbers.find_map(|(position, _)| place(position));
        let key = schema.key.columns().filter_map(|column| place(schema.position(column)?)).collect();
        let is_typed = |kind| is_number(kind) || kind == Kind::Date;
        let typed = schema.columns.iter().enumerate().filter(|(_, column)| is_typed(column.kind));
        let typed = typed.filter_map(|(position, _)| place(position)).collect();
        BelowHeader { schema, search: HeaderSearch::new(schema), number, key, typed, above: heading.header.row }
    }

    /// What the row is. `sheet` is where it stands, for a refusal.
    pub fn look_at(&mut self, row: &RawRow<'_>, heading: &Heading, sheet: &str) -> Below {
        if self.is_plainly_an_item(row) {
            self.above = row.number;
            return Below::Row;
        }
        let stands_apart = row.number > self.above + 1;
        if row.cells.iter().any(|cell| !is_blank(cell)) {
            self.above = row.number;
        }
        if row.cells.len() < NAMES_OF_A_HEADER {
            return Below::Row;
        }
        // Of two rows that make a header together, one alone says less.
        if heading.is_above_again(row) || heading.is_joined() && heading.is_again(row) {
            return Below::Row;
        }
        match self.search.look_at(row) {
            Ok(found) if !self.names_the_key(&found) => Below::Row,
            Ok(found) if self.reads_alike(heading, &found) => Below::Again,
            // The upper one of its rows was taken for a row of the list already.
            Ok(found) if found.is_joined() => Below::Foreign(refuse_second_table(sheet, row, heading)),
            Ok(found) => Below::Table(Box::new(found.below(heading))),
            Err(HeaderFault::NamedTwice { column, first, second }) if self.is_foreign(row) => {
                Below::Foreign(refuse_named_twice(sheet, row.number, &column, &first, &second))
            }
            Err(_) if self.is_foreign(row) || stands_apart && self.is_of_words(row) => {
                Below::Foreign(refuse_second_table(sheet, row, heading))
            }
            Err(_) => Below::Row,
        }
    }

    /// Known at a glance, as nearly every row is.
    fn is_plainly_an_item(&self, row: &RawRow<'_>) -> bool {
        let Some(number) = self.number else {
            return self.key.iter().filter_map(|place| row.cell(*place)).any(|cell| match &cell.value {
                RawValue::Text(text) => text.bytes().any(|byte| byte.is_ascii_digit()),
                _ => true,
            });
        };
        row.cell(number).is_some_and(|cell| match &cell.value {
            RawValue::Text(text) => begins_like_a_number(text),
            _ => true,
        })
    }

    /// By a name in full: an item may well be called like the beginning of one.
    fn names_the_key(&self, found: &Heading) -> bool {
        let positions = self.schema.key.columns().filter_map(|column| self.schema.position(column));
        let mut names = positions.map(|position| found.header.columns[position].as_ref());
        names.all(|name| name.is_some_and(|(_, text)| self.schema.is_name(text)))
    }

    /// Whether rows come to the same by both headers.
    fn reads_alike(&self, heading: &Heading, found: &Heading) -> bool {
        let (one, other) = (&heading.header, &found.header);
        let place = |found: &Option<(u32, String)>| found.as_ref().map(|(place, _)| *place);
        let mut columns = one.columns.iter().zip(&other.columns);
        let are_kept = self.schema.unknown_columns == UnknownColumns::Keep;
        columns.all(|(one, other)| place(one) == place(other)) && (!are_kept || one.others == other.others)
    }

    /// Whether the row is nothing but words, also in the key and where every item has a number or a date: below a blank
    /// row, the header of something else.
    fn is_of_words(&self, row: &RawRow<'_>) -> bool {
        let mut filled = row.cells.iter().filter(|cell| !is_blank(cell));
        let has = |places: &[u32]| places.iter().any(|place| row.cell(*place).is_some_and(|cell| !is_blank(cell)));
        filled.clone().count() >= CELLS_OF_A_HEADER && has(&self.key) && has(&self.typed) && filled.all(is_word)
    }

    /// Whether the row is nothing but words, and some of them are names of columns where no item has them.
    fn is_foreign(&self, row: &RawRow<'_>) -> bool {
        let filled: Vec<&RawCell<'_>> = row.cells.iter().filter(|cell| !is_blank(cell)).collect();
        let is_name = |cell: &RawCell<'_>| self.schema.is_name(&shown(cell));
        let in_key = || filled.iter().any(|cell| self.key.contains(&cell.column) && is_name(cell));
        filled.iter().all(|cell| is_word(cell))
            && (filled.iter().filter(|cell| is_name(cell)).count() >= NAMES_OF_A_HEADER
                || filled.len() >= CELLS_OF_A_HEADER && in_key())
    }
}

/// A text without a digit.
fn is_word(cell: &RawCell<'_>) -> bool {
    matches!(&cell.value, RawValue::Text(text) if !text.bytes().any(|byte| byte.is_ascii_digit()))
}

/// A header that begins with a digit is no name of ours, and a number typed as text does.
fn begins_like_a_number(text: &str) -> bool {
    let text = text.trim_start();
    text.strip_prefix(['-', '+', '(', '.', ',']).unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn refuse_second_table(sheet: &str, row: &RawRow<'_>, heading: &Heading) -> Refusal {
    let quoted = row.cells.iter().filter(|cell| !is_blank(cell)).take(CELLS_QUOTED);
    let quoted: Vec<String> = quoted.map(|cell| format!("\"{}\"", shown(cell))).collect();
    let words = [
        ("sheet", sheet),
        ("row", &row.number.to_string()),
        ("found", &quoted.join(", ")),
        ("header", &heading.header.row.to_string()),
    ];
    Refusal::new(Rule::SecondTable, &words)
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{judged, judged_by, refused, rules};
    use super::*;
    use crate::judge::{FileRead, JudgeError, Skip, Verdict};
    use inventory_base::item::Item;

    fn item(verdict: &Verdict) -> String {
        let Verdict::Accepted(item) = verdict else { panic!("{verdict:?}") };
        let item: Item = item.clone();
        let values: Vec<String> = item.iter().map(|(name, value)| format!("{name} {}", value_text(value))).collect();
        values.join(", ")
    }

    fn value_text(value: &inventory_base::item::Value) -> String {
        serde_json::to_value(value).unwrap().as_object().unwrap().values().next().unwrap().to_string().replace('"', "")
    }

    fn skipped(verdict: &Verdict) -> Option<Skip> {
        match verdict {
            Verdict::Skipped(skipped) => Some(skipped.why),
            _ => None,
        }
    }

    #[test]
    fn rows_below_a_header_with_another_order_are_read_by_it() {
        let list =
            b"SKU,Name,Qty,Price\nA,Bolt,5,1.50\n\nYork\nSKU,Price,Name,Qty\nB,2.50,Nut,7\nC,3,Pin,many\nB,1,Nut,2\n";
        let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
        assert_eq!(item(&verdicts[&2]), "name Bolt, quantity 5, sku A, unit_price 1.5");
        assert_eq!(skipped(&verdicts[&5]), Some(Skip::Header));
        assert_eq!(rules(&verdicts[&7]), ["whole-number-expected"]);
        // The second pass reads them by it, too.
        let Verdict::Duplicate(kept) = &verdicts[&8] else { panic!("{:?}", verdicts[&8]) };
        assert_eq!(kept.problems[0].cell.as_deref(), Some("A8"));
        let [table] = file.sheets[0].tables.as_slice() else { panic!("{:?}", file.sheets) };
        assert_eq!((file.sheets[0].header_row, table.header_row), (Some(1), 5));
        let columns: Vec<_> = table.columns.iter().map(|c| (c.header.as_str(), c.column.as_str())).collect();
        assert_eq!(columns, [("SKU", "A"), ("Name", "C"), ("Qty", "D"), ("Price", "B")]);
        let said: Vec<_> = file.notes.iter().map(|note| note.rule).collect();
        assert_eq!(said, [Rule::TableBelow]);
    }

    #[test]
    fn a_column_that_a_table_below_has_and_the_one_above_has_not_is_read() {
        let list = b"SKU,Name,Qty\nA,Bolt,5\nSKU,Name,Qty,Price\nB,Nut,7,2.5\nSKU,Name,Qty,Cost\nC,Pin,1,9\nSKU,Name,Qty\nD,Cap,2,8\n";
        let (verdicts, _) = judged(list).unwrap();
        let items: Vec<String> = [2, 4, 6, 8].iter().map(|row| item(&verdicts[row])).collect();
        assert_eq!(
            items,
            [
                "name Bolt, quantity 5, sku A",
                "name Nut, quantity 7, sku B, unit_price 2.5",
                "name Pin, quantity 1, sku C, unit_price 9",
                "name Cap, quantity 2, sku D",
            ]
        );
    }

    #[test]
    fn each_table_tells_for_itself_how_its_numbers_are_written() {
        let list =
            b"SKU;Name;Qty;Price\nA;Bolt;5;1.234\nB;Nut;5;1.5\nSKU;Price;Name;Qty\nC;1.234;Nut;7\nD;2,50;Pin;1\n";
        let (verdicts, _) = judged(list).unwrap();
        assert!(item(&verdicts[&2]).ends_with("unit_price 1.234"));
        assert!(item(&verdicts[&5]).ends_with("unit_price 1234"));
    }

    #[test]
    fn the_same_header_in_other_words_is_no_item() {
        let list = "SKU,Name,Qty\nArtikelnummer,Bezeichnung,Menge\nA,Bolt,5\nsku,NAME,qty\nB,Nut,6\n";
        let (verdicts, file) = judged_by(list.as_bytes(), |rules| rules).unwrap();
        for row in [2, 4] {
            assert_eq!(skipped(&verdicts[&row]), Some(Skip::Header), "row {row}");
        }
        assert!(file.sheets[0].tables.is_empty() && file.notes.is_empty());
    }

    #[test]
    fn a_table_below_that_is_no_list_of_ours_is_refused_where_its_rows_would_be_items() {
        for (list, row) in [
            (&b"SKU,Name,Qty\nA,Bolt,5\n\nCategory,Items,Units\nBolts,12,3400\n"[..], 4),
            (b"SKU,Name,Qty\nA,Bolt,5\nWarehouse,Manager,Phone\nLeeds,Ann,5550123\n", 3),
            // None of its names is one of ours.
            (b"SKU,Name,Qty\nA,Bolt,5\n\nHall,Called,Square metres\nN,North,850\n", 4),
            (b"SKU,Name,Qty\nA,Bolt,5\n\nTotals,,\nShelf,Category,Qty\nS-1,Bolts,34\n", 5),
            // One of ours without a column that every item has.
            (b"SKU,Name,Qty\nA,Bolt,5\nSKU,Name,Price\nB,Nut,7\n", 3),
            // The header of the second table takes two rows.
            (b"SKU,Name,Qty,\nA,Bolt,5,\nItem,Reorder,,Item\nnumber,level,Qty,name\nB,7,2,Nut\n", 4),
        ] {
            let text = String::from_utf8_lossy(list);
            let refusal = refused(list);
            assert_eq!(refusal.rule, Rule::SecondTable, "{text}");
            assert!(refusal.message.contains(&format!("row {row}")), "{text}: {}", refusal.message);
        }
        let refusal = refused(b"SKU,Name,Qty\nA,Bolt,5\nWarehouse,Manager,Phone\nLeeds,Ann,5550123\n");
        let message = "Sheet \"Stock\" has a second table that starts in row 3, and its columns differ from those of the list above: \
                       \"Warehouse\", \"Manager\", \"Phone\".";
        assert_eq!(refusal.message, message);
        let refusal = refused(b"SKU,Name,Qty,\nA,Bolt,5,\nSKU,Title,Product name,Qty\nB,Nut,6,7\n");
        assert_eq!(refusal.rule, Rule::ColumnNamedTwice);
    }

    #[test]
    fn words_among_the_items_stop_nothing_where_nothing_below_could_be_one_of_them() {
        for list in [
            "SKU,Name,Qty\nA,Bolt,5\nWarehouse,Manager,Phone\nLeeds,Ann,x\n",
            "SKU,Name,Qty\nA,Bolt,5\nName:,Signature:,Date:\n",
            "SKU,Name,Qty\nA,Bolt,5\nWarehouse,Leeds\nB,Nut,6\n",
            "SKU,Name,Category,Supplier,Qty\nA-1,Title,Product,Brand,many\nB-1,Nut,Product,Brand,6\n",
            "SKU,Name,Qty\nSKU,Name,5\nB,Nut,6\n",
            "SKU,Name,Qty\nCount,Stock,5\nB,Nut,6\n",
        ] {
            assert!(judged(list.as_bytes()).is_ok(), "{list}");
        }
    }

    #[test]
    fn a_file_has_only_so_many_tables_below_others() {
        let list = |tables: usize| "SKU,Name,Qty\nA,Bolt,5\nSKU,Qty,Name\nB,5,Bolt\n".repeat(tables.div_ceil(2));
        assert_eq!(judged(list(TABLES_AT_MOST).as_bytes()).unwrap().1[0].tables.len(), TABLES_AT_MOST - 1);
        assert_eq!(refused(list(TABLES_AT_MOST + 2).as_bytes()).rule, Rule::SecondTable);
    }

    #[test]
    fn tables_side_by_side_are_refused() {
        assert_eq!(refused(b"SKU,Name,Qty,,SKU,Name,Qty\nA,Bolt,5,,B,Nut,6\n").rule, Rule::ColumnNamedTwice);
    }

    #[test]
    fn a_header_is_found_among_items_of_nothing_but_texts_too() {
        let texts = |rules: String| rules.replacen("type = \"integer\"\nrequired = true", "type = \"integer\"", 1);
        let read = |list: &str| -> Result<(_, FileRead), JudgeError> { judged_by(list.as_bytes(), texts) };
        let (verdicts, _) = read("SKU,Name,Supplier\nA-1,Bolt,Ace\nSKU,Supplier,Name\nB-1,Ace,Nut\n").unwrap();
        assert_eq!(item(&verdicts[&4]), "name Nut, sku B-1, supplier Ace");
        let refused = read("SKU,Name,Supplier\nA-1,Bolt,Ace\nWarehouse,Name,Phone\nLeeds,Ann,x\n");
        assert!(matches!(refused, Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::SecondTable));
    }
}
