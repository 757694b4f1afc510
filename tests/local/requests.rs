//! Random requests of every kind that the loader sends to the inventory table, most of them right and some wrong.

use std::borrow::Cow;

use fastrand::Rng;
use inventory_base::item::plain_number;
use serde_json::{Map, Value as Json, json};

/// A key: its attributes with their types.
pub type Key = [(&'static str, &'static str)];

pub struct Requests {
    pub random: Rng,
    pub table: &'static str,
    pub key: &'static Key,
}

const NAMES: [&str; 6] = ["name", "size", "tags", "a b", "größe", "note"];

fn one_of<T: Copy>(random: &mut Rng, all: &[T]) -> T {
    all[random.usize(..all.len())]
}

impl Requests {
    /// A key of few, so that requests meet the same items.
    pub fn any_key(&mut self) -> Json {
        let part = |random: &mut Rng, kind: &str| match kind {
            "S" => json!({ "S": (one_of(random, &["A", "B", "C-1", "ä"])) }),
            "N" => json!({ "N": (one_of(random, &["1", "1.0", "2", "-0.5", "1E2", "100"])) }),
            _ => json!({ "B": (one_of(random, &["AA==", "AAE=", "/w=="])) }),
        };
        self.key
            .iter()
            .map(|(name, kind)| (name.to_string(), part(&mut self.random, kind)))
            .collect::<Map<_, _>>()
            .into()
    }

    /// A key that DynamoDB refuses.
    fn wrong_key(&mut self) -> Json {
        let mut key = self.any_key();
        let (name, kind) = self.key[self.random.usize(..self.key.len())];
        match self.random.u8(..5) {
            0 => drop(key.as_object_mut().expect("a key").remove(name)),
            1 => key["more"] = json!({ "S": "x" }),
            2 => key[name] = json!({ (if kind == "S" { "N" } else { "S" }): "1" }),
            3 if kind != "N" => key[name] = json!({ (kind): "" }),
            _ if kind == "N" => key[name] = json!({ "N": "one" }),
            _ => {
                let bytes = if self.key[0].0 == name { 2049 } else { 1025 };
                let text = if kind == "S" { "x".repeat(bytes) } else { "AAAA".repeat(bytes / 3 + 1) };
                key[name] = json!({ (kind): text });
            }
        }
        key
    }

    pub fn value(&mut self, depth: usize) -> Json {
        let random = &mut self.random;
        match random.u8(..if depth < 2 { 12 } else { 9 }) {
            0..=2 => {
                json!({ "N": (one_of(random, &["1", "1.0", "01.50", "1E2", "-0", "0.000001", "12345678901234567890.5"])) })
            }
            3 => json!({ "S": (one_of(random, &["", "1", "x", "ä €"])) }),
            4 => json!({ "BOOL": random.bool() }),
            5 => json!({ "NULL": true }),
            6 => json!({ "B": (one_of(random, &["", "AAEC"])) }),
            7 => match random.u8(..3) {
                0 => json!({ "SS": (one_of(random, &[["a", "b"], ["b", "a"]])) }),
                1 => json!({ "NS": (one_of(random, &[["1", "2.50"], ["2.5", "1.0"]])) }),
                _ => json!({ "BS": (one_of(random, &[["AA==", "AQ=="], ["AQ==", "AA=="]])) }),
            },
            8 => json!({ "S": "x".repeat(random.usize(..3000)) }),
            9 => json!({ "L": (0..random.usize(..3)).map(|_| self.value(depth + 1)).collect::<Vec<_>>() }),
            _ => {
                let mut map = Map::new();
                for _ in 0..random.usize(..3) {
                    let name = NAMES[self.random.usize(..NAMES.len())];
                    map.insert(name.to_string(), self.value(depth + 1));
                }
                json!({ "M": map })
            }
        }
    }

    /// A value that DynamoDB refuses.
    fn wrong_value(&mut self) -> Json {
        let nested = |levels: usize| (0..levels).fold(json!({ "S": "x" }), |inner, _| json!({ "L": [inner] }));
        let wrong = [
            json!({ "N": "" }),
            json!({ "N": "1,5" }),
            json!({ "N": "1E126" }),
            json!({ "N": "1E-131" }),
            json!({ "N": "123456789012345678901234567890123456789" }),
            json!({ "SS": [] }),
            json!({ "NS": ["1", "x"] }),
            json!({ "SS": ["a", "a"] }),
            json!({ "NS": ["1", "1.0"] }),
            json!({ "BS": ["AA==", "AA=="] }),
            json!({ "M": { "n": { "N": "x" } } }),
            json!({ "S": "x".repeat(410_000) }),
            nested(40),
        ];
        wrong[self.random.usize(..wrong.len())].clone()
    }

    pub fn item(&mut self) -> Json {
        let mut item = self.any_key();
        for _ in 0..self.random.usize(..4) {
            let name = NAMES[self.random.usize(..NAMES.len())];
            item[name] = self.value(0);
        }
        item
    }

    fn wrong_item(&mut self) -> Json {
        if self.random.bool() {
            let mut item = self.any_key();
            let name = NAMES[self.random.usize(..NAMES.len())];
            item[name] = self.wrong_value();
            return item;
        }
        loop {
            let item = self.wrong_key();
            // Another attribute makes no item wrong.
            if item.get("more").is_none() {
                return item;
            }
        }
    }

    fn any_item(&mut self) -> Json {
        if self.random.u8(..12) == 0 { self.wrong_item() } else { self.item() }
    }

    fn a_key(&mut self) -> Json {
        if self.random.u8(..12) == 0 { self.wrong_key() } else { self.any_key() }
    }

    /// Adds a condition on what is there, or on something else, to a request.
    fn add_condition(
        &mut self,
        body: &mut Json,
        names: &mut Map<String, Json>,
        values: &mut Map<String, Json>,
        there: &Json,
    ) {
        let mut terms = Vec::new();
        let none = Map::new();
        for (name, value) in there.as_object().unwrap_or(&none) {
            if self.random.bool() {
                let (placeholder, of) = (format!("#{}", names.len()), format!(":{}", values.len()));
                names.insert(placeholder.clone(), json!(name));
                values.insert(of.clone(), if self.random.u8(..8) == 0 { self.value(0) } else { rewritten(value) });
                terms.push(format!("{placeholder}={of}"));
            }
        }
        for _ in 0..self.random.usize(..2) {
            let placeholder = format!("#{}", names.len());
            let name = [NAMES[self.random.usize(..NAMES.len())], self.key[0].0][self.random.usize(..2)];
            names.insert(placeholder.clone(), json!(name));
            let function = ["attribute_exists", "attribute_not_exists"][self.random.usize(..2)];
            terms.push(format!("{function}({placeholder})"));
        }
        if terms.is_empty() {
            return;
        }
        body["ConditionExpression"] = json!(terms.join([" AND ", " and ", "  AND\n"][self.random.usize(..3)]));
        if self.random.bool() {
            body["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
        }
    }

    /// A request for one item, whose item is `there`; the key of both is the same.
    pub fn single(&mut self, key: &Json, there: &Json) -> (&'static str, Json) {
        let (mut names, mut values) = (Map::new(), Map::new());
        let mut body = json!({ "TableName": self.table, "ReturnConsumedCapacity": "TOTAL" });
        let operation = ["PutItem", "UpdateItem", "DeleteItem"][self.random.usize(..3)];
        match operation {
            "PutItem" => {
                let mut item = self.any_item();
                if self.random.u8(..4) > 0 {
                    item.as_object_mut().expect("an item").extend(key.as_object().expect("a key").clone());
                }
                body["Item"] = item;
            }
            _ => body["Key"] = if self.random.u8(..10) == 0 { self.wrong_key() } else { key.clone() },
        }
        if operation == "UpdateItem" {
            self.add_update(&mut body, &mut names, &mut values);
        }
        if self.random.u8(..4) > 0 {
            self.add_condition(&mut body, &mut names, &mut values, there);
        }
        if self.random.u8(..20) == 0 {
            self.spoil(&mut body, &mut names, &mut values);
        }
        if !names.is_empty() {
            body["ExpressionAttributeNames"] = names.into();
        }
        if !values.is_empty() {
            body["ExpressionAttributeValues"] = values.into();
        }
        (operation, body)
    }

    fn add_update(&mut self, body: &mut Json, names: &mut Map<String, Json>, values: &mut Map<String, Json>) {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for name in NAMES {
            let placeholder = format!("#{}", names.len());
            match self.random.u8(..6) {
                0 | 1 => {
                    let of = format!(":{}", values.len());
                    let wrong = self.random.u8(..16) == 0;
                    values.insert(of.clone(), if wrong { self.wrong_value() } else { self.value(0) });
                    set.push(format!("{placeholder}={of}"));
                }
                2 => remove.push(placeholder.clone()),
                _ => continue,
            }
            names.insert(placeholder, json!(name));
        }
        let clauses = [("SET", set), ("REMOVE", remove)].into_iter().filter(|(_, terms)| !terms.is_empty());
        let clauses: Vec<String> = clauses.map(|(verb, terms)| format!("{verb} {}", terms.join(","))).collect();
        if !clauses.is_empty() {
            body["UpdateExpression"] = json!(clauses.join(" "));
        }
    }

    /// Makes the expressions of a request wrong.
    fn spoil(&mut self, body: &mut Json, names: &mut Map<String, Json>, values: &mut Map<String, Json>) {
        match self.random.u8(..6) {
            0 => drop(names.insert("#unused".to_string(), json!("name"))),
            1 => drop(values.insert(":unused".to_string(), json!({ "S": "x" }))),
            2 => body["ConditionExpression"] = json!("#undefined = :undefined"),
            3 => body["ConditionExpression"] = json!(""),
            4 => body["ConditionExpression"] = json!("#0 = "),
            _ => {
                names.insert("#key".to_string(), json!(self.key[0].0));
                values.insert(":key".to_string(), json!({ "S": "Z" }));
                // DynamoDB Local checks a condition first.
                if body.get("Key").is_some() && body.get("ConditionExpression").is_none() {
                    body["UpdateExpression"] = json!("SET #key = :key");
                }
            }
        }
    }

    pub fn batch_write(&mut self) -> Json {
        let wrong = self.random.u8(..10) == 0;
        let count = if wrong { [0, 26][self.random.usize(..2)] } else { 1 + self.random.usize(..6) };
        let mut requests: Vec<Json> = Vec::new();
        for n in 0..count {
            let request = match self.random.u8(..3) {
                0 => json!({ "DeleteRequest": { "Key": self.a_key() } }),
                _ => json!({ "PutRequest": { "Item": self.any_item() } }),
            };
            // Mostly keys of their own: two of the same are refused.
            let is_same = |other: &Json| key_of(other, self.key) == key_of(&request, self.key);
            if n == 0 || self.random.u8(..12) == 0 || !requests.iter().any(is_same) {
                requests.push(request);
            }
        }
        json!({ "RequestItems": { self.table: requests }, "ReturnConsumedCapacity": "TOTAL" })
    }

    pub fn batch_get(&mut self) -> Json {
        let wrong = self.random.u8(..10) == 0;
        let count = if wrong { [0, 101][self.random.usize(..2)] } else { 1 + self.random.usize(..5) };
        let mut keys: Vec<Json> = Vec::new();
        for _ in 0..count {
            let key = self.a_key();
            // DynamoDB Local recognises a duplicate only if its numbers are written alike.
            let is_rewritten = keys.iter().any(|other| other != &key && plain(other) == plain(&key));
            if !is_rewritten && (wrong || self.random.u8(..12) == 0 || !keys.contains(&key)) {
                keys.push(key);
            }
        }
        let requested = json!({ "Keys": keys, "ConsistentRead": self.random.bool() });
        json!({ "RequestItems": { self.table: requested }, "ReturnConsumedCapacity": "TOTAL" })
    }

    pub fn wrong_scan(&mut self) -> Json {
        // DynamoDB Local starts at the beginning for an empty key, and anywhere for one that is too long.
        let start = std::iter::repeat_with(|| self.wrong_key());
        let start =
            start.filter(|key| key.as_object().is_some_and(|key| !key.is_empty()) && key.to_string().len() < 500);
        let start = start.take(1).collect::<Vec<_>>().remove(0);
        let wrong = [
            json!({ "Limit": 0 }),
            json!({ "Segment": 1 }),
            json!({ "TotalSegments": 2 }),
            json!({ "Segment": 2, "TotalSegments": 2 }),
            json!({ "Segment": 0, "TotalSegments": 0 }),
            json!({ "Segment": 0, "TotalSegments": 1_000_001 }),
            json!({ "ExclusiveStartKey": start }),
        ];
        let mut body = wrong[self.random.usize(..wrong.len())].clone();
        body["TableName"] = json!(self.table);
        body
    }
}

fn key_of(request: &Json, key: &Key) -> Vec<Json> {
    let item = request.pointer("/PutRequest/Item").or(request.pointer("/DeleteRequest/Key")).expect("an item");
    key.iter().map(|(name, _)| item.get(*name).cloned().unwrap_or_default()).collect()
}

/// A key whose equal numbers are written alike.
fn plain(key: &Json) -> Vec<(&String, &str, Cow<'_, str>)> {
    let parts = key.as_object().into_iter().flatten();
    let value = |(name, value)| {
        let (kind, text): (&String, &Json) = Json::as_object(value)?.iter().next()?;
        let text = text.as_str()?;
        Some((name, kind.as_str(), if kind == "N" { plain_number(text) } else { text.into() }))
    };
    parts.filter_map(value).collect()
}

/// The same value, written otherwise where that is possible.
fn rewritten(value: &Json) -> Json {
    match value.as_object().and_then(|value| value.iter().next()) {
        Some((kind, Json::String(digits))) if kind == "N" && !digits.contains(['.', 'E']) => {
            json!({ "N": format!("{digits}.0") })
        }
        Some((kind, Json::Array(set))) if kind.ends_with('S') => {
            json!({ (kind): set.iter().rev().collect::<Vec<_>>() })
        }
        _ => value.clone(),
    }
}
