//! The number formats of an OpenDocument spreadsheet, converted to Excel codes, by the names of the cell styles.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::scan::{char_of, damaged};
use super::super::survey::attribute;
use inventory_base::message::Refusal;

const GENERAL: &str = "General";
/// Stands for a part that is unknown or depends on the user's settings: a code with it cannot be used to show a number.
const UNKNOWN: char = '?';
/// Excel's limit on the length of a code.
const MAX_PLACES: usize = 255;
/// A style that inherits from itself would be followed endlessly.
const MAX_ANCESTORS: usize = 10;
/// The number of sections that an Excel code can have.
const MAX_CONDITIONS: usize = 3;

#[derive(Debug, Default)]
pub struct Formats {
    /// By the names of cell styles.
    codes: HashMap<String, String>,
    /// By the names of data styles.
    data: HashMap<String, DataStyle>,
    /// Data style and parent, by the names of cell styles that are not resolved yet.
    cells: HashMap<String, (Option<String>, Option<String>)>,
    open: Option<(String, DataStyle)>,
}

/// A number format that is being parsed.
#[derive(Debug, Default)]
struct DataStyle {
    code: String,
    percent: bool,
    /// Counts hours beyond a day, as in `[h]:mm`.
    elapsed: bool,
    /// Names of months and days are in English.
    english: bool,
    /// Conditions, each with the style to use under it.
    conditions: Vec<(String, String)>,
    text: Option<String>,
}

impl Formats {
    /// Reads the part with the named styles.
    pub fn read(styles: &str) -> Result<Formats, Refusal> {
        let mut formats = Formats::default();
        let mut xml = Reader::from_str(styles);
        xml.config_mut().expand_empty_elements = true;
        loop {
            match xml.read_event().map_err(|_| damaged())? {
                Event::Eof => break,
                event => formats.take(&event)?,
            }
        }
        formats.resolve();
        Ok(formats)
    }

    /// The code with which a cell of this style shows a number; `None` for the general format.
    pub fn code(&self, style: &str) -> Option<&str> {
        self.codes.get(style).map(String::as_str).filter(|code| *code != GENERAL)
    }

    pub fn take(&mut self, event: &Event<'_>) -> Result<(), Refusal> {
        match event {
            Event::Start(tag) => match tag.local_name().as_ref() {
                kind @ ("number-style" | "currency-style" | "percentage-style" | "text-style" | "date-style"
                | "time-style") => {
                    let style = DataStyle::of(kind, tag)?;
                    self.open = attribute(tag, "name")?.map(|name| (name, style));
                }
                "style" if attribute(tag, "family")?.is_some_and(|family| family == "table-cell") => {
                    if let Some(name) = attribute(tag, "name")? {
                        let style = (attribute(tag, "data-style-name")?, attribute(tag, "parent-style-name")?);
                        self.cells.insert(name, style);
                    }
                }
                name => {
                    if let Some((_, style)) = &mut self.open {
                        style.begin(name, tag)?;
                    }
                }
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "number-style" | "currency-style" | "percentage-style" | "text-style" | "date-style" | "time-style" => {
                    self.data.extend(self.open.take());
                }
                name => {
                    if let Some((_, style)) = &mut self.open {
                        style.end(name);
                    }
                }
            },
            Event::Text(text) => self.take_text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                self.take_text(char_of(reference).ok_or_else(damaged)?.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
        Ok(())
    }

    fn take_text(&mut self, text: &str) {
        if let Some((_, DataStyle { text: Some(inner), .. })) = &mut self.open {
            inner.push_str(text);
        }
    }

    /// Resolves the styles of a part once all of them are known. They may inherit from styles of the previous part.
    pub fn resolve(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let code = |style: &String| {
            let mut style = style;
            for _ in 0..MAX_ANCESTORS {
                match cells.get(style) {
                    Some((Some(data), _)) => {
                        return self.data.get(data).map(|data| self.with_conditions(data));
                    }
                    Some((None, Some(parent))) => style = parent,
                    Some((None, None)) => return None,
                    None => return self.codes.get(style).cloned(),
                }
            }
            None
        };
        let codes: Vec<_> = cells.keys().map(|name| (name.clone(), code(name).unwrap_or(GENERAL.to_owned()))).collect();
        self.codes.extend(codes);
    }

    /// The code with the sections of the conditional styles.
    fn with_conditions(&self, style: &DataStyle) -> String {
        let own = &style.code;
        let parts: Vec<(&str, &str)> = style
            .conditions
            .iter()
            .filter_map(|(condition, name)| {
                Some((condition.strip_prefix("value()")?, self.data.get(name)?.code.as_str()))
            })
            .collect();
        match parts.as_slice() {
            [] => own.clone(),
            [(">=0", positive)] => format!("{positive};{own}"),
            [(">0", positive), ("<0", negative)] => format!("{positive};{negative};{own}"),
            others => others.iter().map(|(condition, code)| format!("[{condition}]{code};")).collect::<String>() + own,
        }
    }
}

impl DataStyle {
    fn of(kind: &str, tag: &BytesStart<'_>) -> Result<DataStyle, Refusal> {
        let has = |name: &str, wanted: &str| Ok(attribute(tag, name)?.is_some_and(|value| value == wanted));
        let mut style = DataStyle {
            percent: kind == "percentage-style",
            elapsed: kind == "time-style" && has("truncate-on-overflow", "false")?,
            english: has("language", "en")?,
            ..DataStyle::default()
        };
        if has("automatic-order", "true")? || has("format-source", "language")? {
            style.code.push(UNKNOWN);
        }
        Ok(style)
    }

    /// Adds a part of a date or time, given by the letter for it in codes.
    fn add_date_part(&mut self, letter: char, short: usize, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        let is_long = attribute(tag, "style")?.is_some_and(|style| style == "long");
        let is_name = letter == 'd' && short > 1 || attribute(tag, "textual")?.is_some_and(|textual| textual == "true");
        let letters = letter.to_string().repeat(match (is_long, is_name, letter) {
            (false, true, _) => 3,
            (true, true, _) | (true, false, 'y') => 4,
            (true, false, _) => 2,
            (false, false, _) => short,
        });
        if is_name && !self.english {
            self.code.push(UNKNOWN);
        }
        // Only the first part counts beyond a day.
        let brackets = std::mem::take(&mut self.elapsed);
        self.code.push_str(&if brackets { format!("[{letters}]") } else { letters });
        if letter == 's' && attribute(tag, "decimal-places")?.is_some_and(|places| places != "0") {
            self.code.push_str(".0");
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        match name {
            "number" => {
                let code = digits(tag)?;
                self.code.push_str(&code);
            }
            "day" => self.add_date_part('d', 1, tag)?,
            "day-of-week" => self.add_date_part('d', 3, tag)?,
            "month" => self.add_date_part('m', 1, tag)?,
            "year" => self.add_date_part('y', 2, tag)?,
            "hours" => self.add_date_part('h', 1, tag)?,
            "minutes" => self.add_date_part('m', 1, tag)?,
            "seconds" => self.add_date_part('s', 1, tag)?,
            "am-pm" => self.code.push_str("AM/PM"),
            "era" | "quarter" | "week-of-year" => self.code.push(UNKNOWN),
            "scientific-number" => self.code.push_str("0.00E+00"),
            "fraction" => self.code.push_str("# ?/?"),
            "text-content" => self.code.push('@'),
            "text" | "currency-symbol" => self.text = Some(String::new()),
            // Text among the digits.
            "embedded-text" => self.code.push(UNKNOWN),
            "map" if self.conditions.len() < MAX_CONDITIONS => {
                self.conditions.extend(attribute(tag, "condition")?.zip(attribute(tag, "apply-style-name")?));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        let letters = |text: String, percent: bool| -> String {
            // Only the sign of a percentage format turns the number into hundredths.
            let letter = |letter| {
                if percent && letter == '%' { "%".to_owned() } else { format!("\\{letter}") }
            };
            text.chars().map(letter).collect()
        };
        match (name, self.text.take()) {
            ("text", Some(text)) => self.code.push_str(&letters(text, self.percent)),
            ("currency-symbol", Some(sign)) if !sign.contains([']', '-']) => self.code.push_str(&format!("[${sign}]")),
            ("currency-symbol", Some(sign)) => self.code.push_str(&letters(sign, false)),
            _ => {}
        }
    }
}

/// The digits of a number, such as `00000` and `#,##0.00`.
fn digits(tag: &BytesStart<'_>) -> Result<String, Refusal> {
    let places = |name: &str| -> Result<Option<usize>, Refusal> {
        Ok(attribute(tag, name)?.and_then(|places| places.parse::<usize>().ok()).map(|places| places.min(MAX_PLACES)))
    };
    let whole = places("min-integer-digits")?.unwrap_or(1);
    let fraction = places("decimal-places")?;
    let grouped = attribute(tag, "grouping")?.is_some_and(|grouped| grouped == "true");
    if whole <= 1 && fraction.is_none() && !grouped {
        return Ok(GENERAL.to_owned());
    }
    let mut code = if grouped { format!("{:#>4}", "0".repeat(whole)) } else { format!("{:#>1}", "0".repeat(whole)) };
    if grouped {
        code.insert(code.len() - 3, ',');
    }
    if let Some(fraction @ 1..) = fraction {
        let zeros = places("min-decimal-places")?.unwrap_or(fraction).min(fraction);
        code.push('.');
        code.push_str(&format!("{:#<fraction$}", "0".repeat(zeros)));
    }
    // Shown in thousands or millions.
    if attribute(tag, "display-factor")?.is_some_and(|factor| factor != "1") {
        code.push(',');
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of the cell style `c`, which has the data style `d`.
    fn code(styles: &str) -> String {
        let cell = "<style:style style:name='c' style:family='table-cell' style:data-style-name='d'/>";
        Formats::read(&format!("<a>{styles}{cell}</a>")).unwrap().code("c").unwrap_or_default().to_owned()
    }

    const TIME: &str =
        "<number:hours number:style='long'/><number:text>:</number:text><number:minutes number:style='long'/>";
    const DATE: &str = "<number:day number:style='long'/><number:text>.</number:text><number:month/>\
                        <number:text>.</number:text><number:year number:style='long'/>";
    const MONTH: &str = "<number:day/><number:month number:textual='true' number:style='long'/>";

    #[test]
    fn formats_are_converted_to_excel_codes() {
        let number = |attributes: &str| format!("<number:number {attributes}/>");
        let style =
            |kind: &str, inner: &str| format!("<number:{kind}-style style:name='d'>{inner}</number:{kind}-style>");
        let plain = "number:decimal-places='2' number:min-integer-digits='1' number:grouping='true'";
        let euro = "<number:text> </number:text><number:currency-symbol>€</number:currency-symbol>";
        for (styles, expected) in [
            (style("number", &number("number:min-integer-digits='5'")), "00000"),
            (style("number", &number("number:decimal-places='0' number:min-integer-digits='5'")), "00000"),
            (style("number", &number("number:min-integer-digits='1'")), ""),
            (style("number", &number(plain)), "#,##0.00"),
            (style("number", &number("number:min-integer-digits='6' number:grouping='true'")), "000,000"),
            (style("number", &number("number:decimal-places='3' number:min-decimal-places='1'")), "0.0##"),
            (style("number", &number("number:decimal-places='0' number:min-integer-digits='0'")), "#"),
            (style("number", &number("number:decimal-places='0' number:display-factor='1000'")), "0,"),
            (style("number", "<number:scientific-number number:decimal-places='2'/>"), "0.00E+00"),
            (
                style(
                    "number",
                    "<number:text>A&quot;</number:text><number:number number:decimal-places='0' number:min-integer-digits='6'>\
                     <number:embedded-text number:position='3'>-</number:embedded-text></number:number>",
                ),
                "\\A\\\"000000?",
            ),
            (
                style("percentage", &format!("{}<number:text> %</number:text>", number("number:decimal-places='1'"))),
                "0.0\\ %",
            ),
            (style("currency", &format!("{}{euro}", number(plain))), "#,##0.00\\ [$€]"),
            (style("text", "<number:text>A-</number:text><number:text-content/>"), "\\A\\-@"),
            (
                format!(
                    "<number:number-style style:name='p'>{0}</number:number-style>{1}",
                    number("number:decimal-places='0'"),
                    style(
                        "number",
                        &format!(
                            "<number:text>-</number:text>{}<style:map style:condition='value()&gt;=0' style:apply-style-name='p'/>",
                            number("number:decimal-places='1'")
                        )
                    )
                ),
                "0;\\-0.0",
            ),
            (
                format!(
                    "<number:number-style style:name='p'>{0}</number:number-style>{1}",
                    number("number:decimal-places='0'"),
                    style(
                        "number",
                        &format!(
                            "{}<style:map style:condition='value()&gt;100' style:apply-style-name='p'/>",
                            number("number:decimal-places='1'")
                        )
                    )
                ),
                "[>100]0;0.0",
            ),
            (number("number:min-integer-digits='5'"), ""),
            (style("time", TIME), "hh\\:mm"),
            (style("time", TIME).replace("'d'", "'d' number:truncate-on-overflow='false'"), "[hh]\\:mm"),
            (style("time", "<number:hours/> <number:am-pm/>"), "hAM/PM"),
            (style("time", "<number:seconds number:style='long' number:decimal-places='2'/>"), "ss.0"),
            (style("date", DATE), "dd\\.m\\.yyyy"),
            (style("date", DATE).replace("'d'", "'d' number:automatic-order='true'"), "?dd\\.m\\.yyyy"),
            (style("date", MONTH), "d?mmmm"),
            (style("date", MONTH).replace("'d'", "'d' number:language='en'"), "dmmmm"),
            (style("date", "<number:day-of-week/><number:year/>"), "?dddyy"),
        ] {
            assert_eq!(code(&styles), expected, "{styles}");
        }
        let endless =
            style("number", &number("number:min-integer-digits='4294967295' number:decimal-places='99999999999'"));
        assert!(code(&endless).len() <= 2 * MAX_PLACES + 1);
    }

    #[test]
    fn a_style_without_a_format_inherits_it_even_from_the_previous_part() {
        let five = "<number:number-style style:name='n5'><number:number number:min-integer-digits='5'/></number:number-style>\
                    <number:number-style style:name='n0'><number:number/></number:number-style>";
        let cell =
            |name: &str, more: &str| format!("<style:style style:name='{name}' style:family='table-cell' {more}/>");
        let named = cell("five", "style:data-style-name='n5'") + &cell("loop", "style:parent-style-name='loop'");
        let mut formats = Formats::read(&format!("<a>{five}{named}</a>")).unwrap();
        let more = cell("child", "style:parent-style-name='five'")
            + &cell("grandchild", "style:parent-style-name='child'")
            + &cell("general", "style:parent-style-name='five' style:data-style-name='n0'");
        let mut xml = Reader::from_str(&more);
        xml.config_mut().expand_empty_elements = true;
        loop {
            match xml.read_event().unwrap() {
                Event::Eof => break,
                event => formats.take(&event).unwrap(),
            }
        }
        formats.resolve();
        for (style, code) in [
            ("five", Some("00000")),
            ("child", Some("00000")),
            ("grandchild", Some("00000")),
            ("general", None),
            ("loop", None),
        ] {
            assert_eq!(formats.code(style), code, "{style}");
        }
    }
}
