//! One call of the loader to a service: what it is, as far as it matters for what may go wrong with it.

use serde_json::Value as Json;

use super::http::Asked;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    DynamoDb,
    S3,
    Lambda,
    Sns,
    EventBridge,
}

/// Calls of one kind are alike: the same operation on the same table, or on objects of the same family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    pub service: Service,
    pub operation: String,
    pub place: String,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.operation, self.place)
    }
}

#[derive(Debug, Clone)]
pub struct Call {
    pub kind: Kind,
    /// How many items or keys it has, where it is a batch.
    pub batch: usize,
}

impl Call {
    pub fn read(service: Service, asked: &Asked) -> Call {
        let (operation, place, batch) = match service {
            Service::DynamoDb => dynamodb(asked),
            Service::S3 => s3(asked),
            Service::Lambda => ("Invoke".to_string(), "the function".to_string(), 0),
            Service::Sns => ("Publish".to_string(), "the topic".to_string(), 0),
            Service::EventBridge => ("PutEvents".to_string(), "the bus".to_string(), 0),
        };
        Call { kind: Kind { service, operation, place }, batch }
    }
}

fn dynamodb(asked: &Asked) -> (String, String, usize) {
    let target = asked.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_string();
    let body: Json = serde_json::from_slice(asked.body()).unwrap_or_default();
    let batched = body["RequestItems"].as_object().and_then(|tables| tables.iter().next());
    let first_of_several = body["TransactItems"][0].as_object().and_then(|item| item.values().next());
    let name = first_of_several.unwrap_or(&body)["TableName"].as_str();
    let name = name.or(batched.map(|(table, _)| table.as_str())).unwrap_or_default();
    let batch = batched.map_or(0, |(_, list)| list.as_array().or(list["Keys"].as_array()).map_or(0, Vec::len));
    // Tables of tests are called like "stock-1a2b3c4d".
    (operation, name.split('-').next().unwrap_or_default().to_string(), batch)
}

/// Objects of a load are called like "loads/0123456789abcdef/plan/00000.jsonl.zst", uploads like "uploads/a.csv".
fn s3(asked: &Asked) -> (String, String, usize) {
    let lists = asked.uri().query().is_some_and(|query| query.contains("list-type="));
    let operation = match asked.method().as_str() {
        "GET" if lists => "ListObjectsV2".to_string(),
        "GET" => "GetObject".to_string(),
        "PUT" => "PutObject".to_string(),
        other => other.to_string(),
    };
    let mut parts = asked.uri().path().split('/').skip(2);
    let place = match parts.next() {
        Some("loads") => parts.nth(1).unwrap_or_default(),
        Some("") | None => "names",
        Some(family) => family,
    };
    (operation, place.to_string(), 0)
}
