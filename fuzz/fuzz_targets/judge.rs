//! Rules and a matching table: any settings of the rules, any kind of cell, as csv and as xlsx.

#![no_main]

use arbitrary::Arbitrary;
use inventory_loader_fuzz::{
    check_refusal, forgive_calamine, judge, open, read_twice, unless_calamine_panics, xlsx_of,
};
use inventory_rules::schema::Schema;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    rules: Rules,
    /// The number of title rows above the header.
    titles: u8,
    rows: Vec<Vec<Cell>>,
    as_csv: bool,
    delimiter: Delimiter,
    /// In a workbook: row and column of a merged area's first cell below the header, and how many more rows and
    /// columns.
    merged: Vec<(u8, u8, u8, u8)>,
    capitals_matter: bool,
}

#[derive(Debug, Arbitrary)]
enum Rules {
    Made {
        columns: Vec<Column>,
        key: Key,
        duplicates: Duplicates,
        unknown: Unknown,
    },
    /// Any text.
    Written(String),
}

#[derive(Debug, Arbitrary)]
enum Key {
    One,
    Two,
    Composite(Separator),
}

#[derive(Debug, Arbitrary)]
enum Separator {
    Hash,
    Dash,
    Other(char),
}

#[derive(Debug, Arbitrary)]
enum Duplicates {
    Reject,
    First,
    Last,
}

#[derive(Debug, Arbitrary)]
enum Unknown {
    Keep,
    Ignore,
    Reject,
}

#[derive(Debug, Arbitrary)]
enum Delimiter {
    Comma,
    Semicolon,
    Tab,
}

#[derive(Debug, Arbitrary)]
struct Column {
    kind: Kind,
    required: bool,
    unique: bool,
    default: Option<Word>,
}

#[derive(Debug, Arbitrary)]
enum Kind {
    Text { max_length: Option<u8>, pattern: Option<Pattern>, pad: Option<u8> },
    Number { kind: NumberKind, min: Option<i16>, max: Option<i16>, decimal: Option<bool> },
    Boolean,
    Date { order: Option<bool> },
    Choice,
    Gtin { pad: bool },
}

#[derive(Debug, Arbitrary)]
enum NumberKind {
    Integer,
    Decimal,
    Money,
}

#[derive(Debug, Arbitrary)]
enum Pattern {
    Letters,
    Code,
    Written(String),
}

/// A cell; in csv it is written as a user would type it.
#[derive(Debug, Arbitrary)]
enum Cell {
    Empty,
    Word(Word),
    Text(String),
    Small(i16, Format),
    Number(f64, Format),
    Hundredths(i32, Format),
    Boolean(bool),
    Error(u8),
    IsoDate(u16, u8, u8),
}

/// One of [`WORDS`].
#[derive(Debug, Arbitrary)]
struct Word(u8);

/// One of [`FORMATS`].
#[derive(Debug, Arbitrary)]
struct Format(u8);

/// Contents of lists of stock: column names, and many ways to write a value.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "c0", "c1", "c2", "c3", "c4", "A-17", "00123", "Total", "Sum:", "counted by Ann", "1.234", "12,50", "1,234.50",
    "1.234,5", "1 234,5", "1'234.5", "19.990", "-5", "(5)", "5-", "€ 12", "12 EUR", "15%", "1E+05",
    "9999999999999999999999999999999999999999", "1e-130", "approx. 40", "n/a", "-", "yes", "Nein", "✓", "2026-10-03",
    "03/04/2026", "31.12.2026", "3 Oct 2026", "Oct 26", "29 February 2026", "2026-10-03T12:00:00Z", "4006381333931",
    "400638133393", "4006381333932", "73513537", "4.00638E+12", "red", "Größe M", "GRÖSSE m", "x\u{a0}y", "a\nb",
    "a-17", "А-17", "A\u{ad}17", "1.23E+12", "40001.0", "40002.0", "=A3", "4-Mar", "TRUE", "100 %", "12 USD",
    "a#b", "=\"007\"", "\u{200b}", " ", "\"", "é", "e\u{301}", "ﬁ", "٣", "²", "－5",
];
#[rustfmt::skip]
const FORMATS: &[&str] = &[
    "General", "0", "00000", "0.00", "0.00%", "#,##0.00 &quot;€&quot;", "@", "0.00E+00", "# ?/?", "yyyy-mm-dd",
    "d/m/yy", "[h]:mm", "000-000", "0,", "0;(0)", "[Red]0", "??0", "\\A0", "mmm", ";;;",
];
const ERRORS: &[&str] = &["#N/A", "#DIV/0!", "#REF!", "#SPILL!", "#BUSY!"];

fuzz_target!(init: forgive_calamine(), |input: Input| unless_calamine_panics(|| judge_table(&input)));

fn judge_table(input: &Input) {
    let (mut rules, width) = rules_of(&input.rules);
    if input.capitals_matter {
        rules.insert_str(0, "key_case = \"matters\"\n");
    }
    let schema = match Schema::from_toml(&rules) {
        Ok(schema) => schema,
        Err(mistakes) => {
            // A mistake at the end of the text may be after its last line.
            let lines = rules.matches('\n').count() + 1;
            assert!(!mistakes.all().is_empty());
            for mistake in mistakes.all() {
                assert!((1..=lines).contains(&mistake.line) && !mistake.sentence.is_empty(), "{mistake:?} of {lines}");
            }
            return;
        }
    };
    // The child gets the rules as JSON.
    let decoded: Schema =
        serde_json::from_str(&serde_json::to_string(&schema).expect("rules as JSON")).expect("rules from JSON");
    assert_eq!(decoded, schema);

    let file = if input.as_csv { csv_of(input, width) } else { workbook_of(input, width) };
    let read = open(&file, "stock").and_then(|mut workbook| {
        let sheets = read_twice(&mut workbook)?;
        Ok((workbook, sheets))
    });
    match read {
        Ok((mut workbook, sheets)) => judge(&schema, &rules, &mut workbook, &sheets),
        Err(refusal) => check_refusal(&refusal, ""),
    }
}

/// Returns the rules, and the number of columns in the table's header.
fn rules_of(rules: &Rules) -> (String, usize) {
    let (columns, key, duplicates, unknown) = match rules {
        Rules::Written(text) => return (text.clone(), 2),
        Rules::Made { columns, key, duplicates, unknown } => (columns, key, duplicates, unknown),
    };
    let (partition, parts) = match key {
        Key::One => ("\"c0\"".to_string(), 1),
        Key::Two => ("\"c0\"\nsort = \"c1\"".to_string(), 2),
        Key::Composite(separator) => {
            (format!("{{ name = \"pk\", from = {:?} }}", format!("{{c0}}{}{{c1}}", separator_of(separator))), 2)
        }
    };
    let mut text = format!(
        "version = 1\nduplicates = {:?}\nunknown_columns = {:?}\n[key]\npartition = {partition}\n",
        format!("{duplicates:?}").to_lowercase(),
        format!("{unknown:?}").to_lowercase(),
    );
    for (number, column) in columns.iter().take(5).enumerate() {
        let mut lines = settings_of(&column.kind);
        if number < parts || column.required {
            lines.push("required = true".to_string());
        } else if let Some(word) = &column.default {
            lines.push(default_of(&column.kind, word));
        }
        if column.unique && !matches!(column.kind, Kind::Boolean) {
            lines.push("unique = true".to_string());
        }
        text.push_str(&format!("[[column]]\nname = \"c{number}\"\n{}\n", lines.join("\n")));
    }
    // One column more than the rules have.
    (text, columns.len().min(5) + 1)
}

fn separator_of(separator: &Separator) -> String {
    match separator {
        Separator::Hash => "#".to_string(),
        Separator::Dash => "-".to_string(),
        Separator::Other(c) => c.to_string(),
    }
}

fn settings_of(kind: &Kind) -> Vec<String> {
    let mut lines = Vec::new();
    let mut set = |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("{name} = {value}")));
    match kind {
        Kind::Text { max_length, pattern, pad } => {
            set("type", Some("\"text\"".to_string()));
            set("max_length", max_length.map(|length| length.to_string()));
            set("pattern", pattern.as_ref().map(|pattern| format!("'{}'", pattern_of(pattern))));
            set("pad", pad.map(|pad| pad.to_string()));
        }
        Kind::Number { kind, min, max, decimal } => {
            set("type", Some(format!("\"{}\"", format!("{kind:?}").to_lowercase())));
            set("min", min.map(|min| min.to_string()));
            set("max", max.map(|max| max.to_string()));
            set("decimal", decimal.map(|comma| if comma { "\",\"" } else { "\".\"" }.to_string()));
        }
        Kind::Boolean => set("type", Some("\"boolean\"".to_string())),
        Kind::Date { order } => {
            set("type", Some("\"date\"".to_string()));
            let order = order.map(|day_first| if day_first { "d/m/yyyy" } else { "m/d/yy" });
            set("dates", order.map(|order| format!("[\"{order}\"]")));
        }
        Kind::Choice => {
            set("type", Some("\"choice\"".to_string()));
            set("choices", Some("[\"red\", \"Größe M\", \"7\"]".to_string()));
        }
        Kind::Gtin { pad } => {
            set("type", Some("\"gtin\"".to_string()));
            set("pad", pad.then(|| "14".to_string()));
        }
    }
    lines
}

fn pattern_of(pattern: &Pattern) -> &str {
    match pattern {
        Pattern::Letters => "[A-Za-z]+",
        Pattern::Code => "[A-Z]-\\d{2}",
        Pattern::Written(text) => text,
    }
}

fn default_of(kind: &Kind, word: &Word) -> String {
    match kind {
        Kind::Number { .. } => format!("default = {}", i64::from(word.0) - 100),
        Kind::Boolean => format!("default = {}", word.0 > 100),
        _ => format!("default = {:?}", word_of(word)),
    }
}

fn word_of(word: &Word) -> &'static str {
    WORDS[usize::from(word.0) % WORDS.len()]
}

/// Returns the texts above the items: titles, then the column names.
fn head_of(input: &Input, width: usize) -> Vec<Vec<String>> {
    let name = |number: usize| format!("c{number}");
    let titles = usize::from(input.titles % 4);
    let mut head = vec![vec!["Stock".to_string()]; titles];
    head.push((0..width).map(name).collect());
    head
}

fn csv_of(input: &Input, width: usize) -> Vec<u8> {
    let delimiter = match input.delimiter {
        Delimiter::Comma => ",",
        Delimiter::Semicolon => ";",
        Delimiter::Tab => "\t",
    };
    let typed = |cells: &Vec<Cell>| cells.iter().map(typed).collect::<Vec<_>>();
    let rows = head_of(input, width).into_iter().chain(input.rows.iter().map(typed));
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
        cells.join(delimiter) + "\r\n"
    };
    rows.map(line).collect::<String>().into_bytes()
}

fn typed(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Word(word) => word_of(word).to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Small(number, _) => number.to_string(),
        Cell::Number(number, _) => number.to_string(),
        Cell::Hundredths(number, _) => (f64::from(*number) / 100.0).to_string(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Error(error) => error_of(*error).to_string(),
        Cell::IsoDate(year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
    }
}

fn error_of(error: u8) -> &'static str {
    ERRORS[usize::from(error) % ERRORS.len()]
}

fn workbook_of(input: &Input, width: usize) -> Vec<u8> {
    let head = head_of(input, width);
    let row = |number: usize, cells: String| format!("<row r=\"{number}\">{cells}</row>");
    let mut sheet = String::from("<worksheet><sheetData>");
    for (texts, number) in head.iter().zip(1..) {
        sheet += &row(number, (0..).zip(texts).map(|(column, text)| text_cell(column, number, text)).collect());
    }
    for (cells, number) in input.rows.iter().zip(head.len() + 1..) {
        sheet += &row(number, (0..).zip(cells).map(|(column, cell)| cell_xml(column, number, cell)).collect());
    }
    sheet += "</sheetData><mergeCells>";
    for (row, column, rows, columns) in input.merged.iter().take(8).map(|&(a, b, c, d)| (a % 16, b % 6, c % 4, d % 2)) {
        let first = head.len() + 1 + usize::from(row);
        let last = place_of(u32::from(column + columns), first + usize::from(rows));
        sheet += &format!("<mergeCell ref=\"{}:{last}\"/>", place_of(u32::from(column), first));
    }
    sheet += "</mergeCells></worksheet>";
    let codes: String = (0..)
        .zip(FORMATS)
        .map(|(i, code)| format!("<numFmt numFmtId=\"{}\" formatCode=\"{code}\"/>", 164 + i))
        .collect();
    let used: String = (0..FORMATS.len()).map(|i| format!("<xf numFmtId=\"{}\"/>", 164 + i)).collect();
    let styles = format!("<styleSheet><numFmts>{codes}</numFmts><cellXfs>{used}</cellXfs></styleSheet>");
    xlsx_of(sheet.as_bytes(), None, Some(styles.as_bytes()))
}

fn place_of(column: u32, row: usize) -> String {
    inventory_base::message::cell_address(column, row as u32)
}

fn text_cell(column: u32, row: usize, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<c r=\"{}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>", place_of(column, row))
}

fn cell_xml(column: u32, row: usize, cell: &Cell) -> String {
    let place = place_of(column, row);
    let number = |number: f64, format: &Format| {
        format!("<c r=\"{place}\" s=\"{}\"><v>{number:?}</v></c>", usize::from(format.0) % FORMATS.len())
    };
    match cell {
        Cell::Empty => String::new(),
        Cell::Word(_) | Cell::Text(_) => text_cell(column, row, &typed(cell)),
        Cell::Small(small, format) => number(f64::from(*small), format),
        Cell::Number(any, format) => number(*any, format),
        Cell::Hundredths(hundredths, format) => number(f64::from(*hundredths) / 100.0, format),
        Cell::Boolean(value) => format!("<c r=\"{place}\" t=\"b\"><v>{}</v></c>", u8::from(*value)),
        Cell::Error(error) => format!("<c r=\"{place}\" t=\"e\"><v>{}</v></c>", error_of(*error)),
        Cell::IsoDate(..) => format!("<c r=\"{place}\" t=\"d\"><v>{}</v></c>", typed(cell)),
    }
}
