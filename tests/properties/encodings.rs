//! Files in legacy encodings, which do not declare their encoding: they are never read as other words.

use encoding_rs::Encoding;
use inventory_base::message::Rule;
use inventory_workbook::{Budget, RawValue, Workbook};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestCaseError;

use super::file_of;
use crate::harness::check_property;
use crate::truth::language::{FRENCH, GERMAN, Language, OTHERS, SPANISH};

/// Few, because detecting an encoding takes about 20 ms in a debug build.
const CASES: u32 = 32;

fn any_language() -> impl Strategy<Value = &'static Language> {
    select([&OTHERS[..], &[&GERMAN, &FRENCH, &SPANISH]].concat())
}

fn words_of(language: &Language) -> Vec<&'static str> {
    [language.items, language.categories, language.warehouses, language.suppliers].concat()
}

/// Returns a file with each word in a row of its own below a header, or `None` if the encoding lacks a character.
fn file_with(language: &Language, words: &[String]) -> Option<Vec<u8>> {
    let rows: String = (1..).zip(words).map(|(number, word)| format!("A-{number};{word};{number}\r\n")).collect();
    let encoding = Encoding::for_label(language.encoding.as_bytes()).expect("an encoding");
    let (bytes, _, has_lost) = encoding.encode(&rows);
    (!has_lost).then(|| [b"SKU;Name;Qty\r\n", bytes.as_ref()].concat())
}

/// Reads the words back; `None` if the file is refused.
fn read_words(bytes: &[u8]) -> Result<Option<Vec<String>>, TestCaseError> {
    let mut workbook = match Workbook::open(file_of(bytes), "stock", Budget::DEFAULT) {
        Ok(workbook) => workbook,
        Err(refusal) => {
            prop_assert_eq!(refusal.rule, Rule::EncodingUnclear);
            return Ok(None);
        }
    };
    let mut words = Vec::new();
    let read = workbook.visit_rows(0, &mut |row| {
        if let (2.., Some(RawValue::Text(word))) = (row.number, row.cell(1).map(|cell| &cell.value)) {
            words.push(word.to_string());
        }
        std::ops::ControlFlow::Continue(())
    });
    read.map(|()| Some(words)).map_err(super::refused)
}

#[test]
fn any_words_in_a_legacy_encoding_are_read_correctly_or_refused() {
    let file = any_language().prop_flat_map(|language| {
        let word = (select(words_of(language)), any::<bool>());
        let word = word.prop_map(|(word, is_upper)| if is_upper { word.to_uppercase() } else { word.to_owned() });
        (Just(language), vec(word, 1..30))
    });
    check_property(CASES, file, |(language, words)| {
        let Some(bytes) = file_with(language, &words) else { return Ok(()) };
        if let Some(read) = read_words(&bytes)? {
            prop_assert_eq!(read, words, "{}", language.name);
        }
        Ok(())
    });
}

#[test]
fn almost_all_words_of_a_language_suffice_to_detect_its_encoding() {
    const MISSING: usize = 3;
    let file = any_language().prop_flat_map(|language| {
        let words: Vec<String> = words_of(language).into_iter().map(str::to_owned).collect();
        let all = words.len();
        (Just(language), subsequence(words, all - MISSING..=all).prop_shuffle())
    });
    check_property(CASES, file, |(language, words)| {
        let bytes = file_with(language, &words).expect("words in their own encoding");
        prop_assert_eq!(read_words(&bytes)?, Some(words), "{}", language.name);
        Ok(())
    });
}
