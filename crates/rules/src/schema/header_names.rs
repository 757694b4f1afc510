//! The names by which headers are matched to columns, computed once per set of rules.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::{Column, DocumentHeaders};

/// Cells with longer texts are not treated as headers.
const HEADER_BYTES: usize = 1024;

/// Normalises a name: no case, accents, spaces or punctuation. `Unit-Price ` and `unit price` are the same, and so are
/// `Qualité` and `QUALITE`.
pub fn canonical_name(text: &str) -> String {
    if text.is_ascii() {
        return text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    }
    fold(text, |_| None)
}

/// The same with umlauts spelled out, if there are any: `Stückzahl` is also typed as `Stueckzahl`.
fn spelled_out(text: &str) -> Option<String> {
    let letters = |c| match c {
        'ä' => Some("ae"),
        'ö' | 'ø' => Some("oe"),
        'ü' => Some("ue"),
        'å' => Some("aa"),
        _ => None,
    };
    let has_some = !text.is_ascii() && text.nfkc().flat_map(char::to_lowercase).any(|c| letters(c).is_some());
    has_some.then(|| fold(text, letters))
}

fn fold(text: &str, letters: impl Fn(char) -> Option<&'static str>) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.nfkc().flat_map(char::to_lowercase) {
        // Characters that don't decompose into a letter and an accent.
        let instead = letters(c).or(match c {
            'ß' => Some("ss"),
            'æ' => Some("ae"),
            'œ' => Some("oe"),
            'ø' => Some("o"),
            'ł' => Some("l"),
            _ => None,
        });
        match instead {
            Some(instead) => name.push_str(instead),
            None => name.extend(std::iter::once(c).nfd().filter(|c| c.is_alphanumeric() && !is_accent(*c))),
        }
    }
    name
}

/// Accents above and below Latin, Greek and Cyrillic letters. In other scripts a mark may be the vowel.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// The column that a header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownHeader {
    /// The column's index in the rules.
    pub column: usize,
    /// Counts only if the sheet has no other name of the column.
    pub fallback: bool,
}

/// Two columns that would be found under the same header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// As the rules write it, in the later column.
    pub name: String,
    pub first: usize,
    pub second: usize,
}

/// A header with `*` at one end or both, in each of its spellings.
#[derive(Debug, Clone)]
struct HeaderPattern {
    spellings: Vec<String>,
    any_before: bool,
    any_after: bool,
}

impl HeaderPattern {
    fn of(text: &str) -> HeaderPattern {
        let (text, any_before) = text.strip_prefix('*').map_or((text, false), |text| (text, true));
        let (text, any_after) = text.strip_suffix('*').map_or((text, false), |text| (text, true));
        HeaderPattern { spellings: spellings(text), any_before, any_after }
    }

    /// Whether the pattern matches a header, which is given in each of its spellings.
    fn fit(&self, header: &[String]) -> bool {
        let fits = |name: &String, word: &String| match (self.any_before, self.any_after) {
            (true, true) => name.contains(word.as_str()),
            (true, false) => name.ends_with(word.as_str()),
            (false, true) => name.starts_with(word.as_str()),
            (false, false) => name == word,
        };
        self.spellings.iter().any(|word| header.iter().any(|name| fits(name, word)))
    }
}

fn spellings(text: &str) -> Vec<String> {
    std::iter::once(canonical_name(text)).chain(spelled_out(text)).collect()
}

/// Chooses between headers that could be the same column.
#[derive(Debug, Clone, Default)]
struct HeaderChoice {
    prefer: Vec<[HeaderPattern; 2]>,
    candidates: Vec<HeaderPattern>,
    never: Vec<HeaderPattern>,
}

impl HeaderChoice {
    fn of(column: &Column) -> HeaderChoice {
        let words = |texts: &[String]| texts.iter().map(|text| HeaderPattern::of(text)).collect();
        HeaderChoice {
            prefer: column.prefer.iter().map(|pair| pair.each_ref().map(|text| HeaderPattern::of(text))).collect(),
            // The rules name the only header; no other one is suggested.
            candidates: if column.header.is_some() { Vec::new() } else { words(&column.candidates) },
            never: words(&column.never),
        }
    }

    fn excludes(&self, header: &[String]) -> bool {
        self.never.iter().any(|words| words.fit(header))
    }
}

/// All names of all columns.
#[derive(Debug, Clone, Default)]
pub(super) struct HeaderNames {
    exact: HashMap<String, KnownHeader>,
    /// Prefixes of headers, longest first.
    prefixes: Vec<(String, KnownHeader)>,
    /// In the order of the rules' columns.
    choices: Vec<HeaderChoice>,
    document_numbers: Vec<HeaderPattern>,
    not_stock: Vec<HeaderPattern>,
}

impl HeaderNames {
    /// Collects the names of a set of rules.
    pub fn of_rules(columns: &[Column], document: &DocumentHeaders) -> HeaderNames {
        let words = |texts: &[String]| texts.iter().map(|text| HeaderPattern::of(text)).collect();
        let (document_numbers, not_stock) = (words(&document.numbers), words(&document.quantities));
        HeaderNames { document_numbers, not_stock, ..HeaderNames::of(columns).0 }
    }

    /// Collects the names and those that clash; a name that clashes stays with the first column.
    pub fn of(columns: &[Column]) -> (HeaderNames, Vec<Clash>) {
        let (mut names, mut clashes) = (HeaderNames::default(), Vec::new());
        for (column, rules) in columns.iter().enumerate() {
            let own = [&rules.title, &rules.name].into_iter().chain(&rules.aliases).map(|name| (name, false));
            let own = own.chain(rules.fallbacks.iter().map(|name| (name, true)));
            let own = own.filter(|_| rules.header.is_none()).chain(rules.header.iter().map(|name| (name, false)));
            for (name, fallback) in own {
                if let Some(first) = names.add(name, KnownHeader { column, fallback }) {
                    clashes.push(Clash { name: name.clone(), first, second: column });
                }
            }
        }
        names.choices = columns.iter().map(HeaderChoice::of).collect();
        names.prefixes.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        (names, clashes)
    }

    /// Adds a name. If another column already has it, returns that column.
    fn add(&mut self, name: &str, known: KnownHeader) -> Option<usize> {
        let (text, beginning) = name.strip_suffix('*').map_or((name, false), |text| (text, true));
        let mut taken = None;
        for name in std::iter::once(canonical_name(text)).chain(spelled_out(text)) {
            let there = if beginning {
                let there = self.prefixes.iter().find(|(other, _)| *other == name).map(|(_, known)| *known);
                if there.is_none() {
                    self.prefixes.push((name, known));
                }
                there
            } else {
                let there = self.exact.get(&name).copied();
                self.exact.entry(name).or_insert(known);
                there
            };
            taken = taken.or(there.map(|there| there.column).filter(|column| *column != known.column));
        }
        taken
    }

    /// Finds the column with this header. A full name takes precedence over a prefix.
    pub fn find(&self, header: &str) -> Option<KnownHeader> {
        if header.len() > HEADER_BYTES {
            return None;
        }
        let name = canonical_name(header);
        if name.is_empty() {
            return None;
        }
        let exact = self.exact.get(&name).copied();
        let exact = exact.or_else(|| self.exact.get(&spelled_out(header)?).copied());
        let begins = || self.prefixes.iter().find(|(beginning, _)| name.starts_with(beginning.as_str()));
        let is_that = |known: &KnownHeader| !self.choices[known.column].excludes(&spellings(header));
        exact.or_else(|| begins().map(|(_, known)| *known).filter(is_that))
    }

    /// Whether this is the full name of a column.
    pub fn is_name(&self, header: &str) -> bool {
        header.len() <= HEADER_BYTES && spellings(header).iter().any(|name| self.exact.contains_key(name))
    }

    /// The columns whose `candidates` match an unknown header.
    pub fn could_be(&self, header: &str) -> impl Iterator<Item = usize> {
        let name = if header.len() > HEADER_BYTES { Vec::new() } else { spellings(header) };
        let could_be = move |choice: &HeaderChoice| {
            choice.candidates.iter().any(|words| words.fit(&name)) && !choice.excludes(&name)
        };
        (0..).zip(&self.choices).filter(move |(_, choice)| could_be(choice)).map(|(column, _)| column)
    }

    /// Whether the column's `never` excludes this header, such as a difference of quantities.
    pub fn excludes(&self, column: usize, header: &str) -> bool {
        header.len() <= HEADER_BYTES && self.choices[column].excludes(&spellings(header))
    }

    pub fn is_document_number(&self, header: &str) -> bool {
        header.len() <= HEADER_BYTES && self.document_numbers.iter().any(|words| words.fit(&spellings(header)))
    }

    pub fn is_not_stock(&self, header: &str) -> bool {
        header.len() <= HEADER_BYTES && self.not_stock.iter().any(|words| words.fit(&spellings(header)))
    }

    /// Whether the rules prefer the first of two headers of a column.
    pub fn prefers(&self, column: usize, first: &str, second: &str) -> bool {
        let (first, second) = (spellings(first), spellings(second));
        self.choices[column].prefer.iter().any(|[one, other]| one.fit(&first) && other.fit(&second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn case_accents_spaces_and_punctuation_are_ignored() {
        for (text, name) in [
            (" Unit-Price:\n", "unitprice"),
            ("Qté (en stock)", "qteenstock"),
            ("Qte\u{301}", "qte"),
            ("ALMACÉN", "almacen"),
            ("Größe", "grosse"),
            ("GRÖSSE", "grosse"),
            ("N° d\u{2019}article", "ndarticle"),
            ("Ｑｔｙ", "qty"),
            ("Œuvre", "oeuvre"),
            ("Ł", "l"),
            ("İstanbul", "istanbul"),
            ("数量", "数量"),
            ("---", ""),
        ] {
            assert_eq!(canonical_name(text), name, "{text}");
        }
    }

    fn find(aliases: &str, header: &str) -> Option<usize> {
        let rules = format!(
            "version = 1\n[key]\npartition = \"sku\"\n[[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
             [[column]]\nname = \"quantity\"\ntype = \"integer\"\naliases = {aliases}\n"
        );
        let schema = Schema::from_toml(&rules).unwrap();
        HeaderNames::of(&schema.columns).0.find(header).map(|known| known.column)
    }

    #[test]
    fn all_spellings_of_an_umlaut_are_equal() {
        for alias in ["[\"Stückzahl\"]", "[\"Stueckzahl\"]"] {
            for header in ["Stückzahl", "STÜCKZAHL", "Stueckzahl", "Stu\u{308}ckzahl"] {
                assert_eq!(find(alias, header), Some(1), "{alias} {header}");
            }
        }
        assert_eq!(find("[\"Stückzahl\"]", "Stuckzahl"), Some(1));
    }

    #[test]
    fn a_name_can_be_a_prefix_of_headers() {
        assert_eq!(find("[\"Current Quantity *\"]", "Current Quantity Main Street"), Some(1));
        assert_eq!(find("[\"Current Quantity *\"]", "Current quantity"), Some(1));
        assert_eq!(find("[\"Current Quantity *\"]", "New Quantity Main Street"), None);
        assert_eq!(find("[\"S*\"]", "SKU"), Some(0));
    }
}
