//! A call of the loader to a service: the properties that decide which faults it can meet.

use serde_json::Value as Json;

use super::http::HttpRequest;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    DynamoDb,
    S3,
    Lambda,
    Sns,
    EventBridge,
}

/// The kind of a call: an operation on a table, or on objects of one family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    pub service: Service,
    pub operation: String,
    pub resource: String,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.operation, self.resource)
    }
}

#[derive(Debug, Clone)]
pub struct Call {
    pub kind: Kind,
    /// The number of items or keys in a batch; 0 if the call is not a batch.
    pub batch: usize,
}

impl Call {
    pub fn read(service: Service, request: &HttpRequest) -> Call {
        let (operation, resource, batch) = match service {
            Service::DynamoDb => dynamodb(request),
            Service::S3 => s3(request),
            Service::Lambda => ("Invoke".to_string(), "the function".to_string(), 0),
            Service::Sns => ("Publish".to_string(), "the topic".to_string(), 0),
            Service::EventBridge => ("PutEvents".to_string(), "the bus".to_string(), 0),
        };
        Call { kind: Kind { service, operation, resource }, batch }
    }
}

fn dynamodb(request: &HttpRequest) -> (String, String, usize) {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_string();
    let body: Json = serde_json::from_slice(request.body()).unwrap_or_default();
    let batched = body["RequestItems"].as_object().and_then(|tables| tables.iter().next());
    let first_of_several = body["TransactItems"][0].as_object().and_then(|item| item.values().next());
    let name = first_of_several.unwrap_or(&body)["TableName"].as_str();
    let name = name.or(batched.map(|(table, _)| table.as_str())).unwrap_or_default();
    let batch = batched.map_or(0, |(_, list)| list.as_array().or(list["Keys"].as_array()).map_or(0, Vec::len));
    // Tables in tests have names such as "stock-1a2b3c4d".
    (operation, name.split('-').next().unwrap_or_default().to_string(), batch)
}

/// Objects of a load have keys such as "loads/0123456789abcdef/plan/00000.jsonl.zst", uploads such as "uploads/a.csv".
fn s3(request: &HttpRequest) -> (String, String, usize) {
    let lists = request.uri().query().is_some_and(|query| query.contains("list-type="));
    let operation = match request.method().as_str() {
        "GET" if lists => "ListObjectsV2".to_string(),
        "GET" => "GetObject".to_string(),
        "PUT" => "PutObject".to_string(),
        other => other.to_string(),
    };
    let mut parts = request.uri().path().split('/').skip(2);
    let resource = match parts.next() {
        Some("loads") => parts.nth(1).unwrap_or_default(),
        Some("") | None => "names",
        Some(family) => family,
    };
    (operation, resource.to_string(), 0)
}
