//! Invariants checked in every world once nothing is running: the table, the ledger, the reports and the notifications.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_check::plan::{CHUNKS_AT_ONCE, ChunkEntry, Fate, Index, Names};
use inventory_check::report::Report;
use inventory_loader::table::item_from_attributes;
use tokio::time::{Duration, timeout};

use super::model::{Stock, Version, find};
use super::process::Outcome;
use super::world::World;

/// The number of sweeps that may be needed to start loads that nothing else started.
const SWEEPS: usize = 4;
/// CI machines can be slow; a world that becomes quiet sooner does not wait this long.
const PATIENCE: Duration = Duration::from_secs(240);

/// A load's record in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub load: LoadId,
    pub ending: Option<String>,
    pub starts: u64,
    /// The number of chunks written.
    pub chunks: u32,
}

/// The parts of the ledger that are checked.
#[derive(Debug, Default)]
pub struct Ledger {
    pub records: Vec<Record>,
    /// Descriptions of unfinished work.
    pub open: Vec<String>,
}

impl Ledger {
    pub fn record(&self, version: &Version) -> &Record {
        self.records.iter().find(|record| record.load == version.load).expect("a record")
    }
}

impl World {
    /// Waits until nothing is running and all of these versions have ended, with the help of sweeps if need be.
    pub async fn settle(&self, versions: &[Version]) -> Ledger {
        let settled = timeout(PATIENCE, async {
            for _ in 0..SWEEPS {
                self.lambda.wait_until_idle().await;
                self.send_again();
                self.lambda.wait_until_idle().await;
                let ledger = self.read_ledger(versions).await;
                if ledger.open.is_empty() {
                    return ledger;
                }
                self.lambda.next_sweep().await;
            }
            self.lambda.wait_until_idle().await;
            self.read_ledger(versions).await
        });
        let ledger = settled.await.unwrap_or_else(|_| panic!("not quiet after {PATIENCE:?}; log in {:?}", self.log));
        assert_eq!(ledger.open, [""; 0], "log in {:?}", self.log);
        ledger
    }

    /// Sends events in the failure queue again, as an operator does. Only events whose runs were all killed, or lost
    /// their turn on an overloaded machine, may be there.
    fn send_again(&self) {
        for failure in self.lambda.take_failures() {
            let lost_its_turn = |outcome: &Outcome| match outcome {
                Outcome::Failed(error) => {
                    error["errorMessage"].as_str().is_some_and(|text| text.contains("lost its turn"))
                }
                _ => false,
            };
            let was_killed = |outcome: &Outcome| outcome.is_crash() || lost_its_turn(outcome);
            assert!(failure.outcomes.iter().all(was_killed), "{failure:?}, log in {:?}", self.log);
            self.lambda.send(&failure.event);
        }
    }

    /// Waits until nothing is running, and checks every invariant.
    pub async fn audit(&self, versions: &[Version]) -> Ledger {
        let mut ledger = self.settle(versions).await;
        self.audit_notifications(&ledger);
        for record in &mut ledger.records {
            record.chunks = self.count_outcomes(&record.load).await;
            self.audit_report(find(versions, &record.load), record).await;
        }
        let found = self.stock_items().await;
        let differences = self.expected(versions, &ledger).differences(&found);
        assert_eq!(differences, [""; 0], "{ledger:#?}, log in {:?}", self.log);
        ledger
    }

    /// Returns the items of the table by SKU.
    pub async fn stock_items(&self) -> BTreeMap<String, Item> {
        let read = |attributes: HashMap<String, AttributeValue>| {
            let sku = attributes["sku"].as_s().expect("a SKU").clone();
            (sku, item_from_attributes(attributes).expect("an item"))
        };
        self.items_of(&self.stock).await.into_iter().map(read).collect()
    }

    /// Returns the stock that must result from the turns of all loads in order.
    fn expected(&self, versions: &[Version], ledger: &Ledger) -> Stock {
        let turns = self.turns();
        let mut stock = Stock::default();
        for (number, (load, done)) in turns.iter().enumerate() {
            let version = find(versions, load);
            let record = ledger.record(version);
            let next = turns[number + 1..].iter().find(|(later, _)| later == load);
            let until = next.map_or(record.chunks, |(_, done)| *done);
            stock.write(version, *done..until);
            if self.was_interrupted() && next.is_none() && record.chunks < version.chunks() {
                stock.may_have_written(version, until..until + CHUNKS_AT_ONCE as u32);
            }
        }
        stock
    }

    /// Returns the load of each turn, in the order of the lease's epochs, with the number of its chunks done before.
    pub fn turns(&self) -> Vec<(LoadId, u32)> {
        let mut turns: BTreeMap<u64, (LoadId, u32)> = BTreeMap::new();
        for line in self.log_lines() {
            let load = || line["load"].as_str().and_then(LoadId::parse).expect("a load's name");
            let last = |turns: &BTreeMap<u64, (LoadId, u32)>| {
                turns.iter().rev().find(|(_, (of, _))| *of == load()).map(|(epoch, (_, done))| (*epoch, *done))
            };
            match line["event"].as_str() {
                // A run that was killed at once did not log its load's progress, which is at least what it was before.
                Some("turn_taken") => {
                    let done = last(&turns).map_or(0, |(_, done)| done);
                    turns.insert(line["epoch"].as_u64().expect("an epoch"), (load(), done));
                }
                Some("load_resumed") => {
                    let (epoch, _) = last(&turns).expect("a turn");
                    let done = line["chunks_done"].as_u64().and_then(|done| done.try_into().ok()).expect("a number");
                    turns.insert(epoch, (load(), done));
                }
                _ => {}
            }
        }
        turns.into_values().collect()
    }

    /// A notification with the right ending was sent for each load that has ended.
    fn audit_notifications(&self, ledger: &Ledger) {
        let lines = self.log_lines();
        for Record { load, ending, .. } in &ledger.records {
            let notified = lines.iter().any(|line| {
                line["event"] == "people_told"
                    && line["load"] == load.as_str()
                    && line["ending"].as_str() == ending.as_deref()
            });
            assert!(notified, "no notification of {load}, {ending:?}; log in {:?}", self.log);
        }
    }

    /// Every row has exactly one fate, in the plan and in the report.
    async fn audit_report(&self, version: &Version, record: &Record) {
        let load = &record.load;
        let json = self.kept(&Names(load).report()).await.unwrap_or_else(|| panic!("{load} has no report"));
        let report: Report = serde_json::from_slice(&json).expect("a report");
        let ending = record.ending.as_deref().unwrap_or_default();
        assert_eq!(report.ending.name(), ending, "{load}");
        assert_eq!(report.rows.fates.values().sum::<u64>(), report.rows.total, "{load}: {:?}", report.rows);
        let plan = self.kept(&Names(load).index()).await.map(|json| Index::decode(&json).expect("a plan"));
        let Some(plan) = plan else {
            assert_ne!(ending, "done", "{load} has no plan");
            return;
        };
        let fates = version.fates();
        let rows: u64 = fates.values().sum();
        assert_eq!((report.rows.total, plan.counts.total()), (rows, rows), "{load}");
        assert_eq!(plan.chunks.iter().map(|chunk| chunk.counts.total()).sum::<u64>(), rows, "{load}");
        assert_eq!(plan.chunks.len() as u32, version.chunks(), "{load}");
        let of = |fate| report.rows.fates.get(&fate).copied().unwrap_or_default();
        for fate in [Fate::Rejected, Fate::Duplicate, Fate::Skipped] {
            assert_eq!(Some(&of(fate)), fates.get(&fate).or(Some(&0)), "{load}: {fate}");
        }
        let items = |chunk: &ChunkEntry| chunk.counts.items();
        let written: u64 = plan.chunks[..record.chunks as usize].iter().map(items).sum();
        assert_eq!(of(Fate::New) + of(Fate::Changed), written, "{load}");
        if ending == "done" {
            assert_eq!(Some(&written), fates.get(&Fate::New).or(Some(&0)), "{load}");
        }
    }

    /// Returns the number of chunks whose outcome is stored: they are written, even if the ledger does not have them
    /// yet.
    async fn count_outcomes(&self, load: &LoadId) -> u32 {
        let mut chunks = 0;
        while self.kept(&Names(load).outcome(chunks)).await.is_some() {
            chunks += 1;
        }
        chunks as u32
    }

    pub async fn read_ledger(&self, versions: &[Version]) -> Ledger {
        let mut ledger = Ledger::default();
        for item in self.items_of(&self.ledger).await {
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
            let number = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
            let (pk, sk) = (text("pk").unwrap_or_default(), text("sk").unwrap_or_default());
            if pk.starts_with("table#") && (sk.starts_with("queue#") || (sk == "lease" && text("load").is_some())) {
                ledger.open.push(format!("{pk} {sk} {:?}", text("load")));
            }
            if sk == "state" {
                if text("state") != Some("ended") {
                    ledger.open.push(format!("{pk} is {:?}", text("state")));
                }
                ledger.records.push(Record {
                    load: text("load").and_then(LoadId::parse).expect("a load's name"),
                    ending: text("ending").map(str::to_string),
                    starts: number("starts").unwrap_or_default(),
                    chunks: 0,
                });
            }
        }
        let known = |version: &&Version| ledger.records.iter().all(|record| record.load != version.load);
        let unknown: Vec<String> =
            versions.iter().filter(known).map(|version| format!("{} is unknown", version.load)).collect();
        ledger.open.extend(unknown);
        ledger.records.sort_by_key(|record| record.load.to_string());
        ledger
    }
}
