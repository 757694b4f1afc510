use super::*;
use std::collections::BTreeSet;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_string()).unwrap()
}

fn schema(text: &str) -> KeyShape {
    text.parse().unwrap()
}

#[test]
fn a_key_is_found_at_any_place_and_in_any_notation() {
    let schema = schema("warehouse,sku");
    let plain = raw(r#"{"warehouse":{"S":"north"},"sku":{"S":"A-1"}}"#);
    let expected = schema.key_alone(&plain).unwrap();
    assert_eq!((&*expected.partition, expected.sort.as_deref()), ("north", Some("A-1")));
    let item = r#" { "note": {"M": {"sku": {"S": "inside"}}}, "sku" : {"S" : "\u0041-1"},
        "more": {"S": "{\"sku\":1}"}, "ware\u0068ouse": {"S": "north"} } "#;
    assert_eq!(schema.key_of(&raw(item)).unwrap(), expected);
    assert_eq!(raw(&expected.to_item(&schema).to_string()).get(), r#"{"sku":{"S":"A-1"},"warehouse":{"S":"north"}}"#);
}

#[test]
fn equal_numbers_are_the_same_key_and_come_back_as_numbers() {
    let schema = schema("shelf:N,photo:B");
    let key = |digits: &str| raw(&format!(r#"{{"shelf":{{"N":"{digits}"}},"photo":{{"B":"AAE="}}}}"#));
    let keys: Vec<Vec<u8>> =
        ["1", "1.0", "01", "1E0"].iter().map(|digits| schema.key_alone(&key(digits)).unwrap().stored()).collect();
    assert!(keys.iter().all(|other| *other == keys[0]));
    let read = Key::from_stored(&keys[1], &schema).unwrap();
    assert_eq!(read.to_item(&schema).to_string(), r#"{"photo":{"B":"AAE="},"shelf":{"N":"1"}}"#);
}

#[test]
fn items_and_keys_that_do_not_match_the_tables_key_are_refused() {
    let schema = schema("warehouse,sku");
    let long = |bytes: usize| format!(r#"{{"warehouse":{{"S":"{}"}},"sku":{{"S":"A"}}}}"#, "x".repeat(bytes));
    let long_sort = |bytes: usize| format!(r#"{{"warehouse":{{"S":"A"}},"sku":{{"S":"{}"}}}}"#, "x".repeat(bytes));
    assert!(schema.key_of(&raw(&long(2048))).is_ok() && schema.key_of(&raw(&long_sort(1024))).is_ok());
    for (item, why) in [
        (r#"{"sku":{"S":"A-1"}}"#, "Missing the key warehouse in the item"),
        (r#"{"warehouse":{"S":"north"}}"#, "Missing the key sku in the item"),
        (r#"{"warehouse":{"N":"1"},"sku":{"S":"A-1"}}"#, "Type mismatch for key warehouse"),
        (r#"{"warehouse":{"S":""},"sku":{"S":"A-1"}}"#, "empty string value. Key: warehouse"),
        (&long(2049), "limit of 2048 bytes"),
        (&long_sort(1025), "limit of 1024 bytes"),
    ] {
        let refusal = schema.key_of(&raw(item)).unwrap_err().to_json();
        assert!(refusal.contains("#ValidationException") && refusal.contains(why), "{refusal}");
    }
    for key in [
        r#"{"warehouse":{"S":"north"}}"#,
        r#"{"warehouse":{"S":"north"},"sku":{"S":"A-1"},"more":{"S":"x"}}"#,
        r#"{"warehouse":{"S":"north"},"more":{"S":"A-1"}}"#,
    ] {
        let refusal = schema.key_alone(&raw(key)).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("The provided key element does not match the schema"), "{key}");
    }
}

#[test]
fn different_keys_are_stored_differently_and_read_back() {
    let schema = schema("a,b");
    let texts = ["x", "xy", "y", "yx", "xyx"];
    let mut stored = BTreeSet::new();
    for (partition, sort) in texts.iter().flat_map(|a| texts.iter().map(move |b| (*a, *b))) {
        let key = Key { partition: partition.into(), sort: Some(sort.into()) };
        let bytes = key.stored();
        assert_eq!(Key::from_stored(&bytes, &schema).as_ref(), Some(&key));
        stored.insert(bytes);
    }
    assert_eq!(stored.len(), 25);
    for cut in 0..10 {
        let stored = stored.first().unwrap();
        assert!(Key::from_stored(&stored[..cut.min(stored.len())], &schema).is_none());
    }
}

#[test]
fn each_key_is_in_the_range_of_its_segment_and_no_segment_is_empty() {
    for segments in [1_u64, 2, 3, 7, 8, 100] {
        let mut used = BTreeSet::new();
        for n in 0..5_000 {
            let key = Key { partition: format!("A-{n:06}").into(), sort: None };
            let (segment, stored) = (key.segment(segments), key.stored());
            let start = segment_start(segment, segments).unwrap();
            let end = segment_start(segment + 1, segments);
            assert!(stored.as_slice() >= &start[..] && end.is_none_or(|end| stored.as_slice() < &end[..]));
            used.insert(segment);
        }
        assert_eq!(used.len() as u64, segments);
    }
    assert_eq!((segment_start(0, 4), segment_start(4, 4)), (Some([0; 8]), None));
}
