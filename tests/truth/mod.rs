//! Random lists with known contents and typical defects: every difference between what is loaded and the truth must be
//! reported.

mod case;
pub mod language;
mod list;
mod oracle;
mod tally;
mod trap;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fastrand::Rng;

use case::{Case, CellTypes, FileFormat};
use language::{COMMON, OTHERS};
use list::{Field, List};
use oracle::{Answer, Difference, Kind, Verdict};
use tally::Tally;
use trap::Trap;
use write::CsvStyle;

/// The number of sheets in a test run, unless `TRUTH_SHEETS` is set.
const SHEETS: u64 = 60;
const THREADS: u64 = 2;
/// The lengths to which a failing list is shortened, if it still fails.
const SHORTER: [usize; 6] = [1, 2, 3, 5, 8, 13];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// A case: everything is determined by the seed, except for the length of the list and the traps that are applied.
#[derive(Debug, Clone, Copy)]
struct Seed {
    seed: u64,
    rows: usize,
    /// Bits: the first trap, the second.
    traps: u8,
}

impl Seed {
    fn make(self) -> (Case, Vec<&'static str>) {
        let mut rng = Rng::with_seed(self.seed);
        let (mut traps, file_format) = choose(&mut rng);
        let language = traps.iter().rev().find_map(|trap| rng.choice(trap.languages).copied());
        let language = language.unwrap_or_else(|| match rng.u8(..4) {
            0 => OTHERS[rng.usize(..OTHERS.len())],
            _ => COMMON[rng.usize(..COMMON.len())],
        });
        let keys = traps.iter().find_map(|trap| trap.keys);
        let needs: Vec<Field> = traps.iter().flat_map(|trap| trap.needs.iter().copied()).collect();
        let list = List::any(language, keys, &needs, self.rows, &mut rng);
        let text = CsvStyle::any(language, &mut rng);
        let cell_types = CellTypes::any(&mut rng);
        let mut case = Case::new(file_format, list, text, cell_types, rng.fork());
        let mut bits = self.traps;
        traps.retain(|_| {
            let wanted = bits & 1 == 1;
            bits >>= 1;
            wanted
        });
        let applied = traps.into_iter().filter(|trap| {
            // A trap that cannot be applied completely is undone.
            let before = case.clone();
            let applied = (trap.apply)(&mut case) && write::can_write(&case);
            if !applied {
                case = before;
            }
            applied
        });
        let applied = applied.map(|trap| trap.name).collect();
        (case, applied)
    }
}

/// Chooses up to two compatible traps and a file format they occur in. `TRUTH_TRAP` names the first trap.
fn choose(rng: &mut Rng) -> (Vec<&'static Trap>, FileFormat) {
    let all = trap::all();
    let count = [0, 1, 1, 1, 2][rng.usize(..5)];
    let only = std::env::var("TRUTH_TRAP").ok();
    let Some(first) = (count > 0).then(|| match &only {
        Some(name) => *all.iter().find(|trap| trap.name == name).unwrap_or_else(|| panic!("there is no trap {name}")),
        None => all[rng.usize(..all.len())],
    }) else {
        return (Vec::new(), FileFormat::ALL[rng.usize(..FileFormat::ALL.len())]);
    };
    let file_format = first.file_formats[rng.usize(..first.file_formats.len())];
    let second = all[rng.usize(..all.len())];
    let compatible = second.name != first.name
        && second.file_formats.contains(&file_format)
        && (first.languages.is_empty() || second.languages.is_empty())
        && (first.keys.is_none() || second.keys.is_none());
    (if count == 2 && compatible { vec![first, second] } else { vec![first] }, file_format)
}

/// The outcome of a case.
struct Outcome {
    file_format: FileFormat,
    traps: Vec<&'static str>,
    answer: Answer,
    verdict: Verdict,
}

impl Outcome {
    /// Runs a case. Returns its outcome and the path of the file, which is kept.
    fn of(seed: Seed, folder: &Path) -> (Outcome, PathBuf) {
        let (case, traps) = seed.make();
        let path = folder.join(format!("{}-{}.{}", seed.seed, seed.rows, case.file_format.extension()));
        std::fs::write(&path, case.write()).expect("a file");
        let answer = Answer::of(&path, folder);
        let verdict = Verdict::of(&case, &answer);
        (Outcome { file_format: case.file_format, traps, answer, verdict }, path)
    }

    /// Returns the differences from the truth that the answer doesn't report.
    fn unreported(&self) -> Vec<&Difference> {
        let notes = self.answer.amber();
        self.verdict.differences.iter().filter(|difference| !difference.is_reported(&notes)).collect()
    }

    /// Returns whether a list without traps isn't loaded completely or has notes.
    fn is_false_alarm(&self) -> bool {
        let (all, correct) = self.verdict.plain;
        self.traps.is_empty() && (self.answer.exit != 0 || !self.answer.amber().is_empty() || all != correct)
    }

    /// Returns the kind of the first unreported difference, if any, and its trap.
    fn kind(&self) -> (Option<Kind>, String) {
        let unreported = self.unreported();
        let first = unreported.first();
        let trap = first.and_then(|difference| difference.trap).map(str::to_string);
        (first.map(|difference| difference.kind), trap.unwrap_or_else(|| self.traps.join(" and ")))
    }

    fn is_wrong(&self) -> bool {
        !self.unreported().is_empty() || self.is_false_alarm()
    }
}

/// Reduces a failing case to the fewest traps and rows with which it fails in the same way.
fn minimise(seed: u64, folder: &Path) -> (Seed, Outcome, PathBuf) {
    let whole = Seed { seed, rows: usize::MAX, traps: 0b11 };
    let (outcome, path) = Outcome::of(whole, folder);
    for traps in [0b01, 0b10, 0b11] {
        for rows in SHORTER {
            let shorter = Seed { seed, rows, traps };
            let (other, file) = Outcome::of(shorter, folder);
            if other.is_wrong() && other.kind() == outcome.kind() {
                std::fs::remove_file(&path).expect("the file");
                return (shorter, other, file);
            }
            std::fs::remove_file(&file).expect("the file");
        }
    }
    (whole, outcome, path)
}

fn describe(seed: Seed, outcome: &Outcome, path: &Path) -> String {
    let mut text = format!(
        "TRUTH_SEED={} TRUTH_SHEETS=1, traps {:?}, {:?}, exit {}, {}\n  {}\n",
        seed.seed,
        outcome.traps,
        outcome.file_format,
        outcome.answer.exit,
        path.display(),
        outcome.answer.report["summary"].as_str().unwrap_or_default()
    );
    let notes = outcome.answer.amber();
    if !notes.is_empty() {
        text.push_str(&format!("  notes: {}\n", notes.join(", ")));
    }
    for difference in outcome.unreported().into_iter().take(2) {
        let show = |value: serde_json::Result<String>| value.unwrap_or_default();
        text.push_str(&format!(
            "  {:?} in row {} of {}{}\n    truth  {}\n    loaded {}\n",
            difference.kind,
            difference.row,
            difference.sheet,
            difference.trap.map_or(String::new(), |trap| format!(" ({trap})")),
            show(serde_json::to_string(&difference.truth)),
            show(serde_json::to_string(&difference.loaded)),
        ));
    }
    if outcome.is_false_alarm() {
        let problems = outcome.answer.report["problems"].as_array().into_iter().flatten().take(2);
        for problem in problems {
            text.push_str(&format!("  no trap, but: {}\n", problem["message"]));
        }
    }
    text
}

#[test]
fn every_difference_from_the_truth_is_reported() {
    // The same sheets in every test run; `make truth` takes others each time.
    let first = number("TRUTH_SEED").unwrap_or(1);
    let sheets = number("TRUTH_SHEETS").unwrap_or(SHEETS);
    println!("TRUTH_SEED={first} TRUTH_SHEETS={sheets} repeats these sheets");
    let kept = tempfile::Builder::new().prefix("truth-").tempdir().expect("a folder").keep();
    let tally = Mutex::new(Tally::default());
    // The first failure of each kind is minimised and shown, the others are counted.
    let failures = Mutex::new(BTreeMap::<_, (u32, String)>::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (tally, failures, kept) = (&tally, &failures, &kept);
            scope.spawn(move || {
                let folder = kept.join(thread.to_string());
                std::fs::create_dir(&folder).expect("a folder");
                for seed in (first..first + sheets).skip(thread as usize).step_by(THREADS as usize) {
                    let (outcome, path) = Outcome::of(Seed { seed, rows: usize::MAX, traps: 0b11 }, &folder);
                    tally.lock().expect("a tally").add(&outcome);
                    std::fs::remove_file(&path).expect("the file");
                    if !outcome.is_wrong() {
                        continue;
                    }
                    let kind = outcome.kind();
                    let is_new = {
                        let mut failures = failures.lock().expect("failures");
                        let (times, _) = failures.entry(kind.clone()).or_default();
                        *times += 1;
                        *times == 1
                    };
                    if is_new {
                        let (seed, outcome, path) = minimise(seed, &folder);
                        let described = describe(seed, &outcome, &path);
                        failures.lock().expect("failures").entry(kind).or_default().1 = described;
                    }
                }
            });
        }
    });
    println!("{}", tally.into_inner().expect("a tally"));
    let failures = failures.into_inner().expect("failures");
    if failures.is_empty() {
        std::fs::remove_dir_all(&kept).expect("the folder");
    }
    let count: u32 = failures.values().map(|(times, _)| times).sum();
    let shown: Vec<String> = failures.values().map(|(times, first)| format!("{times} times: {first}")).collect();
    assert!(
        failures.is_empty(),
        "{count} of {sheets} sheets have unreported differences from the truth, or are false alarms:\n{}",
        shown.join("\n")
    );
}
