//! A fake of AWS for tests. It answers in memory, so it also works while Tokio's time is paused.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_types::body::SdkBody;
use serde_json::Value as Json;

/// A request that a client sent.
#[derive(Debug, Clone)]
pub struct FakeRequest {
    pub number: usize,
    pub uri: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl FakeRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The fields of a form, their values still percent-encoded.
    pub fn form(&self) -> Vec<(String, String)> {
        let text = String::from_utf8(self.body.clone()).unwrap();
        let parts = text.split('&').filter_map(|part| part.split_once('='));
        parts.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Json(u16, Json),
    Body(u16, &'static str),
    /// A body whose content-length promises this many more bytes than it has.
    CutOff(&'static str, usize),
    /// No answer, ever.
    NoAnswer,
}

#[derive(Clone)]
pub struct Fake {
    answering: Arc<dyn Fn(&FakeRequest) -> Reply + Send + Sync>,
    requests: Arc<Mutex<Vec<FakeRequest>>>,
}

impl Fake {
    pub fn answering(answering: impl Fn(&FakeRequest) -> Reply + Send + Sync + 'static) -> Fake {
        Fake { answering: Arc::new(answering), requests: Arc::default() }
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<FakeRequest> {
        self.requests.lock().unwrap().clone()
    }

    pub fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config())
    }

    pub fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.config())
    }

    pub fn eventbridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.config())
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config())
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = {
            let mut all = self.requests.lock().unwrap();
            let number = all.len();
            all.push(FakeRequest {
                number,
                uri: request.uri().to_string(),
                headers: request.headers().iter().map(|(name, value)| (name.into(), value.into())).collect(),
                body: request.body().bytes().unwrap_or_default().to_vec(),
            });
            all[number].clone()
        };
        let (status, text, missing) = match (self.answering)(&request) {
            Reply::Json(status, json) => (status, json.to_string(), None),
            Reply::Body(status, text) => (status, text.to_string(), None),
            Reply::CutOff(text, missing) => (200, text.to_string(), Some(missing)),
            Reply::NoAnswer => return HttpConnectorFuture::new(std::future::pending()),
        };
        let length = missing.map(|missing| (text.len() + missing).to_string());
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(text));
        if let Some(length) = length {
            response.headers_mut().insert("content-length", length);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// An error as DynamoDB sends it.
pub fn error(code: &str) -> Reply {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    Reply::Json(400, serde_json::json!({ "__type": code, "message": "the message" }))
}
