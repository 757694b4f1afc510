//! HTTP for the fault harness: a server that gets its responses from a function, and a client that forwards requests.

use std::net::SocketAddr;

use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub type HttpRequest = Request<Bytes>;
pub type Answer = Response<BoxBody<Bytes, ConnectionClosed>>;

/// Closes a connection instead of sending a response or the rest of one.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed here")]
pub struct ConnectionClosed;

/// A server on a port of its own. Dropping it closes its connections.
pub struct Server {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Serves `answer` on a free port. If `answer` returns `None`, the connection is closed.
pub async fn serve<F, A>(answer: F) -> Server
where
    F: Fn(HttpRequest) -> A + Clone + Send + 'static,
    A: Future<Output = Option<Answer>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let serving = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                Ok((stream, _)) = listener.accept() => stream,
                Some(_) = connections.join_next() => continue,
            };
            let answer = answer.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = answer.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.map_err(|_| ConnectionClosed)?.to_bytes();
                    answer(Request::from_parts(head, body)).await.ok_or(ConnectionClosed)
                }
            });
            // Errors are expected: closing connections is what this server is for.
            connections.spawn(async move {
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await)
            });
        }
    });
    Server { address, serving }
}

/// Forwards a request to the server at `endpoint` on a new connection.
pub async fn forward(endpoint: &str, request: HttpRequest) -> Response<Bytes> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{endpoint}{path}").parse().expect("an address");
    // These headers describe the original connection and body.
    for name in [HOST, CONNECTION, EXPECT, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let answer = client.request(Request::from_parts(head, Full::new(body))).await;
    let (mut head, body) = answer.unwrap_or_else(|error| panic!("{endpoint} does not answer: {error:?}")).into_parts();
    let body = body.collect().await.expect("a complete response").to_bytes();
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    Response::from_parts(head, body)
}

pub fn complete(answer: Response<Bytes>) -> Answer {
    answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed())
}

pub fn text(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).expect("a status");
    Response::builder().status(status).header(CONTENT_TYPE, kind).body(body.into()).expect("an answer")
}

pub fn json(status: u16, body: &serde_json::Value) -> Response<Bytes> {
    text(status, "application/json", body.to_string())
}

/// Returns a response whose Content-Length covers the complete body, and which ends after half of it.
pub fn truncated(answer: Response<Bytes>) -> Answer {
    let (mut head, body) = answer.into_parts();
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let half = stream::iter([Ok(Frame::data(body.slice(..body.len() / 2)))]);
    let end = stream::once(async {
        // Let the first half be sent before the error.
        tokio::task::yield_now().await;
        Err(ConnectionClosed)
    });
    Response::from_parts(head, BodyExt::boxed(StreamBody::new(half.chain(end))))
}
