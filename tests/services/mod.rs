//! The store, the table and the ledger on real services: versions, deletions, paging, every type of value, and services
//! that do not answer.

use std::io::Read;
use std::time::Duration;

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Delete, ObjectIdentifier,
    VersioningConfiguration,
};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use inventory_base::item::{Item, Value};
use inventory_base::key_shape::{KeyAttribute, KeyKind, KeyShape};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::clients::CloudFault;
use inventory_loader::ledger::{Ledger, LedgerError};
use inventory_loader::relay::Relay;
use inventory_loader::store::{Fetched, Kept, S3Store, Store, StoreError};
use inventory_loader::table::{Act, Change, Table, TableError, item_from_attributes};
use inventory_rules::schema::{IndexShape, TableShape};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{Instant, timeout};

use crate::harness::cloud::{ACCOUNT, Cloud, DYNAMODB_ANSWERS, REGION, clients_at, cloud};
use crate::harness::unique;

const KEY: &str = "uploads/Q3 stock (final) + ä.xlsx";
const WAIT: Duration = Duration::from_secs(20);

/// A bucket for one test, for uploads and stored objects.
struct Bucket {
    cloud: Cloud,
    name: String,
}

impl Bucket {
    async fn unversioned() -> Bucket {
        let (cloud, name) = (cloud().await, unique("bucket"));
        let region = BucketLocationConstraint::from(REGION);
        let place = CreateBucketConfiguration::builder().location_constraint(region).build();
        let create = cloud.s3.create_bucket().bucket(&name).create_bucket_configuration(place);
        create.send().await.expect("a bucket");
        Bucket { cloud, name }
    }

    async fn versioned() -> Bucket {
        let bucket = Bucket::unversioned().await;
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let put = bucket.cloud.s3.put_bucket_versioning().bucket(&bucket.name).versioning_configuration(enabled);
        put.send().await.expect("versioning");
        bucket
    }

    fn store(&self) -> Store {
        Store::S3(S3Store::new(self.cloud.s3.clone(), &self.name, ACCOUNT))
    }

    /// Returns an upload of this bucket of which only the key is known.
    fn upload(&self, key: &str) -> Upload {
        let (bucket, key) = (self.name.clone(), key.to_string());
        Upload { bucket, key, version: None, sequencer: None, etag: None, size: None, time: None }
    }

    async fn put(&self, content: &[u8]) -> Upload {
        let put = self.cloud.s3.put_object().bucket(&self.name).key(KEY).body(content.to_vec().into());
        let answer = put.send().await.expect("an upload");
        Upload { version: answer.version_id, etag: answer.e_tag, ..self.upload(KEY) }
    }

    /// Deletes a version, or creates a delete marker if no version is given; returns the version of the marker.
    async fn delete_upload(&self, upload: &Upload) -> Option<String> {
        let delete = self.cloud.s3.delete_object().bucket(&self.name).key(&upload.key);
        delete.set_version_id(upload.version.clone()).send().await.expect("a deletion").version_id
    }

    async fn delete(self) {
        loop {
            let page = self.cloud.s3.list_object_versions().bucket(&self.name).send().await.expect("versions");
            let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let identify = |(key, version): (Option<&str>, Option<&str>)| {
                let object = ObjectIdentifier::builder().key(key.expect("a key"));
                object.set_version_id(version.map(str::to_string)).build().expect("an object")
            };
            let objects: Vec<_> = versions.chain(markers).map(identify).collect();
            if objects.is_empty() {
                break;
            }
            let objects = Delete::builder().set_objects(Some(objects)).build().expect("objects");
            self.cloud.s3.delete_objects().bucket(&self.name).delete(objects).send().await.expect("a deletion");
        }
        self.cloud.s3.delete_bucket().bucket(&self.name).send().await.expect("a bucket to delete");
    }
}

/// Returns the content of an upload, or `None` if it is gone.
async fn fetch(store: &Store, upload: &Upload) -> Option<Vec<u8>> {
    match store.fetch(upload, 10_000_000).await.expect("an answer") {
        Fetched::Gone => None,
        Fetched::File(mut file, bytes) => {
            let mut content = Vec::new();
            file.read_to_end(&mut content).expect("a file");
            assert_eq!(content.len() as u64, bytes);
            Some(content)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_announced_version_is_fetched_and_not_the_newest() {
    let bucket = Bucket::versioned().await;
    let large = vec![1; 3_000_000];
    let (first, second) = (bucket.put(&large).await, bucket.put(b"second").await);
    assert_eq!(fetch(&bucket.store(), &first).await, Some(large));
    assert_eq!(fetch(&bucket.store(), &second).await, Some(b"second".to_vec()));
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_behind_a_delete_marker_is_still_fetched() {
    let bucket = Bucket::versioned().await;
    let upload = bucket.put(b"first").await;
    bucket.delete_upload(&bucket.upload(KEY)).await;
    assert_eq!(fetch(&bucket.store(), &upload).await, Some(b"first".to_vec()));
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_marker_counts_as_a_deleted_upload() {
    let bucket = Bucket::versioned().await;
    bucket.put(b"first").await;
    let latest = bucket.upload(KEY);
    let marker = bucket.delete_upload(&latest).await;
    assert!(marker.is_some());
    assert_eq!(fetch(&bucket.store(), &latest).await, None);
    assert_eq!(fetch(&bucket.store(), &Upload { version: marker, ..latest }).await, None);
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_version_is_gone_even_if_others_exist() {
    let bucket = Bucket::versioned().await;
    let (first, second) = (bucket.put(b"first").await, bucket.put(b"second").await);
    bucket.delete_upload(&first).await;
    assert_eq!(fetch(&bucket.store(), &first).await, None);
    assert_eq!(fetch(&bucket.store(), &second).await, Some(b"second".to_vec()));
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_never_existed_is_gone() {
    let bucket = Bucket::unversioned().await;
    let never = bucket.upload("uploads/never.csv");
    assert_eq!(fetch(&bucket.store(), &never).await, None);
    assert_eq!(fetch(&bucket.store(), &Upload { etag: Some("e".into()), ..never }).await, None);
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_versions_the_etag_identifies_the_announced_upload() {
    let bucket = Bucket::unversioned().await;
    let put = bucket.put(b"first").await;
    // S3 responses have the etag in quotes, events without.
    let etag = put.etag.as_ref().map(|etag| etag.trim_matches('"').to_string());
    let announced = Upload { etag, ..put };
    assert_eq!(fetch(&bucket.store(), &announced).await, Some(b"first".to_vec()));
    bucket.put(b"second").await;
    assert_eq!(fetch(&bucket.store(), &announced).await, None);
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_fetched_up_to_the_limit_and_not_beyond() {
    let bucket = Bucket::unversioned().await;
    let upload = bucket.put(b"12345").await;
    assert!(matches!(bucket.store().fetch(&upload, 5).await, Ok(Fetched::File(_, 5))));
    let error = bucket.store().fetch(&upload, 4).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { bytes: 5, limit: 4 }), "{error}");
    assert!(!error.is_retryable());
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_an_error_and_not_a_deleted_upload() {
    let cloud = cloud().await;
    let bucket = Bucket { cloud, name: unique("no-bucket") };
    let errors = [
        bucket.store().fetch(&bucket.upload(KEY), 9).await.unwrap_err(),
        bucket.store().read("a.json").await.unwrap_err(),
        bucket.store().keep("a.json", vec![]).await.unwrap_err(),
        bucket.store().keep_if_absent("a.json", vec![]).await.unwrap_err(),
        bucket.store().names("loads/").await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains(&bucket.name) && error.to_string().contains("NoSuchBucket"), "{error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_objects_are_read_back_and_replaced() {
    let bucket = Bucket::versioned().await;
    let store = bucket.store();
    let name = "loads/x/plan/00000.jsonl.zst";
    assert_eq!(store.read(name).await.expect("an answer"), None);
    for content in [b"first".to_vec(), Vec::new()] {
        store.keep(name, content.clone()).await.expect("kept");
        assert_eq!(store.read(name).await.expect("an answer"), Some(content));
    }
    let head = bucket.cloud.s3.head_object().bucket(&bucket.name).key(name).send().await.expect("an object");
    assert_eq!(head.content_type(), Some("application/zstd"));
    assert_eq!(store.location(name), format!("s3://{}/{name}", bucket.name));
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_writes_of_a_new_object_one_succeeds_and_the_others_change_nothing() {
    let bucket = Bucket::versioned().await;
    let store = bucket.store();
    let writers: Vec<_> = (0..8u8)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                store.keep_if_absent("loads/x/plan.json", vec![writer; 100]).await.expect("an answer")
            })
        })
        .collect();
    let kept: Vec<Kept> = join_all(writers).await.into_iter().map(|writer| writer.expect("a writer")).collect();
    let new: Vec<u8> = (0..).zip(&kept).filter(|(_, kept)| **kept == Kept::New).map(|(writer, _)| writer).collect();
    assert_eq!(new.len(), 1, "{kept:?}");
    let content = store.read("loads/x/plan.json").await.expect("an answer");
    assert_eq!(content, Some(vec![new[0]; 100]));
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_listed_in_order_and_only_from_the_folder() {
    let bucket = Bucket::unversioned().await;
    let store = bucket.store();
    for name in ["loads/x/plan/00001", "loads/x/plan.json", "loads/xy/plan.json", "loads/x/plan/00000"] {
        store.keep(name, vec![]).await.expect("kept");
    }
    let names = store.names("loads/x/").await.expect("names");
    assert_eq!(names, ["loads/x/plan.json", "loads/x/plan/00000", "loads/x/plan/00001"]);
    assert_eq!(store.names("loads/z/").await.expect("names"), Vec::<String>::new());
    bucket.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_listed_beyond_one_page() {
    // A page has a thousand names.
    let expected: Vec<String> = (0..1_005).map(|n| format!("loads/x/plan/{n:05}")).collect();
    let bucket = Bucket::unversioned().await;
    let store = bucket.store();
    let keep = async |name: &String| store.keep(name, vec![]).await.expect("kept");
    stream::iter(&expected).for_each_concurrent(16, keep).await;
    assert_eq!(store.names("loads/x/").await.expect("names"), expected);
    bucket.delete().await;
}

/// Creates a table with the key `sku` and an index by `warehouse` and `quantity`.
async fn stock(cloud: &Cloud) -> String {
    cloud.create_table("stock", &[("sku", "S")], &[("warehouse", "S"), ("quantity", "N")]).await
}

/// Returns items for that table with a value of every type.
fn items(count: usize) -> Vec<Item> {
    let text = |text: &str| Value::S(text.to_string().into());
    let number = |digits: &str| Value::N(digits.to_string().into());
    let bytes = || "AAEC/w==".to_string();
    let item = |n: usize| {
        let values = [
            ("sku", Value::S(format!("A-{n}").into())),
            ("warehouse", text("Nörd")),
            ("quantity", Value::N(n.to_string().into())),
            ("price", number("-12345678901234567890.123456789012345678")),
            ("active", Value::Bool(n.is_multiple_of(2))),
            ("remark", Value::Null(true)),
            ("photo", Value::B(bytes())),
            ("list", Value::L(vec![text("x"), Value::L(vec![]), Value::M(Item::from([("deep", number("1"))]))])),
            ("map", Value::M(Item::from([("flag", Value::Bool(true)), ("empty", text(""))]))),
            // One member each, because sets have no order.
            ("texts", Value::StringSet(vec!["00123".into()])),
            ("numbers", Value::NumberSet(vec!["19.99".into()])),
            ("photos", Value::BinarySet(vec![bytes()])),
        ];
        Item::from(values)
    };
    (0..count).map(item).collect()
}

fn sku(item: &Item) -> String {
    match &item["sku"] {
        Value::S(sku) => sku.to_string(),
        other => panic!("{other:?}"),
    }
}

fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(sku);
    items
}

/// Returns all items of a table, sorted by SKU.
async fn scan(cloud: &Cloud, table: &str) -> Vec<Item> {
    let mut pages = cloud.dynamodb.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(attributes) = pages.next().await {
        items.push(item_from_attributes(attributes.expect("a page")).expect("an item"));
    }
    sorted(items)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_table_and_of_its_index_are_described() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let shape = Table::new(cloud.dynamodb.clone(), &name, WAIT).describe().await.expect("a description");
    let attribute = |name: &str, kind| KeyAttribute { name: name.to_string(), kind };
    let key = KeyShape { partition: attribute("warehouse", KeyKind::S), sort: Some(attribute("quantity", KeyKind::N)) };
    let expected = TableShape {
        table: name.clone(),
        id: shape.id.clone(),
        key: KeyShape { partition: attribute("sku", KeyKind::S), sort: None },
        indexes: vec![IndexShape { name: "index".to_string(), key, projects: Default::default() }],
        capacity: None,
    };
    assert!(shape.id.is_some());
    assert_eq!(shape, expected);
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_with_values_of_every_type_are_written_and_read_back_equal() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let items = items(1_000);
    let written = Table::new(cloud.dynamodb.clone(), &name, WAIT).write(&items).await.expect("a write");
    assert_eq!((written.requests, written.tried_again, &written.refused[..]), (40, 0, &[][..]));
    assert!(written.units >= 1_000.0, "{written:?}");
    assert_eq!(scan(&cloud, &name).await, sorted(items));
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_replace_those_with_the_same_key() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let mut items = items(30);
    table.write(&items).await.expect("a write");
    for item in &mut items[..10] {
        item.remove("photo");
        item.insert("price", Value::N("20".into()));
    }
    table.write(&items[..10]).await.expect("a write");
    assert_eq!(scan(&cloud, &name).await, sorted(items));
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_the_table_refuses_are_identified_and_the_others_are_written() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let mut items = items(200);
    items[3].insert("quantity", Value::S("many".into()));
    items[100].insert("warehouse", Value::N("1".into()));
    items[101].insert("sku", Value::S(String::new().into()));
    let written = Table::new(cloud.dynamodb.clone(), &name, WAIT).write(&items).await.expect("a write");
    let refused: Vec<usize> = written.refused.iter().map(|refused| refused.index).collect();
    assert_eq!(refused, [3, 100, 101]);
    assert!(written.refused[0].reason.contains("Type mismatch for Index Key"), "{:?}", written.refused[0]);
    for index in refused.into_iter().rev() {
        items.remove(index);
    }
    assert_eq!(scan(&cloud, &name).await, sorted(items));
    cloud.delete_table(&name).await;
}

/// Returns the key of an item of that table.
fn key(sku: &str) -> Item {
    Item::from([("sku".to_string(), Value::S(sku.to_string().into()))])
}

fn key_of(item: &Item) -> Item {
    key(&sku(item))
}

/// Returns the item with other values for some attributes.
fn with(item: &Item, values: &[(&str, Value)]) -> Item {
    let mut item = item.clone();
    item.extend(values.iter().cloned());
    item
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_keys_the_existing_items_are_read_in_order() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let items = items(1_000);
    let existing: Vec<Item> = items.iter().step_by(2).cloned().collect();
    table.write(&existing).await.expect("a write");
    let keys: Vec<Item> = items.iter().map(key_of).collect();
    let expected: Vec<Option<Item>> =
        items.into_iter().enumerate().map(|(n, item)| n.is_multiple_of(2).then_some(item)).collect();
    let found = table.read(&keys).await.expect("a read");
    assert_eq!(found.items, expected);
    assert_eq!((found.requests, found.tried_again), (10, 0));
    let cheaper = table.with_consistent_reads(false).read(&keys).await.expect("a read");
    assert_eq!(cheaper.items, expected);
    assert_eq!(found.units, 2.0 * cheaper.units);
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_and_binary_keys_are_found_in_any_notation() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = cloud.create_table("shelves", &[("seal", "B"), ("shelf", "N")], &[]).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let numbers = ["5.0", "1E+2", "-0.50", "12345678901234567890123456789012345678", "0", "00.1"];
    let key = |number: &str| {
        let (seal, shelf) = (Value::B("AAEC/w==".into()), Value::N(number.to_string().into()));
        Item::from([("seal".to_string(), seal), ("shelf".to_string(), shelf)])
    };
    let items: Vec<Item> =
        numbers.iter().map(|number| with(&key(number), &[("as", Value::S(number.to_string().into()))])).collect();
    table.write(&items[..4]).await.expect("a write");
    let found = table.read(&numbers.map(key)).await.expect("a read");
    let read: Vec<Option<Value>> = found.items.into_iter().map(|item| item.map(|item| item["as"].clone())).collect();
    let expected: Vec<Option<Value>> =
        items.iter().enumerate().map(|(n, item)| (n < 4).then(|| item["as"].clone())).collect();
    assert_eq!(read, expected);
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_exceed_one_response_are_all_read_and_scanned() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    assert!(table.is_empty().await.expect("an answer").0);
    // 17.5 MB; a BatchGetItem response holds 16 MB, a page of a scan 1 MB.
    let long = Value::S("x".repeat(350_000).into());
    let items: Vec<Item> = items(50).iter().map(|item| with(item, &[("text", long.clone())])).collect();
    table.write(&items).await.expect("a write");
    assert!(!table.is_empty().await.expect("an answer").0);
    let keys: Vec<Item> = items.iter().map(key_of).collect();
    let found = table.read(&keys).await.expect("a read");
    assert!(found.items.into_iter().eq(items.iter().cloned().map(Some)));
    let (mut scan, mut pages, mut scanned) = (table.scan(), 0, Vec::new());
    while let Some(page) = scan.next_page().await.expect("a page") {
        pages += 1;
        scanned.extend(page);
    }
    assert!(sorted(scanned) == sorted(items));
    assert!(pages > 10 && scan.units() > 4_000.0, "{pages} pages, {} units", scan.units());
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_added_by_others_are_kept_and_our_own_are_recognised() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let items = items(100);
    let keys: Vec<Item> = items.iter().map(key_of).collect();
    assert!(table.read(&keys).await.expect("a read").items.iter().all(Option::is_none));
    let theirs = with(&items[42], &[("price", Value::N("1".into()))]);
    table.write(std::slice::from_ref(&theirs)).await.expect("a write");
    let adds: Vec<Change> =
        items.iter().map(|item| Change { key: key_of(item), act: Act::Add(item.clone()) }).collect();
    let mut expected = items;
    expected[42] = theirs;
    let expected = sorted(expected);
    // A run that was killed before it recorded what it had added repeats all of it.
    for added in [99.0, 0.0] {
        let changed = table.change(&adds).await.expect("a change");
        assert_eq!((&changed.kept[..], &changed.refused[..], &changed.edited[..]), (&[42][..], &[][..], &[][..]));
        assert!(changed.units >= added && (changed.units > 0.0) == (added > 0.0), "{changed:?}");
        assert_eq!(scan(&cloud, &name).await, expected);
    }
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_keeps_the_attributes_that_it_does_not_name() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let items = items(200);
    table.write(&items[..150]).await.expect("a write");
    // `name` and `size` are reserved words of DynamoDB.
    let set = Item::from(
        [("price", "20"), ("name", "1"), ("size.of box", "2")]
            .map(|(name, number)| (name.to_string(), Value::N(number.into()))),
    );
    let merge = |item: &Item| {
        let remove = vec!["photo".to_string(), "never existing".to_string()];
        Change { key: key_of(item), act: Act::Merge { set: set.clone(), remove } }
    };
    let mut changes: Vec<Change> = items.iter().map(merge).collect();
    changes[7].act = Act::Merge { set: key("another"), remove: vec![] };
    let merged = |(n, item): (usize, &Item)| {
        let mut item = if n < 150 { item.clone() } else { key_of(item) };
        if n != 7 {
            item.remove("photo");
            item.extend(set.clone());
        }
        item
    };
    let expected = sorted(items.iter().enumerate().map(merged).collect());
    for _ in 0..2 {
        let changed = table.change(&changes).await.expect("a change");
        assert_eq!(changed.refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [7]);
        assert!(changed.refused[0].reason.contains("part of the key"), "{:?}", changed.refused[0]);
        assert_eq!((&changed.kept[..], &changed.edited[..]), (&[][..], &[][..]));
        assert_eq!(scan(&cloud, &name).await, expected);
    }
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_item_is_neither_deleted_nor_marked_but_reported() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let items = items(40);
    table.write(&items).await.expect("a write");
    let price = with(&items[3], &[("price", Value::N("1".into()))]);
    let remark = with(&items[25], &[("added since", Value::Bool(true))]);
    let gone = Value::S("2026-10-03".into());
    let act = |n: usize, read: &Item| match n {
        0..20 => Act::Delete { read: read.clone() },
        _ => Act::Mark { read: read.clone(), set: Item::from([("gone".to_string(), gone.clone())]) },
    };
    let changes: Vec<Change> =
        items.iter().enumerate().map(|(n, item)| Change { key: key_of(item), act: act(n, item) }).collect();
    table.write(&[price.clone(), remark.clone()]).await.expect("a write");
    let mut expected: Vec<Item> = items[20..].iter().map(|item| with(item, &[("gone", gone.clone())])).collect();
    expected[5] = remark;
    expected.push(price);
    let expected = sorted(expected);
    for _ in 0..2 {
        let changed = table.change(&changes).await.expect("a change");
        assert_eq!((&changed.edited[..], &changed.kept[..], &changed.refused[..]), (&[3, 25][..], &[][..], &[][..]));
        assert_eq!(scan(&cloud, &name).await, expected);
    }
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_with_many_attributes_are_marked_deleted_and_merged_within_expression_limits() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let name = stock(&cloud).await;
    let table = Table::new(cloud.dynamodb.clone(), &name, WAIT);
    let attributes = |count: usize| -> Item {
        (0..count).map(|n| (format!("attribute {n}"), Value::N(n.to_string().into()))).collect()
    };
    let large = |sku: &str| key(sku).into_iter().chain(attributes(900)).collect::<Item>();
    table.write(&[large("A-1"), large("A-2")]).await.expect("a write");
    let gone = Item::from([("gone".to_string(), Value::Bool(true))]);
    let merge = |sku: &str, count| Change { key: key(sku), act: Act::Merge { set: attributes(count), remove: vec![] } };
    let changes = [
        Change { key: key("A-1"), act: Act::Delete { read: large("A-1") } },
        Change { key: key("A-2"), act: Act::Mark { read: large("A-2"), set: gone } },
        merge("A-3", 400),
        merge("A-4", 900),
    ];
    let changed = table.change(&changes).await.expect("a change");
    assert_eq!(changed.refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [3]);
    assert_eq!((&changed.kept[..], &changed.edited[..]), (&[][..], &[][..]));
    let merged = key("A-3").into_iter().chain(attributes(400)).collect();
    assert_eq!(scan(&cloud, &name).await, [with(&large("A-2"), &[("gone", Value::Bool(true))]), merged]);
    cloud.delete_table(&name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_a_permanent_error() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let name = unique("no-table");
    let table = Table::new(cloud().await.dynamodb, &name, WAIT);
    let change = Change { key: key("A-1"), act: Act::Add(items(1).remove(0)) };
    for error in [
        table.describe().await.unwrap_err(),
        table.write(&items(3)).await.unwrap_err(),
        table.read(&[key("A-1")]).await.unwrap_err(),
        table.is_empty().await.unwrap_err(),
        table.change(&[change]).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains(&name) && error.to_string().contains("Check the name"), "{error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_function_is_a_permanent_error() {
    let name = unique("no-function");
    let load = LoadId::parse("0123456789abcdef").expect("a load");
    let error = Relay::new(cloud().await.lambda, &name).ask_to_continue(&load).await.unwrap_err();
    assert!(error.to_string().contains(&name), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_a_service_that_never_answers_times_out() {
    const WAIT: Duration = Duration::from_secs(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let silence = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(connection) = listener.accept().await {
            open.push(connection);
        }
    });
    let table = Table::new(clients_at(endpoint).dynamodb, "stock", WAIT);
    let began = Instant::now();
    let ended = timeout(10 * WAIT, async { table.write(&items(100)).await }).await;
    let error = ended.expect("an error in time").unwrap_err();
    assert!(began.elapsed() >= WAIT);
    assert!(matches!(error, TableError::NoProgress { left: 100, .. }), "{error}");
    assert!(error.to_string().contains("no answer") && error.is_retryable(), "{error}");
    silence.abort();
}

/// Returns clients for a port that is bound, so that no other program can use it, but on which nothing listens.
fn closed_port() -> (Cloud, TcpSocket) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let endpoint = format!("http://{}", socket.local_addr().expect("an address"));
    (clients_at(endpoint), socket)
}

fn assert_no_connection(fault: &CloudFault) {
    assert_eq!((fault.code.as_str(), fault.transient), ("NoConnection", true), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_a_closed_port_ends_with_a_transient_error() {
    let (clients, _port) = closed_port();
    let error = Table::new(clients.dynamodb, "stock", Duration::from_secs(1)).write(&items(100)).await.unwrap_err();
    assert!(matches!(error, TableError::NoProgress { left: 100, .. }), "{error}");
    assert!(error.to_string().contains("NoConnection") && error.is_retryable(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_from_a_closed_port_ends_with_a_transient_error() {
    let (clients, _port) = closed_port();
    let table = Table::new(clients.dynamodb, "stock", Duration::from_secs(1));
    for error in [table.read(&[key("A-1")]).await.unwrap_err(), table.is_empty().await.unwrap_err()] {
        assert!(matches!(error, TableError::NothingRead { .. }), "{error}");
        assert!(error.to_string().contains("NoConnection") && error.is_retryable(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_reached_is_a_transient_fault() {
    let (clients, _port) = closed_port();
    let store = Store::S3(S3Store::new(clients.s3, "reports", ACCOUNT));
    match store.read("loads/x/plan.json").await {
        Err(StoreError::Cloud(fault)) => assert_no_connection(&fault),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cannot_be_reached_is_a_transient_fault() {
    let (clients, _port) = closed_port();
    let ledger = Ledger::new(clients.dynamodb, "ledger", Duration::from_secs(1));
    match ledger.read(&LoadId::parse("0123456789abcdef").expect("a load")).await {
        Err(LedgerError::Cloud(fault)) => assert_no_connection(&fault),
        other => panic!("{other:?}"),
    }
}
