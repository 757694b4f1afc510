//! Merged cells: the program shows one value across several rows or columns, but the file stores it in the first cell
//! only. Texts, choices, dates and yes/no values are applied to each row. Numbers, barcodes and identifiers can't be,
//! so rows with such a cell are not loaded. Merged cells are only known at the end of a sheet, so its rows are judged
//! again.

use std::borrow::Cow;

use crate::cell::{Violation, display_text, is_blank, violation};
use crate::schema::UnknownColumns;
use inventory_base::message::{Note, cell_address, column_letters, count, listed, note};
use inventory_workbook::{MergedArea, RawCell, RawRow, RawValue};

use super::row::Layout;
use super::row_set::RowSet;
use super::{ColumnRead, Verdict};

/// Columns named in a note; the others are counted.
const COLUMNS_NAMED: usize = 8;

/// A column whose values are loaded.
struct LoadedColumn {
    place: u32,
    title: String,
    /// Its index in the rules; `None` for an unknown column that is kept.
    position: Option<usize>,
    /// Whether a value may apply to several rows; `None` for an unknown column, where it depends on the value.
    is_shared: Option<bool>,
    is_key: bool,
    filled: u64,
    lost: u64,
}

impl LoadedColumn {
    fn may_share(&self, cell: &RawCell<'_>) -> bool {
        let of_rows = matches!(cell.value, RawValue::Text(_) | RawValue::Date(_) | RawValue::Bool(_));
        self.is_shared.unwrap_or(of_rows)
    }
}

/// A merged area that the current row is in.
struct ActiveArea {
    area: MergedArea,
    /// The number of its rows that are items.
    items: u64,
    /// The index of its first column and its first cell, if that has a value that is loaded.
    first: Option<(usize, RawCell<'static>)>,
}

/// The merged cells of one table, during the second pass.
pub(super) struct MergedCells<'r> {
    rows: &'r FirstPassRows,
    columns: Vec<LoadedColumn>,
    /// In descending order of their first rows.
    areas: Vec<MergedArea>,
    active: Vec<ActiveArea>,
    filled_rows: u64,
    lost_rows: u64,
}

/// The rows of one sheet, as the first pass classified them.
#[derive(Default)]
pub(super) struct FirstPassRows {
    pub items: RowSet,
    /// Rows taken for notes because they have only one value; with a merged key they are items.
    pub notes: RowSet,
}

/// A row with the merged cells applied.
pub(super) struct MergedRow<'t> {
    pub row: Cow<'t, RawRow<'t>>,
    pub violations: Vec<(usize, Violation)>,
    filled: Vec<usize>,
    lost: Vec<usize>,
}

impl MergedRow<'_> {
    /// Whether the row's verdict may change.
    pub fn changes_verdict(&self) -> bool {
        !self.filled.is_empty() || !self.violations.is_empty()
    }
}

impl<'r> MergedCells<'r> {
    /// `None` if merged cells don't touch any item of this table, which ends before row `end`.
    pub fn new(
        layout: &Layout<'_>,
        end: u32,
        areas: &[MergedArea],
        rows: &'r FirstPassRows,
    ) -> Option<MergedCells<'r>> {
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
        (!areas.is_empty()).then(|| MergedCells {
            rows,
            columns,
            areas,
            active: Vec::new(),
            filled_rows: 0,
            lost_rows: 0,
        })
    }

    /// `None` if no merged cell touches this row, or it isn't an item.
    pub fn apply<'t>(&mut self, row: &'t RawRow<'_>) -> Option<MergedRow<'t>> {
        let number = row.number;
        self.active.retain(|active| active.area.last_row >= number);
        while let Some(area) = self.areas.pop_if(|area| area.first_row <= number) {
            if area.last_row >= number {
                let active = self.begin(area, row);
                self.active.push(active);
            }
        }
        let merges_key = |active: &ActiveArea| active.first.as_ref().is_some_and(|(at, _)| self.columns[*at].is_key);
        let is_item = self.rows.items.contains(number)
            || (self.rows.notes.contains(number) && self.active.iter().any(merges_key));
        if self.active.is_empty() || !is_item {
            return None;
        }
        let mut merged_row = MergedRow { row: Cow::Borrowed(row), violations: vec![], filled: vec![], lost: vec![] };
        for active in &self.active {
            if let Some((at, cell)) = &active.first {
                self.share(active, *at, cell, &mut merged_row);
            }
            let covered = self.columns.iter().enumerate().filter(|(_, column)| {
                column.place > active.area.first_column && column.place <= active.area.last_column
            });
            merged_row.lost.extend(covered.filter(|(_, column)| is_empty(row, column.place)).map(|(at, _)| at));
        }
        Some(merged_row)
    }

    fn begin(&self, area: MergedArea, row: &RawRow<'_>) -> ActiveArea {
        let has_first = row.number == area.first_row;
        let cell = row.cell(area.first_column).filter(|cell| has_first && !is_blank(cell));
        let at = self.columns.iter().position(|column| column.place == area.first_column);
        let first = at.zip(cell).map(|(at, cell)| (at, cell.clone().into_owned()));
        let rows = area.first_row..=area.last_row;
        let notes = match &first {
            Some((at, _)) if self.columns[*at].is_key => self.rows.notes.count(rows.clone()),
            _ => 0,
        };
        ActiveArea { area, items: self.rows.items.count(rows) + notes, first }
    }

    /// Applies a cell that is merged over several rows to one of them.
    fn share(&self, active: &ActiveArea, at: usize, cell: &RawCell<'static>, merged_row: &mut MergedRow<'_>) {
        let (area, column) = (&active.area, &self.columns[at]);
        let number = merged_row.row.number;
        let is_first = number == area.first_row;
        // If the area has only one item, the value is that item's.
        if active.items == 1 || column.may_share(cell) {
            if !is_first && merged_row.row.cell(column.place).map(display_text) != Some(display_text(cell)) {
                let cells = &mut merged_row.row.to_mut().cells;
                cells.retain(|other| other.column != cell.column);
                let place = cells.partition_point(|other| other.column < cell.column);
                cells.insert(place, cell.clone());
                merged_row.filled.push(at);
            }
            return;
        }
        match column.position {
            Some(position) => {
                let last = cell_address(area.first_column, area.last_row);
                let area = format!("{}:{last}", cell_address(area.first_column, area.first_row));
                merged_row.violations.push((position, violation!(ValueMerged { area, shown: display_text(cell) })));
            }
            None if !is_first => merged_row.lost.push(at),
            None => {}
        }
    }

    /// Counts the effects on a row.
    pub fn note<I>(&mut self, merged_row: &MergedRow<'_>, before: &RawRow<'_>, verdict: &Verdict<I>) {
        let filled = merged_row.filled.iter().filter(|at| is_empty(before, self.columns[**at].place)).copied();
        let filled: Vec<usize> = filled.collect();
        self.filled_rows += u64::from(!merged_row.filled.is_empty());
        filled.into_iter().for_each(|at| self.columns[at].filled += 1);
        if matches!(verdict, Verdict::Accepted(_)) {
            self.lost_rows += u64::from(!merged_row.lost.is_empty());
            merged_row.lost.iter().for_each(|at| self.columns[*at].lost += 1);
        }
    }

    /// Returns the notes on the sheet, and corrects the counts of its columns.
    pub fn finish(self, sheet: &str, columns: &mut [ColumnRead]) -> Vec<Note> {
        for column in &self.columns {
            let letters = column_letters(column.place);
            if let Some(read) = columns.iter_mut().find(|read| read.column == letters) {
                let filled = column.filled.min(read.empty);
                (read.values, read.empty) = (read.values + filled, read.empty - filled);
            }
        }
        let filled = (self.filled_rows > 0).then(|| {
            let (columns, rows) = (self.name_columns(|column| column.filled), describe_rows(self.filled_rows));
            note!(CellsMergedFilled { sheet, columns, rows }).on_sheet(sheet)
        });
        let lost = (self.lost_rows > 0).then(|| {
            let (columns, rows) = (self.name_columns(|column| column.lost), describe_rows(self.lost_rows));
            Note { rows: self.lost_rows, ..note!(CellsMergedAcross { sheet, columns, rows }).on_sheet(sheet) }
        });
        filled.into_iter().chain(lost).collect()
    }

    /// The columns that have such cells, as a sentence names them.
    fn name_columns(&self, cells: fn(&LoadedColumn) -> u64) -> String {
        let named = self.columns.iter().filter(|column| cells(column) > 0);
        let named: Vec<String> =
            named.map(|column| format!("{} ({})", column.title, column_letters(column.place))).collect();
        listed(&named, COLUMNS_NAMED)
    }
}

fn describe_rows(rows: u64) -> String {
    if rows == 1 { "1 row".to_string() } else { format!("{} rows", count(rows)) }
}

fn columns_of(layout: &Layout<'_>) -> Vec<LoadedColumn> {
    let (schema, header) = (layout.schema, layout.header());
    let of_rules = schema.columns.iter().zip(&header.columns).enumerate();
    let of_rules = of_rules.filter_map(|(position, (column, found))| {
        let (place, title) = found.as_ref()?;
        let is_key = schema.key.columns().any(|key| key == column.name);
        // A number, or a barcode, is that of a single item.
        let is_of_rows = !column.kind.is_number() && !column.kind.identifies(false);
        let is_shared = Some(is_of_rows && !is_key && !column.unique);
        let title = title.clone();
        Some(LoadedColumn { place: *place, title, position: Some(position), is_shared, is_key, filled: 0, lost: 0 })
    });
    let are_kept = schema.unknown_columns == UnknownColumns::Keep;
    let others = header.others.iter().filter(|_| are_kept);
    let others = others.map(|(place, title)| {
        let title = title.clone();
        LoadedColumn { place: *place, title, position: None, is_shared: None, is_key: false, filled: 0, lost: 0 }
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
    use inventory_base::message::{Rule, Weight};
    use rust_xlsxwriter::{Format, Workbook};
    use std::collections::BTreeMap;

    const HEADER: [&str; 6] = ["SKU", "Name", "Qty", "Price", "Category", "Last counted"];

    /// Judges the rows below the header with these merged cells: first row and column, last row and column (from 0),
    /// and the value.
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

    /// Without the note on the extension: the tests name every file Stock.csv.
    fn relevant_notes(file: &FileRead) -> impl Iterator<Item = &Note> {
        file.notes.iter().filter(|note| note.rule != Rule::ExtensionDiffers)
    }

    fn notes(file: &FileRead) -> Vec<(&'static str, u64)> {
        relevant_notes(file).map(|note| (note.rule.id(), note.rows)).collect()
    }

    fn text(text: &str) -> Value {
        Value::S(text.into())
    }

    #[test]
    fn a_merged_text_applies_to_each_row_even_if_it_is_required() {
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
        assert_eq!(relevant_notes(&file).next().unwrap().message, says);
        let counted: Vec<_> = file.sheets[0].columns.iter().map(|column| (column.values, column.empty)).collect();
        assert_eq!((counted[1], counted[2]), ((4, 0), (3, 1)), "{:?}", file.sheets[0].columns);
    }

    #[test]
    fn a_merged_number_does_not_apply_to_each_row() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "60"], &["B", "Nut"], &["C", "Pin"], &["D", "Cap", "1"]];
        let (verdicts, file) = judged(rows, &[(1, 2, 3, 2, "60")]);
        for row in [2, 3, 4] {
            assert_eq!(rules(&verdicts[&row]), ["value-merged"], "row {row}");
        }
        let Verdict::Rejected(kept) = &verdicts[&3] else { panic!("{:?}", verdicts[&3]) };
        assert_eq!(kept.problems[0].message, "Qty in C2:C4 is one merged cell that covers several items: \"60\".");
        assert_eq!((kept.problems[0].cell.as_deref(), kept.problems[0].row), (Some("C3"), 3));
        assert!(matches!(verdicts[&5], Verdict::Accepted(_)));
        assert_eq!(notes(&file), []);
    }

    #[test]
    fn a_merged_price_or_unique_value_is_a_problem_in_each_row() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "5", "2"], &["B", "Nut", "6"]];
        let (verdicts, _) = judged(rows, &[(1, 3, 2, 3, "2")]);
        assert_eq!([2, 3].map(|row| rules(&verdicts[&row])), [["value-merged"], ["value-merged"]]);
        let unique = |rules: String| rules.replacen("name = \"category\"", "name = \"category\"\nunique = true", 1);
        let rows: &[&[&str]] = &[&["A", "Bolt", "5", "", "x"], &["B", "Nut", "6"]];
        let (verdicts, _) = judged_with(rows, &[(1, 4, 2, 4, "x")], unique);
        assert_eq!([2, 3].map(|row| rules(&verdicts[&row])), [["value-merged"], ["value-merged"]]);
    }

    #[test]
    fn a_merged_key_makes_rows_with_nothing_but_a_number_items() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "5"], &["", "", "6"], &["", "", "7"], &["B", "Nut", "8"]];
        let (verdicts, _) = judged(rows, &[(1, 0, 3, 0, "A"), (1, 1, 3, 1, "Bolt")]);
        for row in [2, 3, 4] {
            assert_eq!(rules(&verdicts[&row]), ["value-merged"], "row {row}: {:?}", verdicts[&row]);
        }
        assert!(matches!(verdicts[&5], Verdict::Accepted(_)));
    }

    #[test]
    fn two_merged_rows_can_be_one_item_with_all_its_values() {
        let merged: Vec<_> = (0..5).zip(["A", "Bolt", "60", "2.5", "Iron"]).map(|(c, v)| (1, c, 2, c, v)).collect();
        let (verdicts, file) = judged(&[&[], &[], &["B", "Nut", "8"]], &merged);
        assert_eq!(item(&verdicts[&2])["quantity"], Value::N("60".into()));
        assert_eq!((verdicts.len(), notes(&file)), (3, vec![]));
    }

    #[test]
    fn cells_merged_to_the_right_leave_the_covered_columns_without_a_value() {
        let rows: &[&[&str]] =
            &[&["A", "Bolt", "5", "1", "Iron", "2026-01-02"], &["B", "Nut", "6", "1"], &["C", "Pin", "7"]];
        let (verdicts, file) = judged(rows, &[(2, 3, 2, 4, "1")]);
        assert!(verdicts.values().skip(1).all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
        assert_eq!(notes(&file), [("cells-merged-across", 1)]);
        assert_eq!(Rule::CellsMergedAcross.weight(), Weight::Loss);
        let says = "Sheet \"Stock\" has cells merged across several columns: Category (E) got no value in 1 row.";
        assert_eq!(relevant_notes(&file).next().unwrap().message, says);
    }

    #[test]
    fn merged_totals_and_footers_are_not_noted() {
        let rows: &[&[&str]] = &[&["A", "Bolt", "5"], &["Total", "", "5"], &["B", "Nut", "6"]];
        let (_, file) = judged(rows, &[(2, 0, 2, 1, "Total"), (6, 0, 8, 4, "counted by Ann and Bert")]);
        assert_eq!(notes(&file), []);
    }

    #[test]
    fn a_filled_row_that_repeats_another_is_reported_once() {
        let rows: &[&[&str]] =
            &[&["A", "Bolt", "5", "", "Iron"], &["B", "Nut", "6"], &["B", "Nut", "7"], &["C", "Pin", "8"]];
        let (verdicts, _) = judged(rows, &[(1, 4, 4, 4, "Iron")]);
        assert_eq!([3, 4].map(|row| rules(&verdicts[&row])), [["key-repeated"], ["key-repeated"]]);
        assert_eq!(item(&verdicts[&5])["category"], text("Iron"));
    }
}
