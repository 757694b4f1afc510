//! HTTP as the harness speaks it: a server that asks a function for its answers, and a request passed on to another.

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

pub type Asked = Request<Bytes>;
pub type Answer = Response<BoxBody<Bytes, BrokenOff>>;

/// Ends a connection where an answer, or the rest of one, should be.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken off here")]
pub struct BrokenOff;

/// Answers on a port of its own for as long as it lives; with it, its connections end.
pub struct Server {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Where there is no answer the connection is broken off.
pub async fn serve<F, A>(answer: F) -> Server
where
    F: Fn(Asked) -> A + Clone + Send + 'static,
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
            let service = service_fn(move |asked: Request<hyper::body::Incoming>| {
                let answer = answer.clone();
                async move {
                    let (head, body) = asked.into_parts();
                    let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
                    answer(Request::from_parts(head, body)).await.ok_or(BrokenOff)
                }
            });
            // That a connection breaks off is what this is for.
            connections.spawn(async move {
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await)
            });
        }
    });
    Server { address, serving }
}

/// Passes a request on to the server at `endpoint`, with a connection of its own.
pub async fn pass_on(endpoint: &str, asked: Asked) -> Response<Bytes> {
    let (mut head, body) = asked.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{endpoint}{path}").parse().expect("an address");
    // What these say is of the connection it came by, and of the body that it had.
    for name in [HOST, CONNECTION, EXPECT, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let answer = client.request(Request::from_parts(head, Full::new(body))).await;
    let (mut head, body) = answer.unwrap_or_else(|error| panic!("{endpoint} does not answer: {error:?}")).into_parts();
    let body = body.collect().await.expect("a whole answer").to_bytes();
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    Response::from_parts(head, body)
}

pub fn whole(answer: Response<Bytes>) -> Answer {
    answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed())
}

pub fn text(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).expect("a status");
    Response::builder().status(status).header(CONTENT_TYPE, kind).body(body.into()).expect("an answer")
}

pub fn json(status: u16, body: &serde_json::Value) -> Response<Bytes> {
    text(status, "application/json", body.to_string())
}

/// An answer that promises all of its body and breaks off after half of it.
pub fn cut_off(answer: Response<Bytes>) -> Answer {
    let (mut head, body) = answer.into_parts();
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let half = stream::iter([Ok(Frame::data(body.slice(..body.len() / 2)))]);
    let end = stream::once(async {
        // The half has to be on its way first.
        tokio::task::yield_now().await;
        Err(BrokenOff)
    });
    Response::from_parts(head, BodyExt::boxed(StreamBody::new(half.chain(end))))
}
