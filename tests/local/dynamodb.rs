//! Requests to DynamoDB, or to what speaks its protocol, as raw JSON: so that also wrong ones can be sent.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value as Json, json};

pub struct DynamoDb {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    access_key: String,
}

impl DynamoDb {
    pub fn new(url: impl Into<String>, access_key: &str) -> DynamoDb {
        let client = Client::builder(TokioExecutor::new()).build_http();
        DynamoDb { client, url: url.into(), access_key: access_key.to_string() }
    }

    /// Sends a request, and returns the status and the answer.
    pub async fn send(&self, operation: &str, body: &Json) -> (u16, Json) {
        let credential = format!("{}/20260101/eu-central-1/dynamodb/aws4_request", self.access_key);
        let signed = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        let request = Request::post(&self.url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signed)
            .body(Full::from(body.to_string()))
            .expect("a request");
        let answer = self.client.request(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))))
    }

    /// All items of a table, read page by page in this many segments.
    pub async fn scan(&self, table: &str, segments: u32, limit: Option<usize>) -> Vec<Json> {
        let mut items = Vec::new();
        for segment in 0..segments {
            let mut body = json!({ "TableName": table, "ConsistentRead": true });
            if segments > 1 {
                (body["Segment"], body["TotalSegments"]) = (json!(segment), json!(segments));
            }
            if let Some(limit) = limit {
                body["Limit"] = json!(limit);
            }
            loop {
                let (status, mut page) = self.send("Scan", &body).await;
                assert_eq!(status, 200, "{body}: {page}");
                let found = page["Items"].as_array().expect("items").clone();
                assert!(limit.is_none_or(|limit| found.len() <= limit), "{page}");
                assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(found.len()), &json!(found.len())));
                items.extend(found);
                match page["LastEvaluatedKey"].take() {
                    Json::Null => break,
                    key => body["ExclusiveStartKey"] = key,
                }
            }
        }
        items
    }
}
