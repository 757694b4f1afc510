use super::*;
use crate::formats::FORMATS;
use crate::zipped::tests::{source_of, zip_of};
use crate::{delimited, html, ods, xls, xlsb, xlsx, xml2003};
use inventory_base::message::Rule;
use inventory_test_files::compound::compound;

fn utf16(text: &str, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xFEFF);
    mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_list_is_recognised_by_its_bytes() {
    let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
    let ods = "application/vnd.oasis.opendocument.spreadsheet";
    let cases: Vec<(Vec<u8>, Format)> = vec![
        (workbook, xlsx::FORMAT),
        (zip_of(&[("XL\\Workbook.xml", "")]), xlsx::FORMAT),
        (zip_of(&[("xl/workbook.bin", "")]), xlsb::FORMAT),
        (zip_of(&[("mimetype", ods), ("content.xml", "")]), ods::FORMAT),
        (compound("Workbook", vec![]), xls::FORMAT),
        (compound("Book", vec![]), xls::FORMAT),
        (b"  <!DOCTYPE html><table>".to_vec(), html::FORMAT),
        (b"\xEF\xBB\xBF<TABLE border=1>".to_vec(), html::FORMAT),
        (b"<?xml version='1.0'?><html>".to_vec(), html::FORMAT),
        (b"<?xml version='1.0'?><?mso-application progid=\"Excel.Sheet\"?>".to_vec(), xml2003::FORMAT),
        (utf16("SKU\tPrice\r\n", true), delimited::FORMAT),
        (utf16("SKU\tPrice\r\n", false), delimited::FORMAT),
        (b"SKU,Price\nA-17,2.50\n".to_vec(), delimited::FORMAT),
        (b"\xEF\xBB\xBFSKU;Price\n".to_vec(), delimited::FORMAT),
        ("Größe;Preis\n".as_bytes().to_vec(), delimited::FORMAT),
        (b"Gr\xF6\xDFe;Preis\n".to_vec(), delimited::FORMAT),
        (b"<none>,1\n".to_vec(), delimited::FORMAT),
        (b"<tablet>,1\n".to_vec(), delimited::FORMAT),
        (b"PK,1\n".to_vec(), delimited::FORMAT),
        (b"II,1\n".to_vec(), delimited::FORMAT),
        ([vec![b'\n'; 3 * HEAD_BYTES], b"SKU\n".to_vec()].concat(), delimited::FORMAT),
    ];
    for (bytes, format) in cases {
        assert_eq!(
            sniff(&source_of(&bytes), FORMATS).map(|found| found.name),
            Ok(format.name),
            "{:?}",
            String::from_utf8_lossy(&bytes[..20.min(bytes.len())])
        );
    }
}

#[test]
fn files_that_are_not_lists_are_refused_by_kind() {
    let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
    let cases: Vec<(Vec<u8>, Rule, &str)> = vec![
        (b"".to_vec(), Rule::FileEmpty, "empty"),
        (b" \r\n\t\n".to_vec(), Rule::FileEmpty, "empty"),
        (b"\xEF\xBB\xBF\r\n".to_vec(), Rule::FileEmpty, "empty"),
        (vec![b' '; 3 * HEAD_BYTES], Rule::FileEmpty, "empty"),
        (workbook[..workbook.len() / 2].to_vec(), Rule::FileDamaged, "damaged"),
        (vec![0; 4096], Rule::FileDamaged, "damaged"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0".to_vec(), Rule::FileDamaged, "damaged"),
        (compound("EncryptedPackage", vec![]), Rule::FileProtected, "password"),
        (compound("WordDocument", vec![]), Rule::FileIsOtherKind, "a Word document"),
        (compound("PowerPoint Document", vec![]), Rule::FileIsOtherKind, "a PowerPoint presentation"),
        (compound("__nameid_version1.0", vec![]), Rule::FileIsOtherKind, "an email message"),
        (b"\x09\x04\x06\x00\0\0\x10\0\0\0".to_vec(), Rule::SpreadsheetIsOtherKind, "Excel 4 or older"),
        (zip_of(&[("mimetype", "application/vnd.oasis.opendocument.text")]), Rule::FileIsOtherKind, "OpenDocument"),
        (zip_of(&[("Index/Document.iwa", "")]), Rule::SpreadsheetIsOtherKind, "a Numbers file"),
        (zip_of(&[("Index/Document.iwa", ""), ("Index/Slide-1.iwa", "")]), Rule::FileIsOtherKind, "a Keynote file"),
        (zip_of(&[("word/document.xml", "")]), Rule::FileIsOtherKind, "a Word document"),
        (zip_of(&[("ppt/presentation.xml", "")]), Rule::FileIsOtherKind, "a PowerPoint presentation"),
        (zip_of(&[("stock.csv", "SKU")]), Rule::FileIsOtherKind, "a zip archive"),
        (zip_of::<&str>(&[]), Rule::FileIsOtherKind, "a zip archive"),
        (b"%PDF-1.7\n\0".to_vec(), Rule::FileIsOtherKind, "a PDF"),
        (b"\n%PDF-1.7\n".to_vec(), Rule::FileIsOtherKind, "a PDF"),
        (b"\x89PNG\r\n\x1A\n\0\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
        (b"\xFF\xD8\xFF\xE0\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
        (b"GIF89a\x01\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Rule::FileIsOtherKind, "a picture"),
        (b"\0\0\0\x18ftypheic".to_vec(), Rule::FileIsOtherKind, "a picture"),
        (b"\x1F\x8B\x08\0".to_vec(), Rule::FileIsOtherKind, "a compressed file"),
        (b"{\n  \"version\": 1, \"load\": null, \"upload\": {} }".to_vec(), Rule::FileIsOurs, "a report or a plan"),
        (
            b"<!DOCTYPE html><meta name=\"generator\" content=\"inventory-loader report\">".to_vec(),
            Rule::FileIsOurs,
            "a report or a plan",
        ),
        (b"{\"sheet\":\"Stock\",\"row\":2,\"fate\":\"new\"}".to_vec(), Rule::FileIsOurs, "a report or a plan"),
        (b"<?xml version='1.0'?><stock/>".to_vec(), Rule::FileIsOtherKind, "an XML file"),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0\x03\0>\0".to_vec(), Rule::FileIsOtherKind, "of an unknown kind"),
    ];
    for (bytes, rule, words) in cases {
        let refusal = sniff(&source_of(&bytes), FORMATS).map(|found| found.name).expect_err(words);
        assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
        assert!(refusal.message.contains(words), "{}", refusal.message);
        assert!(!refusal.message.contains('{') && !refusal.advice.contains('{'), "{}", refusal.message);
    }
}
