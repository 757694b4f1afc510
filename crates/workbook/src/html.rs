//! Reads the one plain table of a web page, which ERP programs write and call `.xls`. If it is doubtful which row or
//! column a cell is in, the page is refused with the reason: spanning cells, nested tables, a second table.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::assembly::{Assembly, SheetExtras, Visit};
use super::budget::{Budget, holds_too_much};
use super::delimited::{TEXT_FORMAT, text_formula};
use super::format::{Format, Opened, SheetReader, Signature, contains_ignoring_case};
use super::row::RawValue;
use inventory_base::message::{Refusal, count, note, refusal};

const KIND: &str = "a web page";

pub const FORMAT: Format = Format {
    name: KIND,
    endings: &["html", "htm"],
    recognises: |signature| matches!(signature, Signature::Text(text) if is_page(text)),
    open: |input| {
        let text = input.text()?;
        input.budget.check_whole_file(input.source.length(), "too much data for a web page")?;
        let reader = HtmlReader::open(text.read_whole()?, input.budget)?;
        Ok(Opened { note: text.note().cloned(), ..Opened::new(reader, vec![input.only_sheet()]) })
    },
    // ERP programs mean it to be opened with Excel, so that another ending would be of no use.
    misnamed: |_, name| note!(WebPageRead { name }),
};

/// The tags that a web page can begin with. A list whose first cell merely begins with `<` is not a web page.
const FIRST_TAGS: &[&[u8]] =
    &[b"!doctype html", b"html", b"head", b"body", b"meta", b"title", b"style", b"script", b"table", b"div"];

fn is_page(text: &[u8]) -> bool {
    let Some(markup) = text.strip_prefix(b"<") else {
        return false;
    };
    let begins_with = |tag: &&[u8]| {
        let (Some(start), next) = (markup.get(..tag.len()), markup.get(tag.len())) else {
            return false;
        };
        start.eq_ignore_ascii_case(tag) && next.is_none_or(|byte| !byte.is_ascii_alphanumeric())
    };
    FIRST_TAGS.iter().any(begins_with)
        || (markup.starts_with(b"?xml")
            && (contains_ignoring_case(markup, b"<html") || contains_ignoring_case(markup, b"<!doctype html")))
}

/// A web page with one plain table.
pub struct HtmlReader {
    page: String,
}

impl HtmlReader {
    /// Parses the page once, so that no row of an unsuitable page is passed on.
    pub fn open(page: String, budget: &Budget) -> Result<HtmlReader, Refusal> {
        let reader = HtmlReader { page };
        let mut tables = 0;
        let mut cells = 0;
        reader.parse(&mut |piece| {
            match piece {
                Piece::Table => tables += 1,
                Piece::Cell(_) => cells += 1,
                Piece::RowEnd => {}
            }
            if cells > budget.whole_cells {
                return Err(holds_too_much("too many cells", &count(budget.whole_cells)));
            }
            match tables {
                0 | 1 => Ok(ControlFlow::Continue(())),
                _ => Err(not_plain("has more than one table")),
            }
        })?;
        if tables == 0 { Err(refusal!(FileIsOtherKind { kind: KIND })) } else { Ok(reader) }
    }

    fn parse(&self, take: &mut dyn FnMut(Piece) -> Result<ControlFlow<()>, Refusal>) -> Result<(), Refusal> {
        let mut parser = Parser { take, in_table: false, in_row: false, cell: None };
        let mut rest = self.page.as_str();
        while !rest.is_empty() {
            let (text, markup) = rest.find('<').map_or((rest, ""), |at| rest.split_at(at));
            parser.text(text);
            if markup.is_empty() {
                break;
            }
            let (tag, behind) = split_tag(markup);
            rest = behind;
            let Some((name, attributes)) = name_of(tag) else {
                // A `<` that does not begin a tag is text, as in "< 5 kg".
                if !matches!(markup.as_bytes().get(1), Some(b'!' | b'?' | b'/')) {
                    parser.text("<");
                    rest = &markup[1..];
                }
                continue;
            };
            // The content of these is for the browser.
            if let Some(end) = match name.as_str() {
                "style" => Some("</style"),
                "script" => Some("</script"),
                "head" => Some("</head"),
                _ => None,
            } {
                rest = find_ignoring_case(rest, end).map_or("", |at| &rest[at..]);
                continue;
            }
            if parser.tag(&name, attributes)?.is_break() {
                return Ok(());
            }
        }
        parser.end_row().map(|_| ())
    }
}

impl SheetReader for HtmlReader {
    fn visit_rows(
        &mut self,
        _: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let mut assembly = Assembly::new(sheet, budget, visit);
        let (mut row, mut column) = (1, 0);
        self.parse(&mut |piece| {
            match piece {
                Piece::Table => {}
                Piece::Cell(text) => {
                    let (text, format) = match text_formula(&text) {
                        Some(text) => (text.into_owned(), Some(TEXT_FORMAT.into())),
                        None => (text, None),
                    };
                    assembly.push(row, column, RawValue::Text(Cow::Owned(text)), format)?;
                    column += 1;
                }
                Piece::RowEnd => {
                    assembly.count_fields(column);
                    let flow = assembly.end_row(row)?;
                    (row, column) = (row + 1, 0);
                    return Ok(flow);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Some(SheetExtras::default()))
    }

    fn is_text(&self) -> bool {
        true
    }
}

/// What the table of a page consists of.
enum Piece {
    Table,
    Cell(String),
    RowEnd,
}

struct Parser<'a> {
    take: &'a mut dyn FnMut(Piece) -> Result<ControlFlow<()>, Refusal>,
    in_table: bool,
    in_row: bool,
    cell: Option<String>,
}

impl Parser<'_> {
    fn text(&mut self, text: &str) {
        let Some(cell) = &mut self.cell else { return };
        // Whitespace collapses to a single space, as browsers show it; non-breaking spaces are kept.
        for c in unescape(text).chars() {
            if !c.is_ascii_whitespace() {
                cell.push(c);
            } else if !cell.ends_with([' ', '\n']) {
                cell.push(' ');
            }
        }
    }

    fn tag(&mut self, name: &str, attributes: &str) -> Result<ControlFlow<()>, Refusal> {
        match name {
            "table" if self.in_table => return Err(not_plain("has a table inside a table")),
            "table" => {
                self.in_table = true;
                return (self.take)(Piece::Table);
            }
            "/table" => {
                let flow = self.end_row()?;
                self.in_table = false;
                return Ok(flow);
            }
            _ if !self.in_table => {}
            "tr" => {
                let flow = self.end_row()?;
                self.in_row = true;
                return Ok(flow);
            }
            "/tr" => return self.end_row(),
            "td" | "th" => {
                if spans(attributes, "colspan") || spans(attributes, "rowspan") {
                    return Err(not_plain("has cells that span several columns or rows"));
                }
                if !self.in_row {
                    return Err(not_plain("has cells outside rows"));
                }
                let flow = self.end_cell()?;
                self.cell = Some(String::new());
                return Ok(flow);
            }
            "/td" | "/th" => return self.end_cell(),
            "br" | "br/" | "/p" | "/div" => {
                if let Some(cell) = &mut self.cell {
                    cell.truncate(cell.trim_end_matches(' ').len());
                    cell.push('\n');
                }
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end_cell(&mut self) -> Result<ControlFlow<()>, Refusal> {
        match self.cell.take() {
            Some(text) => (self.take)(Piece::Cell(text.trim_matches([' ', '\n', '\u{A0}']).to_owned())),
            None => Ok(ControlFlow::Continue(())),
        }
    }

    fn end_row(&mut self) -> Result<ControlFlow<()>, Refusal> {
        if self.end_cell()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if !std::mem::take(&mut self.in_row) {
            return Ok(ControlFlow::Continue(()));
        }
        (self.take)(Piece::RowEnd)
    }
}

/// Splits off a tag up to its `>`, or a comment up to its end.
fn split_tag(markup: &str) -> (&str, &str) {
    if markup.starts_with("<!--") {
        return markup.find("-->").map_or((markup, ""), |at| markup.split_at(at + 3));
    }
    let mut quote = None;
    for (at, byte) in markup.bytes().enumerate() {
        match (byte, quote) {
            (b'>', None) => return markup.split_at(at + 1),
            (b'"' | b'\'', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            _ => {}
        }
    }
    (markup, "")
}

/// The name in lower case, with the slash of a closing tag, and what follows it.
fn name_of(tag: &str) -> Option<(String, &str)> {
    let inner = tag.strip_prefix('<')?;
    let slash = usize::from(inner.starts_with('/'));
    let length = inner[slash..].bytes().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if length == 0 || !inner.as_bytes()[slash].is_ascii_alphabetic() {
        return None;
    }
    let (name, attributes) = inner.split_at(slash + length);
    // `o:p` and similar tags written by Office are ignored.
    let name = if attributes.starts_with(':') { "other".to_owned() } else { name.to_ascii_lowercase() };
    Some((name, attributes.trim_end_matches('>')))
}

fn spans(attributes: &str, name: &str) -> bool {
    let Some(at) = find_ignoring_case(attributes, name) else {
        return false;
    };
    let value = attributes[at + name.len()..].trim_start().strip_prefix('=').map(str::trim_start).unwrap_or_default();
    let digits: String = value.trim_start_matches(['"', '\'']).chars().take_while(char::is_ascii_digit).collect();
    digits != "1"
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Decodes numeric references and the named ones that exports use; unknown ones are kept as text.
fn unescape(text: &str) -> Cow<'_, str> {
    const MAX_ENTITY_BYTES: usize = 10;
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.bytes().take(MAX_ENTITY_BYTES).position(|byte| byte == b';');
        match end.and_then(|end| Some((named_char(&after[..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &after[end + 1..];
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn named_char(name: &str) -> Option<char> {
    const NAMES: [(&str, char); 34] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{A0}'),
        ("auml", 'ä'),
        ("ouml", 'ö'),
        ("uuml", 'ü'),
        ("Auml", 'Ä'),
        ("Ouml", 'Ö'),
        ("Uuml", 'Ü'),
        ("szlig", 'ß'),
        ("agrave", 'à'),
        ("aacute", 'á'),
        ("acirc", 'â'),
        ("egrave", 'è'),
        ("eacute", 'é'),
        ("ecirc", 'ê'),
        ("iacute", 'í'),
        ("oacute", 'ó'),
        ("ocirc", 'ô'),
        ("uacute", 'ú'),
        ("ntilde", 'ñ'),
        ("ccedil", 'ç'),
        ("euro", '€'),
        ("pound", '£'),
        ("deg", '°'),
        ("micro", 'µ'),
        ("times", '×'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("reg", '®'),
        ("trade", '™'),
    ];
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|&c| c != '\0');
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

fn not_plain(reason: &str) -> Refusal {
    refusal!(TableNotPlain { kind: KIND, reason })
}

#[cfg(test)]
mod tests;
