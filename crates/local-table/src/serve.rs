//! HTTP: dispatches requests to operations, and delays the responses.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

use crate::answer::{Refusal, to_json};
use crate::operation::{Operation, text};
use crate::service::Service;

const AWS_JSON: &str = "application/x-amz-json-1.0";
const TARGET: &str = "DynamoDB_20120810.";
/// DynamoDB's limit for a request.
const MOST_BYTES: usize = 16 << 20;

type Answer = Response<Full<Bytes>>;

pub async fn serve(listener: TcpListener, service: Arc<Service>) -> io::Result<()> {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The caller has gone before it was answered.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => return Err(error),
        };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            if stream.set_nodelay(true).is_ok() {
                serve_connection(stream, service).await;
            }
        });
    }
}

async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin, service: Arc<Service>) {
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(receive(&service, request).await) }
    });
    // A closed connection is handled by its client.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
}

async fn receive(service: &Service, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MOST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            return plain(StatusCode::BAD_REQUEST, format!("the request is incomplete or too large: {error}\n"));
        }
    };
    let received_at = Instant::now();
    let now = received_at.into_std();
    if head.method != Method::POST || head.uri.path() != "/" {
        return control(service, &head, now);
    }
    let answer = answer(operate(service, &head, body, now).await);
    let latency = Duration::from_millis(service.table.settings.latency_ms);
    if !latency.is_zero() {
        sleep_until(received_at + latency).await;
    }
    answer
}

async fn operate(service: &Service, head: &Parts, body: Bytes, now: std::time::Instant) -> Result<String, Refusal> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    service.check_caller(header("authorization"))?;
    text(&body)?;
    let name = header("x-amz-target");
    let operation = Operation::by_name(name.strip_prefix(TARGET).unwrap_or(name))?;
    service.run(operation, body, now).await
}

fn answer(answer: Result<String, Refusal>) -> Answer {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal.to_json()),
    };
    let mut answer = respond(status, AWS_JSON, body);
    answer.headers_mut().insert("x-amzn-requestid", request_id());
    answer
}

fn control(service: &Service, head: &Parts, now: std::time::Instant) -> Answer {
    let table = &service.table;
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/counts") => respond(StatusCode::OK, "application/json", to_json(&table.counts())),
        (&Method::POST, "/reset") => match service.reset(now) {
            true => plain(StatusCode::OK, "reset\n".into()),
            false => plain(StatusCode::CONFLICT, "items in a file are not reset\n".into()),
        },
        (&Method::POST, "/capacity") => match capacity(head.uri.query().unwrap_or_default()) {
            Ok((write, read)) => {
                table.change_capacity(write, read, now);
                plain(StatusCode::OK, "changed\n".into())
            }
            Err(why) => plain(StatusCode::BAD_REQUEST, why),
        },
        (method, path) => plain(StatusCode::NOT_FOUND, format!("{method} {path} is unknown\n")),
    }
}

/// Parses `write=N`, `read=N` or both.
fn capacity(query: &str) -> Result<(Option<u64>, Option<u64>), String> {
    let (mut write, mut read) = (None, None);
    for part in query.split('&') {
        let (name, units) = part.split_once('=').unwrap_or((part, ""));
        let units = units.parse().map_err(|_| format!("{part:?} is not like write=4000\n"))?;
        match name {
            "write" => write = Some(units),
            "read" => read = Some(units),
            _ => return Err(format!("{name:?} is neither write nor read\n")),
        }
    }
    Ok((write, read))
}

fn plain(status: StatusCode, text: String) -> Answer {
    respond(status, "text/plain", text)
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn request_id() -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    HeaderValue::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::client::conn::http1::{SendRequest, handshake};
    use serde_json::{Value as Json, json};

    /// Returns a connection to a table started with these command-line arguments.
    async fn connect(words: &str) -> SendRequest<Full<Bytes>> {
        let settings = clap::Parser::parse_from(std::iter::once("simulated-table").chain(words.split_whitespace()));
        let service = Arc::new(Service::new(settings, Instant::now().into_std()).unwrap());
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve_connection(far, service));
        let (client, connection) = handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn send(client: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Response<Bytes> {
        client.ready().await.unwrap();
        let (head, body) = client.send_request(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    async fn operation(client: &mut SendRequest<Full<Bytes>>, name: &str, body: Json) -> Response<Bytes> {
        let request = Request::post("/").header("x-amz-target", format!("{TARGET}{name}"));
        send(client, request.body(body.to_string().into()).unwrap()).await
    }

    async fn write(client: &mut SendRequest<Full<Bytes>>, count: usize) -> Response<Bytes> {
        let put = |n: usize| json!({ "PutRequest": { "Item": { "sku": { "S": n.to_string() } } } });
        let puts: Vec<Json> = (0..count).map(put).collect();
        operation(client, "BatchWriteItem", json!({ "RequestItems": { "stock": puts } })).await
    }

    async fn counts(client: &mut SendRequest<Full<Bytes>>) -> Json {
        let request = Request::get("/counts").body(Full::default()).unwrap();
        json(&send(client, request).await)
    }

    async fn post(client: &mut SendRequest<Full<Bytes>>, path: &str) -> StatusCode {
        send(client, Request::post(path).body(Full::default()).unwrap()).await.status()
    }

    fn json(answer: &Response<Bytes>) -> Json {
        serde_json::from_slice(answer.body()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn operations_are_answered_as_dynamodb_answers() {
        let mut client = connect("--keep").await;
        let wrote = write(&mut client, 3).await;
        assert_eq!((wrote.status(), json(&wrote)), (StatusCode::OK, json!({ "UnprocessedItems": {} })));
        assert_eq!(wrote.headers()[CONTENT_TYPE], AWS_JSON);
        let scanned = operation(&mut client, "Scan", json!({ "TableName": "stock" })).await;
        assert_eq!(json(&scanned)["Count"], 3);
        assert_ne!(scanned.headers()["x-amzn-requestid"], wrote.headers()["x-amzn-requestid"]);
        let request = json!({ "RequestItems": { "stock": { "Keys": [{ "sku": { "S": "2" } }] } } });
        let got = operation(&mut client, "BatchGetItem", request).await;
        assert_eq!(json(&got)["Responses"], json!({ "stock": [{ "sku": { "S": "2" } }] }));
        for (name, more) in [
            ("PutItem", json!({ "Item": { "sku": { "S": "2" } } })),
            ("UpdateItem", json!({ "Key": { "sku": { "S": "2" } } })),
            ("DeleteItem", json!({ "Key": { "sku": { "S": "2" } } })),
            ("DescribeTable", json!({})),
        ] {
            let mut body = json!({ "TableName": "stock" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(operation(&mut client, name, body).await.status(), StatusCode::OK, "{name}");
        }
        assert_eq!(counts(&mut client).await["items_taken"], 6);
        let unknown = operation(&mut client, "Query", json!({ "TableName": "stock" })).await;
        assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
        assert_eq!(json(&unknown)["__type"], "com.amazon.coral.service#UnknownOperationException");
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_is_delayed_by_the_latency() {
        let mut client = connect("--latency-ms 5").await;
        let began = Instant::now();
        write(&mut client, 3).await;
        assert!((5..=6).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        let began = Instant::now();
        counts(&mut client).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "requests other than DynamoDB operations are not delayed");
    }

    #[tokio::test(start_paused = true)]
    async fn capacity_can_be_changed_and_a_reset_restores_the_initial_state() {
        let mut client = connect("--keep --write-units 10").await;
        assert_eq!(write(&mut client, 5).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(post(&mut client, "/capacity?write=25&read=1").await, StatusCode::OK);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(json(&write(&mut client, 25).await)["UnprocessedItems"], json!({}));
        let results = counts(&mut client).await;
        assert_eq!((&results["items_taken"], &results["items_refused"]), (&json!(25), &json!(5)));
        assert_eq!((&results["write_units_available"], &results["last_write"]), (&json!(25.0), &json!(1000)));

        assert_eq!(post(&mut client, "/reset").await, StatusCode::OK);
        let results = counts(&mut client).await;
        assert_eq!((&results["items_taken"], &results["first_write"]), (&json!(0), &Json::Null));
        tokio::time::advance(Duration::from_secs(1)).await;
        let answer = json(&write(&mut client, 25).await);
        assert_eq!(answer["UnprocessedItems"]["stock"].as_array().unwrap().len(), 15, "ten per second again, not 25");
        assert_eq!(counts(&mut client).await["first_write"], 1000);
        let scanned = operation(&mut client, "Scan", json!({ "TableName": "stock" })).await;
        assert_eq!(json(&scanned)["Count"], 10);
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_paths_and_parameters_are_refused() {
        let mut client = connect("").await;
        for path in ["/capacity", "/capacity?write=many", "/capacity?delete=5"] {
            assert_eq!(post(&mut client, path).await, StatusCode::BAD_REQUEST, "{path}");
        }
        assert_eq!(post(&mut client, "/counts").await, StatusCode::NOT_FOUND);
        assert_eq!(post(&mut client, "/other").await, StatusCode::NOT_FOUND);
    }
}
