//! Loads whose runs are killed, whose calls fail and whose time runs out, and what they leave behind.

mod audit;
mod call;
mod fault;
mod http;
mod lambda;
mod model;
mod operation;
mod process;
mod proxy;
mod seeds;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use inventory_base::load_id::LoadId;
use serde_json::{Value as Json, json};
use tokio::time::sleep;

use crate::harness::cloud::DYNAMODB_ANSWERS;
use audit::Ledger;
use call::{Call, Kind, Service};
use fault::Fault;
use lambda::{Run, Settings};
use model::{RULES, Uploads, Version, find};
use process::Outcome;
use proxy::Policy;
use seeds::{for_each_seed, full_run, seed};
use world::World;

/// The length of an AWS second in these tests: one minute of AWS's delays takes a second.
const SECOND: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// The loader's default lease of 45 AWS seconds: other runs wait no longer than this for a killed one.
const LEASE: Duration = Duration::from_millis(750);

fn settings() -> Settings {
    let (timeout, rules, more) = (SECOND * 900, RULES, Vec::new());
    let has_failure_queue = false;
    let lease = Duration::from_secs(8);
    Settings { second: SECOND, timeout, lease, at_once: 1, write_units: None, has_failure_queue, rules, more }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_and_reordered_events_give_the_table_that_the_loads_give_in_turn() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    for_each_seed(if full_run() { 200 } else { 5 }, 2, |seed| async move {
        let mut random = fastrand::Rng::with_seed(seed);
        let world = World::new(seed, Settings { at_once: random.usize(1..=3), ..settings() }).await;
        let versions = some_uploads(&world, seed).await;
        deliver(&world, &versions, &mut random).await;
        let ledger = world.audit(&versions).await;
        audit_order(&world, &versions, &ledger);
        for version in &versions {
            let newest = versions.iter().all(|other| !other.is_newer_than(version));
            let record = ledger.record(version);
            assert!(!newest || record.ending.as_deref() == Some("done"), "{record:?}, log in {:?}", world.log);
        }
        // Delivering every event again changes nothing.
        for version in &versions {
            let outcome = world.lambda.invoke_and_wait(&version.event()).await;
            assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
        }
        assert_eq!(world.audit(&versions).await.records, ledger.records);
        world.end().await;
    })
    .await;
}

/// Uploads a few versions of a few files that share items: small ones, but occasionally one of two chunks.
async fn some_uploads(world: &World, seed: u64) -> Vec<Version> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut uploads, mut versions) = (Uploads::new(seed), Vec::new());
    for _ in 0..random.usize(2..=6) {
        let (items, of) = if random.u32(..8) == 0 { (1_200, 1_500) } else { (random.usize(1..60), 80) };
        versions.push(uploads.put(world, random.choice(["a", "b", "c"]).expect("a key"), items, of).await);
    }
    versions
}

/// Delivers each event at least once, in random order, some right away and some later.
async fn deliver(world: &World, versions: &[Version], random: &mut fastrand::Rng) {
    let mut events: Vec<Json> = Vec::new();
    for version in versions {
        events.extend(std::iter::repeat_n(version.event(), [1, 1, 1, 2, 3][random.usize(..5)]));
    }
    random.shuffle(&mut events);
    for event in events {
        world.lambda.send(&event);
        if random.bool() {
            some_calls(world, random.u64(..40)).await;
        }
    }
}

/// No version of a file begins after a newer one, and for each superseded version a newer one began.
fn audit_order(world: &World, versions: &[Version], ledger: &Ledger) {
    let turns = world.turns();
    let begun: Vec<&Version> = turns.iter().map(|(load, _)| find(versions, load)).collect();
    for (number, version) in begun.iter().enumerate() {
        let older = begun[number + 1..].iter().find(|later| version.is_newer_than(later)).map(|older| &older.load);
        assert_eq!(older, None, "began after the newer {}, log in {:?}", version.load, world.log);
    }
    for record in ledger.records.iter().filter(|record| record.ending.as_deref() == Some("superseded")) {
        let version = find(versions, &record.load);
        let newer = begun.iter().any(|begun| begun.is_newer_than(version));
        assert!(newer, "no version newer than {} began, log in {:?}", version.load, world.log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_runs_are_finished_by_later_runs() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let kills = Arc::new(AtomicUsize::new(0));
    for_each_seed(if full_run() { 100 } else { 5 }, 2, |seed| {
        let kills = kills.clone();
        async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let (at_once, lease) = (random.usize(1..=2), LEASE);
            let world = World::new(seed, Settings { at_once, lease, ..settings() }).await;
            let versions = some_uploads(&world, seed).await;
            deliver(&world, &versions, &mut random).await;
            for _ in 0..random.u32(1..=4) {
                some_calls(&world, random.u64(..60)).await;
                sleep(Duration::from_millis(random.u64(..40))).await;
                world.lambda.kill_one(&mut random);
            }
            let ledger = world.audit(&versions).await;
            audit_order(&world, &versions, &ledger);
            kills.fetch_add(world.lambda.kills(), Ordering::Relaxed);
            world.end().await;
        }
    })
    .await;
    assert!(kills.load(Ordering::Relaxed) > 0, "nothing was killed");
}

/// Waits for `more` calls, or until the function is idle.
async fn some_calls(world: &World, more: u64) {
    let mut calls = world.proxy.calls();
    let until = *calls.borrow() + more;
    tokio::select! {
        _ = calls.wait_for(|calls| *calls >= until) => {}
        () = world.lambda.wait_until_idle() => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_loads_take_turns_and_a_waiting_load_occupies_no_run() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let waited = Arc::new(AtomicUsize::new(0));
    for_each_seed(if full_run() { 20 } else { 2 }, 2, |seed| {
        let waited = waited.clone();
        async move {
            let mut random = fastrand::Rng::with_seed(seed);
            let world = World::new(seed, Settings { at_once: 2, ..settings() }).await;
            world.proxy.set_policy(Box::new(|call| is_write(call).then_some(Fault::Slow)));
            let mut uploads = Uploads::new(seed);
            let first = uploads.put(&world, "first", random.usize(1_000..3_000), 4_000).await;
            let second = uploads.put(&world, "second", random.usize(1..2_000), 4_000).await;
            world.lambda.send(&first.event());
            some_calls(&world, random.u64(20..60)).await;
            world.lambda.send(&second.event());
            let versions = [first, second];
            let ledger = world.audit(&versions).await;
            assert!(ledger.records.iter().all(|record| record.ending.as_deref() == Some("done")), "{ledger:?}");
            let mut turns: Vec<LoadId> = world.turns().into_iter().map(|(load, _)| load).collect();
            // On a busy machine a lease may expire, and another run takes over the load.
            turns.dedup();
            assert_eq!(turns, versions.each_ref().map(|version| version.load.clone()), "log in {:?}", world.log);
            let queued = world.count_events("load_queued");
            if queued > 0 {
                // The load waits in the ledger: the run that announced it ends before the load ahead of it does.
                let runs = world.lambda.runs();
                let of_second = runs.iter().position(|run| run.event == versions[1].event()).expect("a run");
                let continuation = json!({ "continue": { "load": versions[0].load } });
                let is_first = |run: &Run| run.event == versions[0].event() || run.event == continuation;
                let last_of_first = runs.iter().rposition(is_first).expect("a run");
                assert!(of_second < last_of_first, "log in {:?}", world.log);
            }
            waited.fetch_add(queued, Ordering::Relaxed);
            world.end().await;
        }
    })
    .await;
    assert!(waited.load(Ordering::Relaxed) > 0, "no second load had to wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_longer_than_a_run_is_finished_by_continuation() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    // Its writes alone take several times the timeout of a run.
    let (timeout, items, write_units) = if full_run() { (5, 24_000, 300) } else { (6, 8_000, 500) };
    let timeout = Duration::from_secs(timeout);
    let settings = Settings { second: SECOND * 3, timeout, write_units: Some(write_units), ..settings() };
    let world = World::new(seed, settings).await;
    let mut random = fastrand::Rng::with_seed(seed);
    world.proxy.set_policy(Box::new(move |call| (is_write(call) && random.u32(..5) == 0).then_some(Fault::Slow)));
    let versions = [Uploads::new(seed).put(&world, "long", items, items).await];
    world.lambda.send(&versions[0].event());
    world.audit(&versions).await;
    let handed_over = world.count_events("planning_handed_over") + world.count_events("load_handed_over");
    let took: Duration = world.lambda.runs().iter().map(|run| run.took).sum();
    println!("{took:?} of work, handed over {handed_over} times in runs of {timeout:?}");
    assert!(handed_over >= 2, "handed over {handed_over} times, log in {:?}", world.log);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_refuses_half_of_the_writes_still_gets_every_item() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    for_each_seed(if full_run() { 30 } else { 2 }, 2, |seed| async move {
        let world = World::new(seed, settings()).await;
        let mut random = fastrand::Rng::with_seed(seed);
        world.proxy.set_policy(Box::new(move |call| {
            (is_write(call) && random.bool()).then(|| random.choice(Fault::possible(call)).expect("a fault"))
        }));
        let versions = [Uploads::new(seed).put(&world, "refused", 1_500, 2_000).await];
        world.lambda.send(&versions[0].event());
        world.audit(&versions).await;
        let writes: u64 =
            world.proxy.counts().iter().filter(|((kind, _), _)| is_write_kind(kind)).map(|(_, n)| n).sum();
        assert!(world.proxy.faults() * 4 > writes, "{:?}", world.proxy.counts());
        world.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_end_even_if_the_topic_cannot_be_reached() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, settings()).await;
    world.proxy.set_policy(Box::new(|call| (call.kind.service == Service::Sns).then_some(Fault::RequestLost)));
    let versions = load_some(&world, &mut Uploads::new(seed), "unnotified").await;
    let ledger = world.settle(&versions).await;
    assert!(ledger.records.iter().all(|record| record.ending.as_deref() == Some("done")), "{ledger:?}");
    assert_eq!(world.count_events("people_not_told"), versions.len(), "log in {:?}", world.log);
    world.end().await;
}

fn is_write(call: &Call) -> bool {
    is_write_kind(&call.kind)
}

fn is_write_kind(kind: &Kind) -> bool {
    kind.resource == "stock" && kind.operation == "BatchWriteItem"
}

/// A fault for the nth call of a kind.
#[derive(Debug, Clone)]
struct Case {
    kind: Kind,
    nth: u64,
    fault: Fault,
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_survive_any_single_failing_call() {
    /// How many calls of one kind are made to fail, each in a case of its own.
    const TIMES: u64 = 3;
    const CASES: usize = 8;
    const CASES_IN_A_WORLD: usize = 4;
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let mut cases = Vec::new();
    for (call, times) in record_calls(seed).await {
        for nth in 1..=times.min(TIMES) {
            let case = |fault| Case { kind: call.kind.clone(), nth, fault };
            cases.extend(Fault::possible(&call).into_iter().map(case));
        }
    }
    if !full_run() {
        fastrand::Rng::with_seed(seed).shuffle(&mut cases);
        cases.truncate(CASES);
    }
    let worlds = cases.chunks(CASES_IN_A_WORLD).map(|cases| tokio::spawn(fail_once_each(seed, cases.to_vec())));
    let met: Vec<usize> = stream::iter(worlds).buffered(2).map(|met| met.expect("all cases hold")).collect().await;
    let met: usize = met.iter().sum();
    assert!(met * 10 >= cases.len() * 8, "{met} of {} faults were met", cases.len());
}

/// Returns the kinds of calls that a load makes, and the number of each.
async fn record_calls(seed: u64) -> Vec<(Call, u64)> {
    let world = World::new(seed, Settings { at_once: 2, ..settings() }).await;
    let calls: Arc<Mutex<BTreeMap<Kind, (Call, u64)>>> = Arc::default();
    let seen = calls.clone();
    world.proxy.set_policy(Box::new(move |call| {
        seen.lock().unwrap().entry(call.kind.clone()).or_insert_with(|| (call.clone(), 0)).1 += 1;
        None
    }));
    load_some(&world, &mut Uploads::new(seed), "recorded").await;
    world.end().await;
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    calls.into_values().collect()
}

/// Returns the number of faults that were met.
async fn fail_once_each(seed: u64, cases: Vec<Case>) -> usize {
    let world = World::new(seed, Settings { at_once: 2, ..settings() }).await;
    let (mut uploads, mut versions, mut met) = (Uploads::new(seed), Vec::new(), 0);
    for (number, case) in cases.into_iter().enumerate() {
        println!("{} fails with {:?} the time {}", case.kind, case.fault, case.nth);
        let before = world.proxy.faults();
        world.proxy.set_policy(once(case));
        versions.extend(load_some(&world, &mut uploads, &format!("case-{number}")).await);
        met += usize::from(world.proxy.faults() > before);
    }
    world.audit(&versions).await;
    world.end().await;
    met
}

fn once(case: Case) -> Policy {
    let mut times = 0;
    Box::new(move |call| {
        times += u64::from(call.kind == case.kind);
        (call.kind == case.kind && times == case.nth).then_some(case.fault)
    })
}

/// Loads two uploads at once, and then a newer version of the first, which finds its items in the table.
async fn load_some(world: &World, uploads: &mut Uploads, key: &str) -> Vec<Version> {
    let mut versions = Vec::new();
    for keys in [&[key, "other"][..], &[key]] {
        for key in keys {
            let version = uploads.put(world, key, 150, 200).await;
            world.lambda.send(&version.event());
            versions.push(version);
        }
        world.settle(&versions).await;
    }
    versions
}
