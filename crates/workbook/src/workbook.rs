//! An open file of any format.

use std::collections::HashMap;
use std::ops::ControlFlow;

use encoding_rs::Encoding;

use super::assembly::{SheetExtras, Visit};
use super::budget::Budget;
use super::far::FarCells;
use super::format::{Format, Input, Opened, SheetReader};
use super::formats::FORMATS;
use super::row::{MergedArea, RawRow, Sheet};
use super::scan::damaged;
use super::sniff::sniff;
use super::source::Source;
use inventory_base::message::{Note, Refusal, count, note};

/// An open file, with its sheets by name and their rows as a stream.
pub struct Workbook {
    reader: Box<dyn SheetReader>,
    sheets: Vec<Sheet>,
    budget: Budget,
    notes: Vec<Note>,
    /// The merged areas of each sheet that was read to its end.
    merged: HashMap<usize, Vec<MergedArea>>,
}

impl Workbook {
    /// Detects the format from the bytes and opens the reader for it. `name` is used only to name the sheet of a file
    /// that has no sheet names, and to note a wrong extension.
    pub fn open(source: impl TryInto<Source>, name: &str, budget: Budget) -> Result<Workbook, Refusal> {
        Workbook::open_in(source, name, budget, None)
    }

    /// Like [`open`](Self::open), but reads text that is not Unicode in this encoding, if one is given.
    pub fn open_in(
        source: impl TryInto<Source>,
        name: &str,
        budget: Budget,
        encoding: Option<&'static Encoding>,
    ) -> Result<Workbook, Refusal> {
        let source = source.try_into().map_err(|_| damaged())?;
        Workbook::open_as_one_of(FORMATS, &source, name, budget, encoding)
    }

    fn open_as_one_of(
        formats: &[&'static Format],
        source: &Source,
        name: &str,
        budget: Budget,
        encoding: Option<&'static Encoding>,
    ) -> Result<Workbook, Refusal> {
        let format = sniff(source, formats)?;
        let input = Input { source, file_name: name, budget: &budget, encoding };
        let Opened { reader, sheets, note } = (format.open)(&input)?;
        let notes = extension_note(name, format, formats).into_iter().chain(note).collect();
        Ok(Workbook { reader, sheets, budget, notes, merged: HashMap::new() })
    }

    /// The worksheets in the order of their tabs, including hidden ones; chart sheets are omitted.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// Remarks about the file. Notes about a sheet are added once it was read to its end, and name it; they say that
    /// its rows were loaded, so use them only for sheets that were.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The merged areas of a sheet, once it was read to its end.
    pub fn merged(&self, sheet: usize) -> &[MergedArea] {
        self.merged.get(&sheet).map_or(&[], Vec::as_slice)
    }

    /// Whether the file is all text: its numbers are typed, in the notation of its author.
    pub fn is_text(&self) -> bool {
        self.reader.is_text()
    }

    /// Whether work on its rows may use threads of its own.
    pub fn uses_threads(&self) -> bool {
        self.budget.threads
    }

    /// The separator of a text file.
    pub fn separator(&self) -> Option<char> {
        self.reader.separator()
    }

    /// Passes on the rows of a sheet, given by its index in [`sheets`](Self::sheets), in order. Rows without a value
    /// are skipped. The visitor stops the reading with `Break`; a sheet can be visited again.
    pub fn visit_rows(
        &mut self,
        sheet: usize,
        visit: &mut dyn FnMut(&RawRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let mut far = FarCells::new(&self.budget, visit);
        let extras = self.read_sheet(sheet, &mut |row| far.visit(row));
        let far = far.note(&self.sheets[sheet].name)?;
        if let Some(extras) = extras? {
            self.add_notes(sheet, extras.hidden_rows, far);
            self.merged.insert(sheet, extras.areas);
        }
        Ok(())
    }

    /// Passes on the rows; returns what else the sheet has, unless the visitor stopped early.
    fn read_sheet(&mut self, sheet: usize, visit: Visit<'_>) -> Result<Option<SheetExtras>, Refusal> {
        self.reader.visit_rows(sheet, &self.sheets[sheet].name, &self.budget, visit)
    }

    fn add_notes(&mut self, sheet: usize, hidden_rows: u64, far: Option<Note>) {
        let Sheet { name, visible } = &self.sheets[sheet];
        if !visible {
            return;
        }
        let rows =
            (hidden_rows > 0).then(|| note!(RowsHidden { sheet: name, rows: count(hidden_rows) }).on_sheet(name));
        for note in rows.into_iter().chain(far) {
            // A second visit finds the same notes.
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

/// Notes a wrong extension, but only if it is one of another supported format: users may have extensions of their own.
fn extension_note(name: &str, format: &Format, formats: &[&Format]) -> Option<Note> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let has_ending = |format: &Format| format.endings.contains(&ending.as_str());
    let is_misnamed = !has_ending(format) && formats.iter().any(|other| has_ending(other));
    is_misnamed.then(|| (format.misnamed)(format, name))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::super::format::Signature;
    use super::super::row::{RawCell, RawValue};
    use super::super::zipped::tests::{file_of, source_of};
    use super::*;
    use inventory_base::message::Rule;

    #[test]
    fn the_format_is_detected_from_the_bytes_not_the_name() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        workbook.add_worksheet().set_name("Stock").unwrap().write(1, 0, "A-17").unwrap();
        let cases = [
            (workbook.save_to_buffer().unwrap(), "in/list.csv", "Stock"),
            (b"\nA-17;2\n".to_vec(), "in/list.xlsx", "list"),
        ];
        for (bytes, name, sheet) in cases {
            let mut workbook = Workbook::open(file_of(&bytes), name, Budget::default()).unwrap();
            assert_eq!(workbook.sheets(), [Sheet { name: sheet.to_owned(), visible: true }]);
            let mut numbers = Vec::new();
            workbook
                .visit_rows(0, &mut |row| {
                    assert_eq!(row.cells[0].value, RawValue::Text("A-17".into()));
                    numbers.push(row.number);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(numbers, [2]);
            assert_eq!(workbook.notes().iter().map(|note| note.rule).collect::<Vec<_>>(), [Rule::ExtensionDiffers]);
        }
    }

    /// A format that is in no list but that of the test: `TOY`, a zero, then a value per line.
    const TOY: Format = Format {
        name: "a toy",
        endings: &["toy"],
        recognises: |signature| matches!(signature, Signature::Binary(head) if head.starts_with(b"TOY\0")),
        open: |input| Ok(Opened::new(ToyReader(input.source.clone()), vec![input.only_sheet()])),
        misnamed: Format::advise_to_rename,
    };

    struct ToyReader(Source);

    impl SheetReader for ToyReader {
        fn visit_rows(
            &mut self,
            _: usize,
            _: &str,
            _: &Budget,
            visit: Visit<'_>,
        ) -> Result<Option<SheetExtras>, Refusal> {
            let mut file = self.0.from_start();
            file.read_exact(&mut [0; 4]).map_err(|_| damaged())?;
            for (number, line) in (1..).zip(BufReader::new(file).lines()) {
                let value = RawValue::Text(line.map_err(|_| damaged())?.into());
                let row = RawRow { number, cells: vec![RawCell { column: 0, value, format: None }], fields: None };
                if visit(&row).is_break() {
                    return Ok(None);
                }
            }
            Ok(Some(SheetExtras { hidden_rows: 1, areas: vec![] }))
        }
    }

    #[test]
    fn a_format_is_read_once_it_is_in_the_list() {
        let formats: Vec<&'static Format> = FORMATS.iter().copied().chain([&TOY]).collect();
        let open = |formats: &[&'static Format]| {
            Workbook::open_as_one_of(formats, &source_of(b"TOY\0A-17\nB-1\n"), "in/stock.csv", Budget::DEFAULT, None)
        };
        assert_eq!(open(FORMATS).err().map(|refusal| refusal.rule), Some(Rule::FileIsOtherKind));
        let mut workbook = open(&formats).unwrap();
        assert_eq!(workbook.sheets(), [Sheet { name: "stock".to_owned(), visible: true }]);
        assert_eq!((workbook.is_text(), workbook.separator()), (false, None));
        let mut rows = Vec::new();
        let mut visit = |row: &RawRow<'_>| {
            rows.push((row.number, row.cells[0].clone().into_owned().value));
            ControlFlow::Continue(())
        };
        workbook.visit_rows(0, &mut visit).unwrap();
        assert_eq!(rows, [(1, RawValue::Text("A-17".into())), (2, RawValue::Text("B-1".into()))]);
        let notes: Vec<_> = workbook.notes().iter().map(|note| note.message.as_str()).collect();
        let [misnamed, hidden] = notes[..] else { panic!("{notes:?}") };
        assert_eq!(misnamed, "The file is called stock.csv but is a toy; it was read as such.");
        assert!(hidden.starts_with("Sheet \"stock\" has hidden"), "{hidden}");
    }

    #[test]
    fn merged_areas_are_known_once_the_sheet_was_read_to_its_end() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Stock").unwrap();
        let format = rust_xlsxwriter::Format::new();
        sheet.merge_range(0, 0, 0, 5, "Stock of Q3", &format).unwrap();
        for column in [1, 4] {
            sheet.merge_range(1, column, 3, column, "T-shirt", &format).unwrap();
        }
        let bytes = workbook.save_to_buffer().unwrap();
        let mut workbook = Workbook::open(file_of(&bytes), "a.xlsx", Budget::default()).unwrap();
        workbook.visit_rows(0, &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!(workbook.merged(0), []);
        let area = |column| MergedArea { first_row: 2, last_row: 4, first_column: column, last_column: column };
        let title = MergedArea { first_row: 1, last_row: 1, first_column: 0, last_column: 5 };
        for _ in 0..2 {
            workbook.visit_rows(0, &mut |_| ControlFlow::Continue(())).unwrap();
            assert_eq!(workbook.merged(0), [title, area(1), area(4)]);
        }
        assert!(workbook.notes().is_empty());
    }

    #[test]
    fn xls_reports_merged_areas_too() {
        use inventory_test_files::xls::{file, le, number, record};
        let merged = record(0x00E5, &le(&[2, 0, 0, 0, 5, 1, 2, 0, 0]));
        let bytes = file(&[], &[number(0, 0, 0, 1.0), number(1, 0, 0, 2.0), number(2, 1, 0, 3.0), merged]);
        let mut workbook = Workbook::open(file_of(&bytes), "a.xls", Budget::default()).unwrap();
        workbook.visit_rows(0, &mut |_| ControlFlow::Break(())).unwrap();
        assert!(workbook.merged(0).is_empty() && workbook.notes().is_empty());
        workbook.visit_rows(0, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(workbook.merged(0).contains(&MergedArea {
            first_row: 2,
            last_row: 3,
            first_column: 0,
            last_column: 0
        }));
    }
}
