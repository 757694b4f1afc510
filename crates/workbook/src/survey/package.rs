//! Finds the parts of an xlsx workbook that its reader will read, in the same way as the reader.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::budget::Budget;
use super::super::scan::{damaged, is_true};
use super::super::zipped::{Unpacked, Zipped};
use inventory_base::message::Refusal;

/// The paths of the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub shared_texts: String,
    /// Styles and other small parts.
    pub others: Vec<String>,
    /// The sheets in order: name and path.
    pub sheets: Vec<(String, String)>,
    /// Whether the workbook says that a program has calculated it.
    pub is_calculated: bool,
}

impl Package {
    pub fn read(zipped: &mut Zipped, budget: &Budget, unpacked: &mut Unpacked) -> Result<Package, Refusal> {
        let mut target = None;
        each_start(&small(zipped, "_rels/.rels", budget, unpacked)?, "Relationship", &mut |tag| {
            if attribute(tag, "Type")?.is_some_and(|kind| kind.ends_with("/relationships/officeDocument")) {
                target = attribute(tag, "Target")?;
            }
            Ok(())
        })?;
        let target = target.ok_or_else(damaged)?;
        let (folder, book) = target.rfind('/').map_or(("", target.as_str()), |at| target.split_at(at + 1));
        let folder = folder.strip_prefix('/').unwrap_or(folder);
        let book = if book.is_empty() { "workbook.xml" } else { book };
        let relations = format!("{folder}_rels/{book}.rels");

        let mut paths = HashMap::new();
        each_start(&small(zipped, &relations, budget, unpacked)?, "Relationship", &mut |tag| {
            if let (Some(id), Some(path)) = (attribute(tag, "Id")?, attribute(tag, "Target")?) {
                paths.insert(id, path);
            }
            Ok(())
        })?;
        let book = format!("{folder}{book}");
        let book_xml = small(zipped, &book, budget, unpacked)?;
        let is_calculated = is_calculated(&book_xml)?;
        let mut sheets = Vec::new();
        each_start(&book_xml, "sheet", &mut |tag| {
            if let (Some(name), Some(path)) = (attribute(tag, "name")?, attribute(tag, "id")?) {
                let path = paths.get(&path).ok_or_else(damaged)?;
                let path = path.strip_prefix('/').map_or_else(|| format!("{folder}{path}"), str::to_owned);
                sheets.push((name, path));
            }
            Ok(())
        })?;
        let others = vec![
            "_rels/.rels".to_owned(),
            relations,
            book,
            format!("{folder}styles.xml"),
            format!("{folder}theme/theme1.xml"),
        ];
        Ok(Package { shared_texts: format!("{folder}sharedStrings.xml"), others, sheets, is_calculated })
    }
}

/// Whether a workbook says that its formulas were calculated. XlsxWriter, EPPlus and PhpSpreadsheet ask Excel to
/// calculate on opening, or leave it to the user; Apache POI says nothing, or gives 0 as the version that calculated
/// last. LibreOffice and Google Sheets calculate and give no version.
fn is_calculated(book: &str) -> Result<bool, Refusal> {
    let mut is_calculated = false;
    each_start(book, "calcPr", &mut |tag| {
        let asks = attribute(tag, "fullCalcOnLoad")?.is_some_and(|asks| is_true(asks.as_bytes()));
        let is_manual = attribute(tag, "calcMode")?.is_some_and(|mode| mode == "manual");
        is_calculated = !asks && !is_manual && attribute(tag, "calcId")?.is_none_or(|id| id != "0");
        Ok(())
    })?;
    Ok(is_calculated)
}

fn small(zipped: &mut Zipped, part: &str, budget: &Budget, unpacked: &mut Unpacked) -> Result<String, Refusal> {
    let bytes = zipped.read_small(part, budget, unpacked)?.ok_or_else(damaged)?;
    String::from_utf8(bytes).map_err(|_| damaged())
}

/// Visits every element of this name.
pub fn each_start(
    xml: &str,
    name: &str,
    take: &mut dyn FnMut(&BytesStart<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    loop {
        match reader.read_event().map_err(|_| damaged())? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == name => take(&tag)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// An attribute by its local name.
pub fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Refusal> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| damaged())?;
        if attribute.key.local_name().as_ref() == name {
            return Ok(Some(attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| damaged())?.into_owned()));
        }
    }
    Ok(None)
}
