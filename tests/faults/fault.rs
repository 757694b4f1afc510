//! The faults that a call can meet, and the error responses that simulate them.

use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};

use super::call::{Call, Service};
use super::http::{HttpRequest, json as json_response, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A limit of the account or resource: the table's throughput, S3's request rate, the function's concurrency.
    Throttled,
    /// The service as a whole is overloaded.
    Throttling,
    /// Another writer is changing the same item or object at this moment.
    Conflict,
    ServerError,
    /// Part of a batch is returned unprocessed.
    Unprocessed,
    /// The connection is closed before anything is done.
    RequestLost,
    /// The call is carried out, and the connection is closed before the response.
    AnswerLost,
    /// The call is carried out, and the response is delayed.
    Slow,
    /// The connection is closed in the middle of the response.
    CutOff,
    /// The role lacks the permission. Not in `ALL`, because it is not transient: no call meets it by chance.
    Denied,
}

impl Fault {
    const ALL: [Fault; 9] = [
        Fault::Throttled,
        Fault::Throttling,
        Fault::Conflict,
        Fault::ServerError,
        Fault::Unprocessed,
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Slow,
        Fault::CutOff,
    ];

    /// Returns the transient faults that a call can meet.
    pub fn possible(call: &Call) -> Vec<Fault> {
        Fault::ALL.into_iter().filter(|fault| fault.applies_to(call)).collect()
    }

    fn applies_to(self, call: &Call) -> bool {
        let (service, operation) = (call.kind.service, call.kind.operation.as_str());
        match self {
            Fault::Throttled => operation != "DescribeTable",
            Fault::Throttling => service == Service::DynamoDb,
            Fault::Conflict => ["TransactWriteItems", "UpdateItem", "PutObject"].contains(&operation),
            Fault::Unprocessed => call.batch > 1,
            Fault::CutOff => operation == "GetObject",
            Fault::Denied => false,
            Fault::ServerError | Fault::RequestLost | Fault::AnswerLost | Fault::Slow => true,
        }
    }

    /// Returns the error response sent instead of carrying out the call, if the fault has one.
    pub fn response(self, call: &Call) -> Option<Response<Bytes>> {
        let operation = call.kind.operation.as_str();
        match (call.kind.service, self) {
            (Service::DynamoDb, Fault::Throttled) => Some(dynamodb(400, "ProvisionedThroughputExceededException")),
            (Service::DynamoDb, Fault::Denied) => Some(dynamodb(400, "AccessDeniedException")),
            (Service::S3, Fault::Denied) => Some(s3(403, "AccessDenied")),
            (Service::DynamoDb, Fault::Throttling) => Some(dynamodb(400, "ThrottlingException")),
            (Service::DynamoDb, Fault::ServerError) => Some(dynamodb(500, "InternalServerError")),
            (Service::DynamoDb, Fault::Conflict) if operation == "UpdateItem" => {
                Some(dynamodb(400, "TransactionConflictException"))
            }
            (Service::DynamoDb, Fault::Conflict) => Some(transaction_conflict()),
            (Service::S3, Fault::Throttled) => Some(s3(503, "SlowDown")),
            (Service::S3, Fault::ServerError) => Some(s3(500, "InternalError")),
            (Service::S3, Fault::Conflict) => Some(s3(409, "ConditionalRequestConflict")),
            (Service::Lambda, Fault::Throttled) => Some(lambda(429, "TooManyRequestsException")),
            (Service::Lambda, Fault::ServerError) => Some(lambda(500, "ServiceException")),
            (Service::Sns, Fault::Throttled) => Some(sns(429, "Throttled")),
            (Service::Sns, Fault::ServerError) => Some(sns(500, "InternalError")),
            (Service::EventBridge, Fault::Throttled) => Some(event_not_accepted()),
            (Service::EventBridge, Fault::ServerError) => Some(lambda(500, "InternalException")),
            _ => None,
        }
    }
}

fn dynamodb(status: u16, code: &str) -> Response<Bytes> {
    dynamodb_with(status, code, json!({ "message": "a fault of the test" }))
}

fn dynamodb_with(status: u16, code: &str, mut body: Json) -> Response<Bytes> {
    body["__type"] = format!("com.amazonaws.dynamodb.v20120810#{code}").into();
    text(status, "application/x-amz-json-1.0", body.to_string())
}

fn transaction_conflict() -> Response<Bytes> {
    let reasons = json!([{ "Code": "None" }, { "Code": "TransactionConflict", "Message": "Transaction is ongoing" }]);
    let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
    let body = json!({ "Message": message, "CancellationReasons": reasons });
    dynamodb_with(400, "TransactionCanceledException", body)
}

fn s3(status: u16, code: &str) -> Response<Bytes> {
    let error = format!("<Error><Code>{code}</Code><Message>a fault of the test</Message></Error>");
    text(status, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{error}"))
}

fn lambda(status: u16, code: &'static str) -> Response<Bytes> {
    let mut response = json_response(status, &json!({ "message": "a fault of the test" }));
    response.headers_mut().insert("x-amzn-errortype", code.parse().expect("a header"));
    response
}

fn sns(status: u16, code: &str) -> Response<Bytes> {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>a fault of the test</Message></Error>");
    text(status, "text/xml", format!("<ErrorResponse>{error}</ErrorResponse>"))
}

/// The response of EventBridge for an event it did not accept: an error entry in a response with status 200.
fn event_not_accepted() -> Response<Bytes> {
    let entry = json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "a fault of the test" });
    json_response(200, &json!({ "FailedEntryCount": 1, "Entries": [entry] }))
}

/// A batch split into a request with the entries to process and the entries to return as unprocessed.
pub struct SplitBatch {
    pub request: HttpRequest,
    table: String,
    unprocessed: Json,
}

impl SplitBatch {
    /// Splits a batch at random; at least one entry is on each side.
    pub fn of(request: HttpRequest, random: &mut fastrand::Rng) -> SplitBatch {
        let mut body: Json = serde_json::from_slice(request.body()).expect("a batch");
        let (table, of_table) =
            body["RequestItems"].as_object_mut().and_then(|all| all.iter_mut().next()).expect("a table");
        let mut unprocessed = of_table.clone();
        let (processed, rest) = (entries(of_table), entries(&mut unprocessed));
        random.shuffle(processed);
        *rest = processed.split_off(random.usize(1..processed.len()));
        let table = table.clone();
        SplitBatch { request: request.map(|_| body.to_string().into()), table, unprocessed }
    }

    pub fn join(self, answer: Response<Bytes>) -> Response<Bytes> {
        if !answer.status().is_success() {
            return answer;
        }
        let (mut head, body) = answer.into_parts();
        let mut body: Json = serde_json::from_slice(&body).expect("an answer to a batch");
        let name = if self.unprocessed.is_array() { "UnprocessedItems" } else { "UnprocessedKeys" };
        body[name] = json!({ self.table: self.unprocessed });
        // The checksum of the original body.
        head.headers.remove("x-amz-crc32");
        Response::from_parts(head, body.to_string().into())
    }
}

/// Returns the list of entries: writes are an array; reads are an object with the array `Keys`.
fn entries(of_table: &mut Json) -> &mut Vec<Json> {
    let list = if of_table.is_array() { of_table } else { &mut of_table["Keys"] };
    list.as_array_mut().expect("a list")
}
