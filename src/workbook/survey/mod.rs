//! A pass of our own over the parts of an xlsx workbook: it holds the reader to the budget by what really comes out,
//! finds what the reader does not tell (hidden rows, merged cells), and what would make it stop, abort or misread.
//! The sheets are passed over on another thread while they are read.

mod package;
mod sheet;

use std::collections::HashMap;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::assembly::damaged_after;
use super::budget::{Budget, holds_too_much};
use super::scan::{Listener, Plain, Scan, attributes, damaged, name_of};
use super::source::Source;
use super::zipped::{Unpacked, Zipped};
use crate::message::{Refusal, Rule, count};

use package::Package;
pub use package::{attribute, each_start};
use sheet::SheetListener;
pub use sheet::SheetSurvey;

/// No program writes more than a declaration before the count of the shared texts.
const CLAIM_WITHIN_BYTES: u64 = 4096;

/// The survey of a workbook, as far as it has come.
pub struct Survey {
    source: Source,
    /// In the order they are passed over.
    coming: Receiver<News>,
    known: HashMap<String, Known>,
}

/// What the one who passes over the sheets has to tell of one of them.
struct News {
    sheet: String,
    what: What,
}

enum What {
    /// How many rows are behind him, and the formulas without a result that he met since he last told.
    Rows(u32, Vec<(u32, u32)>),
    End(Result<SheetSurvey, Refusal>),
}

/// What was told of a sheet so far.
#[derive(Default)]
struct Known {
    rows: u32,
    without_result: Vec<(u32, u32)>,
    end: Option<Result<SheetSurvey, Refusal>>,
}

impl Survey {
    /// Passes over all that the reader reads before the sheets, and begins with the sheets: in this order, which
    /// should be that of their reading.
    pub fn begin(source: &Source, budget: &Budget) -> Result<Survey, Refusal> {
        let mut zipped = Zipped::open(source)?;
        let mut unpacked = Unpacked::default();
        let package = Package::read(&mut zipped, budget, &mut unpacked)?;
        for part in &package.others {
            let mut scan = Scan::default();
            if let Some(bytes) = zipped.read_small(part, budget, &mut unpacked)? {
                scan.take(&bytes, &mut Plain)?;
            }
        }
        check_claimed_texts(&mut zipped, &package.shared_texts, budget)?;

        // Whoever waits for a sheet gets it at once or learns that there is no one left to bring it.
        let (sender, coming) = channel();
        let (budget, source) = (budget.clone(), source.clone());
        let surveyor = source.clone();
        let work = move || {
            step_back();
            let mut cells = 0;
            let mut texts = survey_texts(&mut zipped, &package.shared_texts, &budget, &mut unpacked);
            for (name, part) in package.sheets {
                if surveyor.is_stopped() {
                    return;
                }
                let result = std::mem::replace(&mut texts, Ok(())).and_then(|()| {
                    survey_sheet(&mut zipped, &name, &part, &budget, &mut unpacked, &mut cells, &sender)
                });
                // The reader may be on its way through a gigabyte of nothing. Of what is damaged it can tell the place,
                // so there it goes on.
                let too_much = result
                    .as_ref()
                    .is_err_and(|refusal| !matches!(refusal.rule, Rule::FileDamaged | Rule::SheetDamaged));
                let failed = result.is_err();
                let delivered = sender.send(News { sheet: name, what: What::End(result) }).is_ok();
                if too_much {
                    surveyor.stop();
                }
                if failed || !delivered {
                    return;
                }
            }
        };
        thread::Builder::new().name("survey".into()).spawn(work).map_err(|_| damaged())?;
        Ok(Survey { source, coming, known: HashMap::new() })
    }

    /// What was found in a sheet; waits for it.
    pub fn sheet(&mut self, name: &str) -> Result<&SheetSurvey, Refusal> {
        while self.known.get(name).is_none_or(|known| known.end.is_none()) {
            if !self.listen() {
                return Err(self.refusal());
            }
        }
        match self.known.get(name).and_then(|known| known.end.as_ref()) {
            Some(Ok(survey)) => Ok(survey),
            Some(Err(refusal)) => Err(refusal.clone()),
            None => Err(self.refusal()),
        }
    }

    /// Where the sheet's formula without a result stands that is the `nth` of them, from 0; none where there is no such
    /// formula up to this row. Waits until the row was passed over.
    pub fn without_result(&mut self, name: &str, nth: usize, row: u32) -> Option<(u32, u32)> {
        loop {
            if let Some(known) = self.known.get(name) {
                match known.without_result.get(nth) {
                    Some(place) => return Some(*place),
                    None if known.end.is_some() || known.rows > row => return None,
                    None => {}
                }
            }
            // With no one left to tell, the reading will end as a whole.
            if !self.listen() {
                return None;
            }
        }
    }

    /// Waits for the next news; false when there are no more.
    fn listen(&mut self) -> bool {
        let Ok(News { sheet, what }) = self.coming.recv() else { return false };
        let known = self.known.entry(sheet).or_default();
        match what {
            What::Rows(rows, without_result) => {
                known.rows = rows;
                known.without_result.extend(without_result);
            }
            What::End(mut result) => {
                if let Ok(survey) = &mut result {
                    known.without_result.append(&mut survey.without_result);
                }
                known.end = Some(result);
            }
        }
        true
    }

    /// Why the reading was stopped, where it was not the reader's own doing.
    pub fn stopped(&mut self) -> Option<Refusal> {
        if !self.source.is_stopped() {
            return None;
        }
        while self.listen() {}
        Some(self.refusal())
    }

    fn refusal(&self) -> Refusal {
        let ends = self.known.values().filter_map(|known| known.end.as_ref());
        ends.filter_map(|end| end.as_ref().err()).next().cloned().unwrap_or_else(damaged)
    }
}

impl Drop for Survey {
    fn drop(&mut self) {
        self.source.stop();
    }
}

fn survey_sheet(
    zipped: &mut Zipped,
    name: &str,
    part: &str,
    budget: &Budget,
    unpacked: &mut Unpacked,
    cells: &mut u64,
    sender: &Sender<News>,
) -> Result<SheetSurvey, Refusal> {
    let (mut scan, mut listener) = (Scan::default(), SheetListener::new());
    zipped.unpack(part, budget, unpacked, &mut |chunk| {
        if let Err(refusal) = scan.take(chunk, &mut listener) {
            let broken = refusal.rule == Rule::FileDamaged;
            return Err(if broken { damaged_after(name, listener.rows_before()) } else { refusal });
        }
        if *cells + listener.survey.cells > budget.cells {
            return Err(holds_too_much("too many cells", &count(budget.cells)));
        }
        let what = What::Rows(listener.rows_before(), std::mem::take(&mut listener.survey.without_result));
        // Whoever listens no more has stopped reading, which is seen once the sheet is passed over.
        let _ = sender.send(News { sheet: name.to_owned(), what });
        Ok(())
    })?;
    *cells += listener.survey.cells;
    Ok(listener.survey)
}

/// The reader makes room for as many shared texts as their part claims to have, so that is looked at before.
fn check_claimed_texts(zipped: &mut Zipped, part: &str, budget: &Budget) -> Result<(), Refusal> {
    let Some(mut part) = zipped.part(part, budget, Unpacked::default())? else { return Ok(()) };
    let mut head = Vec::new();
    if let Err(error) = part.by_ref().take(CLAIM_WITHIN_BYTES).read_to_end(&mut head) {
        return Err(part.refuse(error));
    }
    Scan::default().take(&head, &mut TextsListener::within(budget))
}

/// The texts that all sheets share.
fn survey_texts(zipped: &mut Zipped, part: &str, budget: &Budget, unpacked: &mut Unpacked) -> Result<(), Refusal> {
    let (mut scan, mut listener) = (Scan::default(), TextsListener::within(budget));
    zipped.unpack(part, budget, unpacked, &mut |chunk| {
        scan.take(chunk, &mut listener)?;
        if listener.texts > budget.shared_texts {
            return Err(holds_too_much("too many different texts", &count(budget.shared_texts)));
        }
        if listener.bytes > budget.shared_text_bytes {
            let limit = format!("{} MB", count(budget.shared_text_bytes >> 20));
            return Err(holds_too_much("too long texts in all", &limit));
        }
        Ok(())
    })?;
    Ok(())
}

/// Lets the threads that read and judge go first where there are fewer cores than threads: the survey is done before
/// them all the same.
fn step_back() {
    /// The last there is: it takes what the others leave.
    #[cfg(target_os = "linux")]
    const NICENESS: i32 = 19;
    // Only Linux takes it of one thread alone. Should it refuse, all go on as equals.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}

#[derive(Debug)]
struct TextsListener {
    /// More than these no part can truly have and be read.
    most: u64,
    texts: u64,
    bytes: u64,
}

impl TextsListener {
    fn within(budget: &Budget) -> TextsListener {
        TextsListener { most: budget.shared_texts, texts: 0, bytes: 0 }
    }
}

impl Listener for TextsListener {
    fn tag(&mut self, tag: &[u8]) -> Result<(), Refusal> {
        let (name, rest) = name_of(tag);
        if tag.first() == Some(&b'/') {
            return Ok(());
        }
        match name {
            b"si" => self.texts += 1,
            b"sst" => {
                for (_, value) in attributes(rest).filter(|(name, _)| *name == b"uniqueCount") {
                    let claimed = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
                    // Programs are known to count a few too many, which costs nothing; a claim beyond what may be read
                    // is a lie.
                    if claimed.is_none_or(|claimed: u64| claimed > self.most) {
                        return Err(damaged());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn other(&mut self) -> Result<(), Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::RawRow;
    use super::super::assembly::tests::shown;
    use super::super::xlsx::XlsxReader;
    use super::super::xlsx::tests::{patched, rows, rows_within, sheet_of};
    use super::super::zipped::tests::{source_of, zip_of};
    use super::*;

    const SHEET: &str = "xl/worksheets/sheet1.xml";
    const TEXTS: &str = "xl/sharedStrings.xml";

    /// A workbook with shared texts, whose part is then changed.
    fn with_texts(change: impl Fn(&str) -> String) -> Vec<u8> {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, text) in ["SKU", "A-17", "B-1"].iter().enumerate() {
            sheet.write(row as u32, 0, *text).unwrap();
        }
        patched(&workbook.save_to_buffer().unwrap(), TEXTS, change)
    }

    #[test]
    fn errors_that_the_reader_does_not_know_stand_where_they_stand() {
        let xml = "<row r='1'><c r='A1' t='e'><v>#SPILL!</v></c><c r='C1'><v>1</v></c></row>\
                    <row r='4'><c r='B4' t='e'><v>#N/A</v></c><c r='D4' t='e'><f>X()</f><v>#CALC!</v></c></row>\
                    <row r='5'><c r='A5' t='e'><v>#FIELD!</v></c></row>";
        let expected = ["1:0=error #SPILL!|2=1", "4:1=error #N/A|3=error #CALC!", "5:0=error #FIELD!"];
        assert_eq!(rows(&sheet_of(xml)).unwrap(), expected);
    }

    #[test]
    fn a_formula_whose_result_the_file_does_not_tell_is_not_an_empty_cell() {
        let xml = "<row r='1'><c r='A1' s='0'/><c r='B1'><f>1+1</f><v></v></c><c r='C1'><f>1+1</f><v>2</v></c></row>\
                    <row r='2'><c r='A2' t='str'><f>T(1)</f><v></v></c></row>\
                    <row><c><v>1</v></c><c><f>A3</f></c></row>";
        assert_eq!(rows(&sheet_of(xml)).unwrap(), ["1:1=no result|2=2", "3:0=1|1=no result"]);
        // As many as do not fit into one piece of the survey, blank cells among them.
        let many = "<row><c><v>1</v></c><c s='0'/><c><f>A1</f><v/></c></row>".repeat(20_000);
        let (mut reader, sheets) =
            XlsxReader::open(&source_of(&sheet_of(&many)), &Budget { unpacked_ratio: 100_000, ..Budget::DEFAULT })
                .unwrap();
        for _ in 0..2 {
            let mut found = 0;
            let mut visit = |row: &RawRow<'_>| {
                assert_eq!(shown(row), format!("{}:0=1|2=no result", row.number));
                found += 1;
                ControlFlow::Continue(())
            };
            reader.visit_rows(&sheets[0].name, &Budget::DEFAULT, &mut visit).unwrap();
            assert_eq!(found, 20_000);
        }
    }

    #[test]
    fn what_a_sheet_claims_to_span_is_not_believed() {
        let cell = "<row r='1'><c r='A1'><v>1</v></c></row>";
        for dimension in ["<dimension ref='A1:XFD1048576'/>", "", "<dimension ref='A1'/>"] {
            let bytes = patched(&sheet_of(cell), SHEET, |xml| {
                let start = xml.find("<dimension").unwrap();
                let end = start + xml[start..].find("/>").unwrap() + 2;
                format!("{}{dimension}{}", &xml[..start], &xml[end..])
            });
            assert_eq!(rows(&bytes).unwrap(), ["1:0=1"], "{dimension}");
        }
    }

    #[test]
    fn a_sheet_that_does_not_say_what_it_spans_is_refused_because_the_reader_stops_there() {
        let cell = "<row r='1'><c r='A1'><v>1</v></c></row>";
        for dimension in ["<dimension/>", "<dimension ref=''/>"] {
            let bytes = patched(&sheet_of(cell), SHEET, |xml| {
                assert!(xml.contains("<dimension ref=\"A1\"/>"));
                xml.replace("<dimension ref=\"A1\"/>", dimension)
            });
            assert_eq!(rows(&bytes).unwrap_err(), damaged(), "{dimension}");
        }
    }

    #[test]
    fn what_an_extension_holds_is_no_cell_and_rows_behind_the_rows_are_refused() {
        let cell = "<row r='1'><c r='A1'><v>1</v></c></row>";
        let extension = |inner: &str| format!("<extLst><ext><x:a><extLst/>{inner}</x:a></ext></extLst>");
        let odd = "<row r='99999999'><c r='ZZZZ1' t='e'><v>#ODD!</v></c><c><v>&amp;</v></c></row>";
        let with = |replaced: &str, by: String| {
            patched(&sheet_of(cell), SHEET, |xml| {
                assert!(xml.contains(replaced));
                xml.replacen(replaced, &by, 1)
            })
        };
        let behind = with("</sheetData>", format!("</sheetData>{}", extension(odd)));
        let before = with("<sheetData>", format!("{}<sheetData>", extension(odd)));
        for bytes in [behind, before] {
            assert_eq!(rows(&bytes).unwrap(), ["1:0=1"]);
        }
        // The reader would not read these, stop at them, or take them for cells.
        for rest in [
            format!("</sheetData>{cell}"),
            format!("</sheetData><sheetData>{cell}</sheetData>"),
            format!("<row r='2'>{}</row></sheetData>", extension("<c r='A2'><v>2</v></c>")),
            format!("<row r='2'><c r='A2'><v>2</v>{}</c></row></sheetData>", extension("")),
        ] {
            let refusal = rows(&with("</sheetData>", rest.clone())).expect_err(&rest);
            assert!(matches!(refusal.rule, Rule::FileDamaged | Rule::SheetDamaged), "{rest}: {refusal:?}");
        }
    }

    #[test]
    fn what_would_mislead_the_reader_is_refused_with_the_last_row_before_it() {
        let good = "<row r='1'><c r='A1'><v>1</v></c></row><row r='2'><c r='A2'><v>2</v></c></row>";
        let expected = Refusal::new(Rule::SheetDamaged, &[("sheet", "Stock"), ("row", "2")]);
        for bad in [
            // Taken for no value, and for 1.
            "<row r='3'><c r='A3'><v><![CDATA[5]]></v></c></row>",
            "<row r='3'><c r='A3'><v><!-- five -->5</v></c></row>",
            "<row r='3'><c r='A3'><v>1&#50;</v></c></row>",
            // Emptied by what stands behind the value.
            "<row r='3'><c r='A3'><v>5</v><f>2+3</f></c></row>",
            "<row r='3'><c r='A3' t='inlineStr'><is><t>a</t></is><v>a</v></c></row>",
        ] {
            assert_eq!(rows(&sheet_of(&format!("{good}{bad}"))).unwrap_err(), expected, "{bad}");
        }
    }

    #[test]
    fn parts_that_no_program_writes_are_refused() {
        let doctype = "<!DOCTYPE sst [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]>";
        let before = |xml: &str| xml.replace("<sst", &format!("{doctype}<sst"));
        let utf16 = |text: &str| -> Vec<u8> {
            [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        };
        let relations = "<Relationships><Relationship Id='a' Type='x/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>";
        let small = |sheet: &[u8]| {
            zip_of(&[
                ("_rels/.rels", relations.as_bytes()),
                ("xl/workbook.xml", b"<workbook><sheets><sheet name='A' id='a'/></sheets></workbook>"),
                (
                    "xl/_rels/workbook.xml.rels",
                    b"<Relationships><Relationship Id='a' Type='x/worksheet' Target='s.xml'/></Relationships>",
                ),
                ("xl/s.xml", sheet),
            ])
        };
        let sheet = "<worksheet><sheetData><row><c><v>5</v></c></row></sheetData></worksheet>";
        assert_eq!(rows(&small(sheet.as_bytes())).unwrap(), ["1:0=5"]);
        let cases = [
            with_texts(before),
            small(format!("{doctype}{sheet}").as_bytes()),
            small(&utf16(sheet)),
            with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount=\"4294967295\"")),
            with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount='18446744073709551616'")),
        ];
        for bytes in cases {
            assert_eq!(rows(&bytes).unwrap_err(), damaged());
        }
        // A few too many are none of a lie.
        let more = with_texts(|xml| xml.replace("uniqueCount=\"3\"", "uniqueCount=\"5\""));
        assert_eq!(rows(&more).unwrap(), ["1:0=\"SKU\"", "2:0=\"A-17\"", "3:0=\"B-1\""]);
    }

    #[test]
    fn what_costs_too_much_is_refused_wherever_it_stands() {
        let small = Budget {
            cells: 5,
            shared_texts: 3,
            shared_text_bytes: 50,
            unpacked_bytes: 1 << 20,
            unpacked_ratio: 20,
            unpacked_ratio_floor_bytes: 100_000,
            ..Budget::DEFAULT
        };
        let cells = "<row r='1'><c r='A1'/><c r='B1'/><c r='C1'/></row>".repeat(2);
        let nothing = "<row r='1'></row>".repeat(20_000);
        let cases = [
            (with_texts(str::to_owned), None),
            (with_texts(|xml| xml.replace("</sst>", "<si><t>x</t></si></sst>")), Some(Rule::FileHoldsTooMuch)),
            (with_texts(|xml| xml.replace("SKU", &"long ".repeat(11))), Some(Rule::FileHoldsTooMuch)),
            (with_texts(|xml| xml.replace("SKU", &" ".repeat(10_000))), Some(Rule::FileHoldsTooMuch)),
            (
                with_texts(|xml| xml.replace("<sst", &format!("{}<sst", "<?a?>".repeat(30_000)))),
                Some(Rule::FileUnpacksTooLarge),
            ),
            (sheet_of(&cells), Some(Rule::FileHoldsTooMuch)),
            (sheet_of(&nothing), Some(Rule::FileUnpacksTooLarge)),
        ];
        for (bytes, rule) in cases {
            assert_eq!(rows_within(&bytes, &small).err().map(|refusal| refusal.rule), rule);
        }
    }
}
