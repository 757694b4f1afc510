//! What can go wrong with a call, and the answers that say so.

use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Value as Json, json};

use super::call::{Call, Service};
use super::http::{Asked, json as json_answer, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// More than was paid for: the table's throughput, S3's rate, the function's concurrency.
    Throttled,
    /// The service as a whole has too much to do.
    Throttling,
    /// Somebody else is changing the same thing at this moment.
    Conflict,
    ServerError,
    /// Some of a batch are not done and come back.
    Unprocessed,
    /// The connection breaks off before anything is done.
    RequestLost,
    /// It is done, and the connection breaks off before the answer.
    AnswerLost,
    /// It is done, and the answer takes long.
    Slow,
    /// The answer breaks off half way.
    CutOff,
    /// The role may not do it. Not one of those that pass, so no call meets it by chance.
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

    /// What a call of this kind can meet.
    pub fn possible(call: &Call) -> Vec<Fault> {
        Fault::ALL.into_iter().filter(|fault| fault.befalls(call)).collect()
    }

    fn befalls(self, call: &Call) -> bool {
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

    /// The error that is answered instead of doing it.
    pub fn answer(self, call: &Call) -> Option<Response<Bytes>> {
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
            (Service::EventBridge, Fault::Throttled) => Some(not_taken()),
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
    let mut answer = json_answer(status, &json!({ "message": "a fault of the test" }));
    answer.headers_mut().insert("x-amzn-errortype", code.parse().expect("a header"));
    answer
}

fn sns(status: u16, code: &str) -> Response<Bytes> {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>a fault of the test</Message></Error>");
    text(status, "text/xml", format!("<ErrorResponse>{error}</ErrorResponse>"))
}

/// The bus says so of an event inside an answer that is one of success.
fn not_taken() -> Response<Bytes> {
    let entry = json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "a fault of the test" });
    json_answer(200, &json!({ "FailedEntryCount": 1, "Entries": [entry] }))
}

/// A batch of which only some are done, and those that are not, as the answer names them.
pub struct Parted {
    pub asked: Asked,
    table: String,
    left: Json,
}

impl Parted {
    /// Parts a batch by chance; at least one goes on and at least one stays.
    pub fn of(asked: Asked, random: &mut fastrand::Rng) -> Parted {
        let mut body: Json = serde_json::from_slice(asked.body()).expect("a batch");
        let (table, of_table) =
            body["RequestItems"].as_object_mut().and_then(|all| all.iter_mut().next()).expect("a table");
        let mut left = of_table.clone();
        let (on, stays) = (entries(of_table), entries(&mut left));
        random.shuffle(on);
        *stays = on.split_off(random.usize(1..on.len()));
        let table = table.clone();
        Parted { asked: asked.map(|_| body.to_string().into()), table, left }
    }

    pub fn join(self, answer: Response<Bytes>) -> Response<Bytes> {
        if !answer.status().is_success() {
            return answer;
        }
        let (mut head, body) = answer.into_parts();
        let mut body: Json = serde_json::from_slice(&body).expect("an answer to a batch");
        let name = if self.left.is_array() { "UnprocessedItems" } else { "UnprocessedKeys" };
        body[name] = json!({ self.table: self.left });
        // Of the body as it was.
        head.headers.remove("x-amz-crc32");
        Response::from_parts(head, body.to_string().into())
    }
}

/// Puts are a list; keys are one beside how they are to be read.
fn entries(of_table: &mut Json) -> &mut Vec<Json> {
    let list = if of_table.is_array() { of_table } else { &mut of_table["Keys"] };
    list.as_array_mut().expect("a list")
}
