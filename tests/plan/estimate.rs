//! The plan's estimate of capacity, compared with what DynamoDB reports as consumed.

use std::path::Path;

use serde_json::Value as Json;

use super::load;
use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, cloud};
use crate::harness::unique;

const LOADS: usize = 5;

/// Returns a list of items of many sizes, some of which take several units; values and warehouses change every time.
fn quarter(random: &mut fastrand::Rng, rows: usize) -> String {
    let line = |row: usize| {
        let name = "x".repeat(if random.u8(..) < 60 { random.usize(800..6_000) } else { random.usize(1..200) });
        let place = random.choice(["Leeds", "York", "Hull", ""]).unwrap_or_default();
        let price = random.choice(["1", "12.5", "1000", "0.375"]).unwrap_or_default();
        format!("S-{row:05},{name},{},{price},{place}\n", random.u32(0..100_000))
    };
    format!("SKU,Name,Quantity,Unit price,Warehouse\n{}", (0..rows).map(line).collect::<String>())
}

async fn loads_consume_the_estimate(cloud: &Cloud, index: &[(&str, &str)]) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let table = cloud.create_table(&unique("estimate"), &[("sku", "S")], index).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (file, rules) = (folder.path().join("stock.csv"), folder.path().join("rules.toml"));
    let mut shipped = include_str!("../../inventory.toml").to_string();
    for gate in ["zero_percent = 30", "price_percent = 10", "fewer_percent = 50"] {
        let off = gate.split_once(" = ").map(|(name, _)| format!("{name} = false")).expect("a gate");
        shipped = shipped.replace(gate, &off);
    }
    std::fs::write(&rules, shipped).expect("the rules");
    for _ in 0..LOADS {
        let rows = random.usize(50..300);
        let list = quarter(&mut random, rows);
        std::fs::write(&file, list).expect("the file");
        let report = load(cloud, &table, Path::new(&file), &rules, &[]);
        assert_eq!(report["ending"], "done", "{report}");
        let units = |which: &str, of: &str| -> f64 { report[which][of].as_f64().unwrap_or_else(|| panic!("{report}")) };
        for of in ["write_units", "read_units"] {
            let (estimated, consumed) = (units("estimate", of), units("taken", of));
            println!("{of}: {estimated} estimated, {consumed} consumed");
            assert!(
                (estimated - consumed).abs() <= 0.02 * consumed,
                "{of}: {estimated} estimated, {consumed} consumed"
            );
        }
        assert!(units("taken", "write_units") > 0.0, "{}", Json::clone(&report));
    }
    cloud.delete_table(&table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_consume_the_estimated_capacity() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    loads_consume_the_estimate(&cloud().await, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_into_a_table_with_an_index_consume_the_estimated_capacity() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    loads_consume_the_estimate(&cloud().await, &[("warehouse", "S")]).await;
}
