//! Lists whose truth is known, spoilt as lists are on their way: whatever differs from the truth is said.

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

use case::{Case, Form, Ways};
use language::{COMMON, OTHERS};
use list::{Field, List};
use oracle::{Answer, Difference, Kind, Verdict};
use tally::Tally;
use trap::Trap;
use write::TextHabits;

/// Sheets of a test run; `TRUTH_SHEETS` says another number.
const SHEETS: u64 = 60;
const THREADS: u64 = 2;
/// To these lengths a list that went wrong is cut, as long as it still does.
const SHORTER: [usize; 6] = [1, 2, 3, 5, 8, 13];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// One of the cases: all of it follows from the seed, but for how long the list is and which of its traps are laid.
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
        let (mut traps, form) = choose(&mut rng);
        let language = traps.iter().rev().find_map(|trap| rng.choice(trap.languages).copied());
        let language = language.unwrap_or_else(|| match rng.u8(..4) {
            0 => OTHERS[rng.usize(..OTHERS.len())],
            _ => COMMON[rng.usize(..COMMON.len())],
        });
        let keys = traps.iter().find_map(|trap| trap.keys);
        let needs: Vec<Field> = traps.iter().flat_map(|trap| trap.needs.iter().copied()).collect();
        let list = List::any(language, keys, &needs, self.rows, &mut rng);
        let text = TextHabits::any(language, &mut rng);
        let ways = Ways::any(&mut rng);
        let mut case = Case::new(form, list, text, ways, rng.fork());
        let mut bits = self.traps;
        traps.retain(|_| {
            let wanted = bits & 1 == 1;
            bits >>= 1;
            wanted
        });
        let laid = traps.into_iter().filter(|trap| {
            // Half a trap is none.
            let before = case.clone();
            let laid = (trap.lay)(&mut case) && write::can_say(&case);
            if !laid {
                case = before;
            }
            laid
        });
        let laid = laid.map(|trap| trap.name).collect();
        (case, laid)
    }
}

/// None to two traps that go together, and a form in which there are such. `TRUTH_TRAP` names the first of them.
fn choose(rng: &mut Rng) -> (Vec<&'static Trap>, Form) {
    let all = trap::all();
    let count = [0, 1, 1, 1, 2][rng.usize(..5)];
    let only = std::env::var("TRUTH_TRAP").ok();
    let Some(first) = (count > 0).then(|| match &only {
        Some(name) => *all.iter().find(|trap| trap.name == name).unwrap_or_else(|| panic!("no trap is called {name}")),
        None => all[rng.usize(..all.len())],
    }) else {
        return (Vec::new(), Form::ALL[rng.usize(..Form::ALL.len())]);
    };
    let form = first.forms[rng.usize(..first.forms.len())];
    let second = all[rng.usize(..all.len())];
    let agree = second.name != first.name
        && second.forms.contains(&form)
        && (first.languages.is_empty() || second.languages.is_empty())
        && (first.keys.is_none() || second.keys.is_none());
    (if count == 2 && agree { vec![first, second] } else { vec![first] }, form)
}

/// What came of one case.
struct Outcome {
    form: Form,
    traps: Vec<&'static str>,
    answer: Answer,
    verdict: Verdict,
}

impl Outcome {
    /// Runs a case. The file is kept at `path`.
    fn of(seed: Seed, folder: &Path) -> (Outcome, PathBuf) {
        let (case, traps) = seed.make();
        let path = folder.join(format!("{}-{}.{}", seed.seed, seed.rows, case.form.extension()));
        std::fs::write(&path, case.write()).expect("a file");
        let answer = Answer::ask(&path, folder);
        let verdict = Verdict::of(&case, &answer);
        (Outcome { form: case.form, traps, answer, verdict }, path)
    }

    /// Differences from the truth of which the answer says nothing.
    fn unsaid(&self) -> Vec<&Difference> {
        let notes = self.answer.amber();
        self.verdict.differences.iter().filter(|difference| !difference.is_said(&notes)).collect()
    }

    /// Whether a list without traps isn't loaded, all of it and without a word.
    fn is_false_alarm(&self) -> bool {
        let (all, right) = self.verdict.plain;
        self.traps.is_empty() && (self.answer.exit != 0 || !self.answer.amber().is_empty() || all != right)
    }

    /// How it goes wrong first, where it does: how, and in which trap.
    fn kind(&self) -> (Option<Kind>, String) {
        let unsaid = self.unsaid();
        let first = unsaid.first();
        let trap = first.and_then(|difference| difference.trap).map(str::to_string);
        (first.map(|difference| difference.kind), trap.unwrap_or_else(|| self.traps.join(" and ")))
    }

    fn is_wrong(&self) -> bool {
        !self.unsaid().is_empty() || self.is_false_alarm()
    }
}

/// The same case with as little in it as still goes wrong.
fn smallest(seed: u64, folder: &Path) -> (Seed, Outcome, PathBuf) {
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
        outcome.form,
        outcome.answer.exit,
        path.display(),
        outcome.answer.report["summary"].as_str().unwrap_or_default()
    );
    let said = outcome.answer.amber();
    if !said.is_empty() {
        text.push_str(&format!("  notes: {}\n", said.join(", ")));
    }
    for difference in outcome.unsaid().into_iter().take(2) {
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
            text.push_str(&format!("  no trap, and yet: {}\n", problem["message"]));
        }
    }
    text
}

#[test]
fn whatever_differs_from_the_truth_is_said() {
    let first = number("TRUTH_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    let sheets = number("TRUTH_SHEETS").unwrap_or(SHEETS);
    println!("TRUTH_SEED={first} TRUTH_SHEETS={sheets} makes the same sheets again");
    let kept = tempfile::Builder::new().prefix("truth-").tempdir().expect("a folder").keep();
    let tally = Mutex::new(Tally::default());
    // The first of each kind is made small and shown, the others are counted.
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
                        let (seed, outcome, path) = smallest(seed, &folder);
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
        "{count} of {sheets} sheets differ from the truth without a word, or are false alarms:\n{}",
        shown.join("\n")
    );
}
