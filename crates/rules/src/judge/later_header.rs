//! Recognises a header further down a sheet: the same header again, that of another table, or that of something else.
//! Rows below it are never read by the header above.

use crate::cell::{display_text, is_blank};
use crate::schema::{Column, HeaderFault, Schema, UnknownColumns};
use inventory_base::message::{Refusal, refusal};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::heading::{HeaderSearch, Heading};
use super::missing_columns::refuse_named_twice;

/// A row of words is a header if it has at least this many column names, even if none of them is the key's.
const MIN_HEADER_NAMES: usize = 2;
/// It is also a header if it has at least this many cells and the key's cell has a column name; fewer cells are the
/// heading of a group.
const MIN_HEADER_CELLS: usize = 3;
/// Tables below others in a whole file. Each is kept in memory until the file ends.
pub(super) const MAX_TABLES_BELOW: usize = 100;
/// Cells quoted from a foreign table.
const CELLS_QUOTED: usize = 8;

/// What a row below the header is.
pub(super) enum LaterRow {
    /// Not a header.
    NotHeader,
    /// The same header again, perhaps in other words.
    RepeatedHeader,
    /// The header of another table; the following rows are read by it.
    NewTable(Box<Heading>),
    /// A header by which rows can't be read. If a row below it is accepted as an item, that is a mistake.
    ForeignHeader(Refusal),
}

/// Classifies the rows below one header.
pub(super) struct LaterHeaderSearch<'a> {
    schema: &'a Schema,
    search: HeaderSearch<'a>,
    /// A column in which every item has a number, if there is one.
    number: Option<u32>,
    key: Vec<u32>,
    /// Columns in which no item has a word.
    typed: Vec<u32>,
    /// The last row with a value.
    above: u32,
}

impl<'a> LaterHeaderSearch<'a> {
    pub fn new(schema: &'a Schema, heading: &Heading) -> LaterHeaderSearch<'a> {
        let found = &heading.header.columns;
        let place = |position: usize| found[position].as_ref().map(|(place, _)| *place);
        let mut numbers = schema.columns.iter().enumerate().filter(|(_, c)| c.required && c.kind.is_number());
        let number = numbers.find_map(|(position, _)| place(position));
        let key = schema.key.columns().filter_map(|column| place(schema.position(column)?)).collect();
        let is_typed = |column: &Column| column.kind.is_number() || column.kind.holds_dates;
        let typed = schema.columns.iter().enumerate().filter(|(_, column)| is_typed(column));
        let typed = typed.filter_map(|(position, _)| place(position)).collect();
        LaterHeaderSearch { schema, search: HeaderSearch::new(schema), number, key, typed, above: heading.header.row }
    }

    /// Classifies the row. `sheet` is the sheet's name, for a refusal.
    pub fn classify(&mut self, row: &RawRow<'_>, heading: &Heading, sheet: &str) -> LaterRow {
        if self.is_plainly_an_item(row) {
            self.above = row.number;
            return LaterRow::NotHeader;
        }
        let is_after_gap = row.number > self.above + 1;
        if row.cells.iter().any(|cell| !is_blank(cell)) {
            self.above = row.number;
        }
        if row.cells.len() < MIN_HEADER_NAMES {
            return LaterRow::NotHeader;
        }
        // One row of a two-row header says less than both.
        if heading.repeats_row_above(row) || heading.is_joined() && heading.is_repeated(row) {
            return LaterRow::NotHeader;
        }
        match self.search.look_at(row) {
            Ok(found) if !self.names_the_key(&found) => LaterRow::NotHeader,
            Ok(found) if self.reads_same_columns(heading, &found) => LaterRow::RepeatedHeader,
            // Its upper row has already been judged as a row of the list.
            Ok(found) if found.is_joined() => LaterRow::ForeignHeader(refuse_second_table(sheet, row, heading)),
            Ok(found) => LaterRow::NewTable(Box::new(found.inherit_what_to_do(heading))),
            Err(HeaderFault::NamedTwice { column, first, second }) if self.is_foreign(row) => {
                LaterRow::ForeignHeader(refuse_named_twice(sheet, row.number, &column, &first, &second))
            }
            Err(_) if self.is_foreign(row) || is_after_gap && self.is_all_words(row) => {
                LaterRow::ForeignHeader(refuse_second_table(sheet, row, heading))
            }
            Err(_) => LaterRow::NotHeader,
        }
    }

    /// A cheap check that nearly every row passes.
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

    /// Only full names count: an item may be called like a prefix.
    fn names_the_key(&self, found: &Heading) -> bool {
        let positions = self.schema.key.columns().filter_map(|column| self.schema.position(column));
        let mut names = positions.map(|position| found.header.columns[position].as_ref());
        names.all(|name| name.is_some_and(|(_, text)| self.schema.is_name(text)))
    }

    /// Whether both headers read rows in the same way.
    fn reads_same_columns(&self, heading: &Heading, found: &Heading) -> bool {
        let (one, other) = (&heading.header, &found.header);
        let place = |found: &Option<(u32, String)>| found.as_ref().map(|(place, _)| *place);
        let mut columns = one.columns.iter().zip(&other.columns);
        let are_kept = self.schema.unknown_columns == UnknownColumns::Keep;
        columns.all(|(one, other)| place(one) == place(other)) && (!are_kept || one.others == other.others)
    }

    /// Whether the row has nothing but words, including the key and a column where every item has a number or a date.
    /// After a blank row, that is the header of something else.
    fn is_all_words(&self, row: &RawRow<'_>) -> bool {
        let mut filled = row.cells.iter().filter(|cell| !is_blank(cell));
        let has = |places: &[u32]| places.iter().any(|place| row.cell(*place).is_some_and(|cell| !is_blank(cell)));
        filled.clone().count() >= MIN_HEADER_CELLS && has(&self.key) && has(&self.typed) && filled.all(is_word)
    }

    /// Whether the row has nothing but words, among them column names in places where items don't have them.
    fn is_foreign(&self, row: &RawRow<'_>) -> bool {
        let filled: Vec<&RawCell<'_>> = row.cells.iter().filter(|cell| !is_blank(cell)).collect();
        let is_name = |cell: &RawCell<'_>| self.schema.is_name(&display_text(cell));
        let in_key = || filled.iter().any(|cell| self.key.contains(&cell.column) && is_name(cell));
        filled.iter().all(|cell| is_word(cell))
            && (filled.iter().filter(|cell| is_name(cell)).count() >= MIN_HEADER_NAMES
                || filled.len() >= MIN_HEADER_CELLS && in_key())
    }
}

/// A text without digits.
fn is_word(cell: &RawCell<'_>) -> bool {
    matches!(&cell.value, RawValue::Text(text) if !text.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Whether the text begins like a number typed as text. No column name begins with a digit.
fn begins_like_a_number(text: &str) -> bool {
    let text = text.trim_start();
    text.strip_prefix(['-', '+', '(', '.', ',']).unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn refuse_second_table(sheet: &str, row: &RawRow<'_>, heading: &Heading) -> Refusal {
    let quoted = row.cells.iter().filter(|cell| !is_blank(cell)).take(CELLS_QUOTED);
    let quoted: Vec<String> = quoted.map(|cell| format!("\"{}\"", display_text(cell))).collect();
    let (found, header) = (quoted.join(", "), heading.header.row);
    refusal!(SecondTable { sheet, row: row.number, found, header })
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{judged, judged_by, refused, rules};
    use super::*;
    use crate::judge::{FileRead, JudgeError, Skip, Verdict};
    use inventory_base::item::Item;
    use inventory_base::message::Rule;

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
    fn rows_below_a_later_header_are_read_by_that_header() {
        let list =
            b"SKU,Name,Qty,Price\nA,Bolt,5,1.50\n\nYork\nSKU,Price,Name,Qty\nB,2.50,Nut,7\nC,3,Pin,many\nB,1,Nut,2\n";
        let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
        assert_eq!(item(&verdicts[&2]), "name Bolt, quantity 5, sku A, unit_price 1.5");
        assert_eq!(skipped(&verdicts[&5]), Some(Skip::Header));
        assert_eq!(rules(&verdicts[&7]), ["whole-number-expected"]);
        // The second pass uses the later header too.
        let Verdict::Duplicate(kept) = &verdicts[&8] else { panic!("{:?}", verdicts[&8]) };
        assert_eq!(kept.problems[0].cell.as_deref(), Some("A8"));
        let [table] = file.sheets[0].tables.as_slice() else { panic!("{:?}", file.sheets) };
        assert_eq!((file.sheets[0].header_row, table.header_row), (Some(1), 5));
        let columns: Vec<_> = table.columns.iter().map(|c| (c.header.as_str(), c.column.as_str())).collect();
        assert_eq!(columns, [("SKU", "A"), ("Name", "C"), ("Qty", "D"), ("Price", "B")]);
        let rules: Vec<_> = file.notes.iter().map(|note| note.rule).collect();
        assert_eq!(rules, [Rule::TableBelow]);
    }

    #[test]
    fn a_column_that_only_a_later_table_has_is_read() {
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
    fn each_table_decides_how_its_own_numbers_are_written() {
        let list =
            b"SKU;Name;Qty;Price\nA;Bolt;5;1.234\nB;Nut;5;1.5\nSKU;Price;Name;Qty\nC;1.234;Nut;7\nD;2,50;Pin;1\n";
        let (verdicts, _) = judged(list).unwrap();
        assert!(item(&verdicts[&2]).ends_with("unit_price 1.234"));
        assert!(item(&verdicts[&5]).ends_with("unit_price 1234"));
    }

    #[test]
    fn the_same_header_in_other_words_is_not_an_item() {
        let list = "SKU,Name,Qty\nArtikelnummer,Bezeichnung,Menge\nA,Bolt,5\nsku,NAME,qty\nB,Nut,6\n";
        let (verdicts, file) = judged_by(list.as_bytes(), |rules| rules).unwrap();
        for row in [2, 4] {
            assert_eq!(skipped(&verdicts[&row]), Some(Skip::Header), "row {row}");
        }
        assert!(file.sheets[0].tables.is_empty() && file.notes.is_empty());
    }

    #[test]
    fn a_foreign_table_below_the_list_is_refused_if_its_rows_would_be_items() {
        for (list, row) in [
            (&b"SKU,Name,Qty\nA,Bolt,5\n\nCategory,Items,Units\nBolts,12,3400\n"[..], 4),
            (b"SKU,Name,Qty\nA,Bolt,5\nWarehouse,Manager,Phone\nLeeds,Ann,5550123\n", 3),
            // None of its names is known.
            (b"SKU,Name,Qty\nA,Bolt,5\n\nHall,Called,Square metres\nN,North,850\n", 4),
            (b"SKU,Name,Qty\nA,Bolt,5\n\nTotals,,\nShelf,Category,Qty\nS-1,Bolts,34\n", 5),
            // A known header that lacks a required column.
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
    fn words_among_the_items_are_harmless_if_no_row_below_would_be_a_wrong_item() {
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
    fn the_number_of_later_tables_in_a_file_is_limited() {
        let list = |tables: usize| "SKU,Name,Qty\nA,Bolt,5\nSKU,Qty,Name\nB,5,Bolt\n".repeat(tables.div_ceil(2));
        assert_eq!(judged(list(MAX_TABLES_BELOW).as_bytes()).unwrap().1[0].tables.len(), MAX_TABLES_BELOW - 1);
        assert_eq!(refused(list(MAX_TABLES_BELOW + 2).as_bytes()).rule, Rule::SecondTable);
    }

    #[test]
    fn tables_side_by_side_are_refused() {
        assert_eq!(refused(b"SKU,Name,Qty,,SKU,Name,Qty\nA,Bolt,5,,B,Nut,6\n").rule, Rule::ColumnNamedTwice);
    }

    #[test]
    fn a_later_header_is_found_among_items_of_nothing_but_texts() {
        let texts = |rules: String| rules.replacen("type = \"integer\"\nrequired = true", "type = \"integer\"", 1);
        let read = |list: &str| -> Result<(_, FileRead), JudgeError> { judged_by(list.as_bytes(), texts) };
        let (verdicts, _) = read("SKU,Name,Supplier\nA-1,Bolt,Ace\nSKU,Supplier,Name\nB-1,Ace,Nut\n").unwrap();
        assert_eq!(item(&verdicts[&4]), "name Nut, sku B-1, supplier Ace");
        let refused = read("SKU,Name,Supplier\nA-1,Bolt,Ace\nWarehouse,Name,Phone\nLeeds,Ann,x\n");
        assert!(matches!(refused, Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::SecondTable));
    }
}
