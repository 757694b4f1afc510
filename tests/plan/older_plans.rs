//! Plans that an older loader made and had partly written when this one was deployed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use inventory_base::ending::Ending;
use inventory_check::child::Reader;
use inventory_check::plan::{Fate, Index};
use inventory_loader::config;
use inventory_loader::load::{self, RulesFrom, Run, RunEnd, Services};
use inventory_loader::store::{FolderStore, Store};
use inventory_loader::table::Table;
use inventory_rules::schema::Schema;

use crate::harness::cloud::{DYNAMODB_ANSWERS, cloud};
use crate::harness::root;

/// A plan in the first plan format, for a file of 1,003 items and one rejected row. The first of its two chunks is
/// recorded as written.
const LOAD: &str = "loads/cb38fc7f5daec233";
const WRITTEN: usize = 999;
const ITEMS: usize = 1_003;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_an_older_loader_is_finished_by_this_one() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = cloud.create_table("stock", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["plan.json", "plan/00000.jsonl.zst", "plan/00001.jsonl.zst", "outcome/00000.json"] {
        let kept = fs::read(root().join("tests/files/plan-1").join(LOAD).join(part)).expect("a part of the plan");
        write(&folder.path().join(LOAD).join(part), &kept);
    }
    // The plan was made for another table.
    let index = folder.path().join(LOAD).join("plan.json");
    let json = fs::read_to_string(&index).expect("the index").replace("plan-of-before", &name);
    fs::write(&index, &json).expect("the index");
    let upload = Index::decode(json.as_bytes()).expect("a plan that is read").upload;

    let table = Table::new(cloud.dynamodb.clone(), &name, Duration::from_secs(20));
    let services = Services::for_command(Store::Folder(FolderStore::new(folder.path())), None, table);
    let schema = Schema::shipped().expect("rules");
    let reader = Reader::new(env!("CARGO_BIN_EXE_inventory"), std::env::temp_dir());
    let settings = config::settings(RulesFrom::Given(Box::new(schema)), reader);
    let run = Run { request_id: "new", deadline: None, progress: &|_| {}, dry_run: false, waived: Default::default() };
    let RunEnd::Ended(report) = load::load(upload, &services, &settings, &run).await.expect("an end") else {
        panic!("the load has not ended")
    };
    assert_eq!((report.ending, report.rows.fates[&Fate::New]), (Ending::Done, ITEMS as u64), "{}", report.summary);
    // Items recorded as written by the older loader are not written again.
    assert_eq!(cloud.count(&name).await, ITEMS - WRITTEN);
    cloud.delete_table(&name).await;
}

fn write(place: &Path, content: &[u8]) {
    fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
    fs::write(place, content).expect("a file");
}
