//! Merged cells: the program shows one value over several rows or columns, and the file has it in the first cell alone.
//! What can be said of each row is read for each of them. A number, a barcode or what tells items apart cannot, and a
//! row with such a cell is not loaded. Merged cells are known at the end of a sheet, so its rows are judged again.

use std::borrow::Cow;

use crate::schema::{Kind, UnknownColumns};
use inventory_base::message::{Note, Rule, cell_address, column_letters, count, listed};
use inventory_workbook::{MergedArea, RawCell, RawRow, RawValue};

use super::item_rows::ItemRows;
use super::row::Layout;
use super::value::{Broken, is_blank, shown};
use super::{ColumnRead, Verdict};

/// Columns named in a note; more are counted.
const COLUMNS_NAMED: usize = 8;

/// A column whose values are loaded.
struct Column {
    place: u32,
    title: String,
    /// Among those of the rules; none where it is kept without being known.
    position: Option<usize>,
    /// Whether a value may be that of several rows. Of a column that is not known, the value tells.
    is_shared: Option<bool>,
    is_key: bool,
    filled: u64,
    lost: u64,
}

impl Column {
    fn may_share(&self, cell: &RawCell<'_>) -> bool {
        let of_rows = matches!(cell.value, RawValue::Text(_) | RawValue::Date(_) | RawValue::Bool(_));
        self.is_shared.unwrap_or(of_rows)
    }
}

/// An area that the reading of the sheet has come to.
struct Active {
    area: MergedArea,
    /// How many rows in it are items.
    items: u64,
    /// The column of its first cell, and that cell, where it has a value that is loaded.
    first: Option<(usize, RawCell<'static>)>,
}

/// The merged cells of one sheet on the second way through it.
pub(super) struct Merged<'r> {
    rows: &'r MergeRows,
    columns: Vec<Column>,
    /// By their first rows, the last one first.
    areas: Vec<MergedArea>,
    active: Vec<Active>,
    filled_rows: u64,
    lost_rows: u64,
}

/// Rows of one sheet, as the first way through it took them.
#[derive(Default)]
pub(super) struct MergeRows {
    pub items: ItemRows,
    /// Rows that were taken for notes, because all they have is one value; a merged key says otherwise.
    pub notes: ItemRows,
}

/// What merged cells make of a row.
pub(super) struct Touched<'t> {
    pub row: Cow<'t, RawRow<'t>>,
    pub broken: Vec<(usize, Broken)>,
    filled: Vec<usize>,
    lost: Vec<usize>,
}

impl Touched<'_> {
    /// Whether the row has another verdict than it had.
    pub fn is_judged_anew(&self) -> bool {
        !self.filled.is_empty() || !self.broken.is_empty()
    }
}

impl<'r> Merged<'r> {
    /// None where merged cells are of no item of this table, which ends before row `end`.
    pub fn new(layout: &Layout<'_>, end: u32, areas: &[MergedArea], rows: &'r MergeRows) -> Option<Merged<'r>> {
        if areas.is_empty() {
            return None;
        }
        let columns = columns_of(layout);
        let reaches = |area: &MergedArea| {
            (layout.header().row + 1..end).contains(&area.first_row)
                && columns.iter().any(|column| has_column(area, column.place))
                && rows.items.count(area.first_row..=area.last_row) > 0
        };
        let mut areas: Vec<MergedArea> = areas.iter().copied().filter(reaches).collect();
        areas.sort_unstable_by_key(|area| std::cmp::Reverse((area.first_row, area.first_column)));
        (!areas.is_empty()).then(|| Merged { rows, columns, areas, active: Vec::new(), filled_rows: 0, lost_rows: 0 })
    }

    /// None where no merged cell is in this row, or it is no item.
    pub fn touch<'t>(&mut self, row: &'t RawRow<'_>) -> Option<Touched<'t>> {
        let number = row.number;
        self.active.retain(|active| active.area.last_row >= number);
        while let Some(area) = self.areas.pop_if(|area| area.first_row <= number) {
            if area.last_row >= number {
                let active = self.begin(area, row);
                self.active.push(active);
            }
        }
        let merges_key = |active: &Active| active.first.as_ref().is_some_and(|(at, _)| self.columns[*at].is_key);
        let is_item = self.rows.items.contains(number)
            || (self.rows.notes.contains(number) && self.active.iter().any(merges_key));
        if self.active.is_empty() || !is_item {
            return None;
        }
        let mut touched = Touched { row: Cow::Borrowed(row), broken: vec![], filled: vec![], lost: vec![] };
        for active in &self.active {
            if let Some((at, cell)) = &active.first {
                self.share(active, *at, cell, &mut touched);
            }
            let covered = self.columns.iter().enumerate().filter(|(_, column)| {
                column.place > active.area.first_column && column.place <= active.area.last_column
            });
            touched.lost.extend(covered.filter(|(_, column)| is_empty(row, column.place)).map(|(at, _)| at));
        }
        Some(touched)
    }

    fn begin(&self, area: MergedArea, row: &RawRow<'_>) -> Active {
        let has_first = row.number == area.first_row;
        let cell = row.cell(area.first_column).filter(|cell| has_first && !is_blank(cell));
        let at = self.columns.iter().position(|column| column.place == area.first_column);
        let first = at.zip(cell).map(|(at, cell)| (at, cell.clone().into_owned()));
        let rows = area.first_row..=area.last_row;
        let notes = match &first {
            Some((at, _)) if self.columns[*at].is_key => self.rows.notes.count(rows.clone()),
            _ => 0,
        };
        Active { area, items: self.rows.items.count(rows) + notes, first }
    }

    /// Gives a row its part of a cell that is merged over several rows.
    fn share(&self, active: &Active, at: usize, cell: &RawCell<'static>, touched: &mut Touched<'_>) {
        let (area, column) = (&active.area, &self.columns[at]);
        let number = touched.row.number;
        let is_first = number == area.first_row;
        // Of the only item in it, the value is that of this item.
        if active.items == 1 || column.may_share(cell) {
            if !is_first && touched.row.cell(column.place).map(shown) != Some(shown(cell)) {
                let cells = &mut touched.row.to_mut().cells;
                cells.retain(|other| other.column != cell.column);
                let place = cells.partition_point(|other| other.column < cell.column);
                cells.insert(place, cell.clone());
                touched.filled.push(at);
            }
            return;
        }
        match column.position {
            Some(position) => {
                let last = cell_address(area.first_column, area.last_row);
                let place = format!("{}:{last}", cell_address(area.first_column, area.first_row));
                let words = vec![("area", place), ("shown", shown(cell).into_owned())];
                touched.broken.push((position, Broken { rule: Rule::ValueMerged, words }));
            }
            None if !is_first => touched.lost.push(at),
            None => {}
        }
    }

    /// Counts what became of a row.
    pub fn note<I>(&mut self, touched: &Touched<'_>, before: &RawRow<'_>, verdict: &Verdict<I>) {
        let filled = touched.filled.iter().filter(|at| is_empty(before, self.columns[**at].place)).copied();
        let filled: Vec<usize> = filled.collect();
        self.filled_rows += u64::from(!touched.filled.is_empty());
        filled.into_iter().for_each(|at| self.columns[at].filled += 1);
        if matches!(verdict, Verdict::Accepted(_)) {
            self.lost_rows += u64::from(!touched.lost.is_empty());
            touched.lost.iter().for_each(|at| self.columns[*at].lost += 1);
        }
    }

    /// What is said of the sheet; its columns have the values now that they were given.
    pub fn finish(self, sheet: &str, columns: &mut [ColumnRead]) -> Vec<Note> {
        for column in &self.columns {
            let letters = column_letters(column.place);
            if let Some(read) = columns.iter_mut().find(|read| read.column == letters) {
                let filled = column.filled.min(read.empty);
                (read.values, read.empty) = (read.values + filled, read.empty - filled);
            }
        }
        let note = |rule, rows: u64, of: fn(&Column) -> u64| {
            let rows_said = if rows == 1 { "1 row".to_string() } else { format!("{} rows", count(rows)) };
            let named = self.columns.iter().filter(|column| of(column) > 0);
            let named: Vec<String> =
                named.map(|column| format!("{} ({})", column.title, column_letters(column.place))).collect();
            let words = [("columns", &*listed(&named, COLUMNS_NAMED)), ("rows", &rows_said)];
            (rows > 0).then(|| Note { rows, ..Note::of_sheet(rule, sheet, &words) })
        };
        let filled = note(Rule::CellsMergedFilled, self.filled_rows, |column| column.filled);
        let filled = filled.map(|note| Note { rows: 0, ..note });
        let lost = note(Rule::CellsMergedAcross, self.lost_rows, |column| column.lost);
        filled.into_iter().chain(lost).collect()
    }
}

fn columns_of(layout: &Layout<'_>) -> Vec<Column> {
    let (schema, header) = (layout.schema, layout.header());
    let of_rules = schema.columns.iter().zip(&header.columns).enumerate();
    let of_rules = of_rules.filter_map(|(position, (column, found))| {
        let (place, title) = found.as_ref()?;
        let is_key = schema.key.columns().any(|key| key == column.name);
        let is_of_rows = matches!(column.kind, Kind::Text | Kind::Choice | Kind::Date | Kind::Boolean);
        let is_shared = Some(is_of_rows && !is_key && !column.unique);
        let title = title.clone();
        Some(Column { place: *place, title, position: Some(position), is_shared, is_key, filled: 0, lost: 0 })
    });
    let are_kept = schema.unknown_columns == UnknownColumns::Keep;
    let others = header.others.iter().filter(|_| are_kept);
    let others = others.map(|(place, title)| {
        let title = title.clone();
        Column { place: *place, title, position: None, is_shared: None, is_key: false, filled: 0, lost: 0 }
    });
    of_rules.chain(others).collect()
}

fn has_column(area: &MergedArea, place: u32) -> bool {
    (area.first_column..=area.last_column).contains(&place)
}

fn is_empty(row: &RawRow<'_>, place: u32) -> bool {
    row.cell(place).is_none_or(is_blank)
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{item, judged_by, rules};
    use super::*;
    use crate::judge::{FileRead, Verdict};
    use inventory_base::item::Value;
    use inventory_base::message::Weight;
    use rust_xlsxwriter::{Format, Workbook};
    use std::collections::BTreeMap;

    const HEADER: [&str; 6] = ["SKU", "Name", "Qty", "Price", "Category", "Last counted"];

    /// The rows below the header, and the cells that are merged, each with what it shows: first row and column, last row
    /// and column, from 0.
    fn judged(rows: &[&[&str]], merged: &[(u32, u16, u32, u16, &str)]) -> (BTreeMap<u32, Verdict>, FileRead) {
        judged_with(rows, merged, |rules| rules)
    }

    fn judged_with(
        rows: &[&[&str]],
        merged: &[(u32, u16, u32, u16, &str)],
        change: impl Fn(String) -> String,
    ) -> (BTreeMap<u32, Verdict>, FileRead) {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet().set_name("Stock").unwrap();
        sheet.write_row(0, 0, HEADER).unwrap();
        for (row, cells) in (1..).zip(rows) {
            for (column, cell) in (0..).zip(*cells).filter(|(_, cell)| !cell.is_empty()) {
                sheet.write(row, column, *cell).unwrap();
            }
        }
        for (first_row, first_column, last_row, last_column, shown) in merged {
            sheet.merge_range(*first_row, *first_column, *last_row, *last_column, shown, &Format::new()).unwrap();
        }
        judged_by(&book.save_to_buffer().unwrap(), change).unwrap()
    }

    /// The name of the file is that of a text.
    fn said(file: &FileRead) -> impl Iterator<Item = &Note> {
        file.notes.iter().filter(|note| note.rule != Rule::ExtensionDiffers)
    }

    fn notes(file: &FileRead) -> Vec<(&'static str, u64)> {
        said(file).map(|note| (note.rule.id(), note.rows)).collect()
    }

    fn text(text: &str) -> Value {
        Value::S(text.into())
    }

    #[test]
    fn a_merged_text_is_that_of_each_row_and_a_required_one_is_not_missed() {
        let rows: &[&[&str]] =
            &[&["A", "Bolt", "5", "", "Iron"], &["B", "", "6"], &["C", "", "7"], &["D", "Nut", "8", "", "Wood"]];
        let (verdicts, file) = judged(rows, &[(1, 1, 3, 1, "Bolt"), (1, 4, 2, 4, "Iron")]);
        let of = |row: u32, name: &str| item(&verdicts[&row]).get(name).cloned();
        for row in [2, 3, 4] {
            assert_eq!(of(row, "name"), Some(text("Bolt")), "row {row}");
        }
        assert_eq!([2, 3, 4].map(|row| of(row, "category")), [Some(text("Iron")), Some(text("Iron")), None]);
        assert_eq!(notes(&file), [("cells-merged-filled", 0)]);
        let says = "Sheet \"Stock\" has cells merged over several rows in Name (B), Category (E). Their value was \
                    loaded for the rows they cover (2 rows with an empty cell).";
        assert_eq!(said(&file).next().unwrap().message, says);
        let counted: Vec<_> = file.sheets[0].columns.iter().map(|column| (column.values, column.empty)).collect();
        assert_eq!((counted[1], counted[2]), ((4, 0), (3, 1)), "{:?}", file.sheets[0].columns);
    }

    #[test]
    fn a_merged_number_is_not_the_number_of_each_row() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "60"], &["B", "Nut"], &["C", "Pin"], &["D", "Cap", "1"]];
        let (verdicts, file) = judged(rows, &[(1, 2, 3, 2, "60")]);
        for row in [2, 3, 4] {
            assert_eq!(rules(&verdicts[&row]), ["value-merged"], "row {row}");
        }
        let Verdict::Rejected(kept) = &verdicts[&3] else { panic!("{:?}", verdicts[&3]) };
        assert_eq!(kept.problems[0].message, "Qty in C2:C4 is one merged cell for several items: \"60\".");
        assert_eq!((kept.problems[0].cell.as_deref(), kept.problems[0].row), (Some("C3"), 3));
        assert!(matches!(verdicts[&5], Verdict::Accepted(_)));
        assert_eq!(notes(&file), []);
    }

    #[test]
    fn a_merged_price_key_or_unique_value_is_a_problem_in_each_row() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "5", "2"], &["B", "Nut", "6"]];
        let (verdicts, _) = judged(rows, &[(1, 3, 2, 3, "2")]);
        assert_eq!([2, 3].map(|row| rules(&verdicts[&row])), [["value-merged"], ["value-merged"]]);
        let unique = |rules: String| rules.replacen("name = \"category\"", "name = \"category\"\nunique = true", 1);
        let rows: &[&[&str]] = &[&["A", "Bolt", "5", "", "x"], &["B", "Nut", "6"]];
        let (verdicts, _) = judged_with(rows, &[(1, 4, 2, 4, "x")], unique);
        assert_eq!([2, 3].map(|row| rules(&verdicts[&row])), [["value-merged"], ["value-merged"]]);
    }

    #[test]
    fn a_merged_key_makes_items_of_rows_that_have_nothing_but_a_number() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "5"], &["", "", "6"], &["", "", "7"], &["B", "Nut", "8"]];
        let (verdicts, _) = judged(rows, &[(1, 0, 3, 0, "A"), (1, 1, 3, 1, "Bolt")]);
        for row in [2, 3, 4] {
            assert_eq!(rules(&verdicts[&row]), ["value-merged"], "row {row}: {:?}", verdicts[&row]);
        }
        assert!(matches!(verdicts[&5], Verdict::Accepted(_)));
    }

    #[test]
    fn a_tall_row_of_two_merged_ones_is_one_item_with_all_its_values() {
        let merged: Vec<_> = (0..5).zip(["A", "Bolt", "60", "2.5", "Iron"]).map(|(c, v)| (1, c, 2, c, v)).collect();
        let (verdicts, file) = judged(&[&[], &[], &["B", "Nut", "8"]], &merged);
        assert_eq!(item(&verdicts[&2])["quantity"], Value::N("60".into()));
        assert_eq!((verdicts.len(), notes(&file)), (3, vec![]));
    }

    #[test]
    fn cells_merged_to_the_right_lose_the_value_of_the_columns_they_cover() {
        let rows: &[&[&str]] =
            &[&["A", "Bolt", "5", "1", "Iron", "2026-01-02"], &["B", "Nut", "6", "1"], &["C", "Pin", "7"]];
        let (verdicts, file) = judged(rows, &[(2, 3, 2, 4, "1")]);
        assert!(verdicts.values().skip(1).all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
        assert_eq!(notes(&file), [("cells-merged-across", 1)]);
        assert_eq!(Rule::CellsMergedAcross.weight(), Weight::Loss);
        let says = "Sheet \"Stock\" has cells merged across several columns: Category (E) got no value in 1 row.";
        assert_eq!(said(&file).next().unwrap().message, says);
    }

    #[test]
    fn merged_titles_headers_and_totals_are_of_no_item_and_nothing_is_said() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "5"], &["Total", "", "5"], &["B", "Nut", "6"]];
        let (_, file) = judged(rows, &[(2, 0, 2, 1, "Total"), (6, 0, 8, 4, "counted by Ann and Bert")]);
        assert_eq!(notes(&file), []);
    }

    #[test]
    fn a_row_that_repeats_another_and_is_filled_is_told_once() {
        let rows: &[&[&str]] =
            &[&["A", "Bolt", "5", "", "Iron"], &["B", "Nut", "6"], &["B", "Nut", "7"], &["C", "Pin", "8"]];
        let (verdicts, _) = judged(rows, &[(1, 4, 4, 4, "Iron")]);
        assert_eq!([3, 4].map(|row| rules(&verdicts[&row])), [["key-repeated"], ["key-repeated"]]);
        assert_eq!(item(&verdicts[&5])["category"], text("Iron"));
    }
}
