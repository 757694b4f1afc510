//! Finds words in comments, documents and sentences that a native speaker of the trade would not use there.

use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use crate::harness::root;

/// What not to say, and what to say instead.
const BANNED: &[(&str, &str)] = &[
    (r"\b[Mm]end(s|ed|ing)?\b", "fix"),
    (r"\b[Tt]rials?\b", "dry run"),
    (
        r"\b[Ss]t(ands?|ood)( \w+)? (in|on|there|at|beside|under|above|before|between|alone|below|where)\b",
        "is in, is at",
    ),
    (r"\b[Pp]arted by\b|\bsigns? between\b", "separated by, separator"),
    (r"\b(nobody|no one) sees\b", "invisible"),
    (r"\b(\d+|many|few|more|long) letters\b|\bletters (long|at most)\b", "characters"),
    (r"\bsheets? that (is|are) shown\b", "visible sheet"),
    (r"\b[Ss]o (many|long|often)\b", "the number"),
    (r"\b([Ww]hoever|[Ss]omebody|[Aa]nybody|[Nn]obody)\b", "the caller, the operator, the uploader, the approver"),
    (r"\b(is|are|was|were|be) told\b|\b[Tt]ells?\b|\b[Tt]elling\b", "reports, notifies, returns"),
    (r"\b(is|are|was|were|be) over\b", "finished, ended"),
    (r"\b(is|are) at it\b", "running"),
    (r"\b(gets?|got|getting) nowhere\b", "makes no progress"),
    (r"\bonce more\b|\banew\b", "again, retry"),
    (r"\b(go(es)?|going|went|gone) on\b", "continues, resumes"),
    (r"\bstay(s|ed)? as (it|they) (is|are|was|were)\b", "is unchanged"),
    (r"\b[Nn]one where\b", "`None` if"),
    (r"\bleav(es?|ing) off\b|\bleft off\b", "stops"),
    (r"\b[Jj]ourneys?\b|\btravel(s|led|ling)?\b", "load, run"),
    (r"\b(takes?|taken|took)( it| them| that| this| items)? back\b", "undo"),
];

/// Where these words mean what they say.
const ALLOWED: &[&str] = &["told apart", "packed.tell()", ":nobody", "user nobody", "`nobody`", "`mends`", "take back"];

/// Files that are read: those with sentences of ours.
const ENDINGS: [&str; 8] = ["rs", "md", "py", "yaml", "toml", "sh", "css", "mjs"];
/// Folders and files that are not ours, or quote what is not ours: the list itself, data, and what is installed.
const LEFT_OUT: [&str; 8] =
    ["target", ".local", ".git", "node_modules", "corpus", "found", "tests/docs/words.rs", "CHANGELOG.md"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.strip_prefix(root()).expect("a file of the project").to_string_lossy().into_owned();
        if LEFT_OUT.iter().any(|left_out| name == *left_out || name.ends_with(&format!("/{left_out}"))) {
            continue;
        }
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
            found.push(entry);
        }
    }
}

/// What a line says to people: in Rust its comment and its texts, elsewhere all of it.
fn prose(file: &Path, line: &str) -> String {
    if file.extension().is_none_or(|ending| ending != "rs") {
        return line.to_string();
    }
    let is_comment = line.trim_start().starts_with("//");
    if is_comment {
        return line.to_string();
    }
    let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    let comment = line.split_once(" // ").map(|(_, comment)| comment).unwrap_or_default();
    // Data of a test is often one word; a sentence has several.
    let sentences = quoted.into_iter().filter(|text| text.split(' ').count() > 3);
    sentences.chain([comment]).collect::<Vec<_>>().join(" ")
}

#[test]
fn no_sentence_has_words_that_only_this_project_would_use() {
    let banned: Vec<(Regex, &str)> =
        BANNED.iter().map(|(pattern, instead)| (Regex::new(pattern).expect("a pattern"), *instead)).collect();
    // To tell things apart is to distinguish them.
    let apart = Regex::new(r"\b(tells?|telling)( \w+){0,6} apart\b").expect("a pattern");
    let (mut all, mut found) = (Vec::new(), Vec::new());
    files(root(), &mut all);
    assert!(all.len() > 300, "only {} files were found", all.len());
    for file in all {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            let mut said = prose(&file, line);
            said = apart.replace_all(&said, "").into_owned();
            ALLOWED.iter().for_each(|allowed| said = said.replace(allowed, ""));
            for (pattern, instead) in &banned {
                if let Some(word) = pattern.find(&said) {
                    let place = file.strip_prefix(root()).expect("a file of the project").display();
                    found.push(format!("{place}:{}: \"{}\"; say {instead}", number + 1, word.as_str()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}
