//! The failure queue: events that ended in an error each time they were tried.

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::clients::CloudFault;

/// Long enough to send an event again before anybody else sees it.
const HIDDEN_SECONDS: i32 = 60;
/// Where Lambda puts the event in a message.
const EVENT: &str = "requestPayload";
/// SQS looks on all of its servers only where it may wait. Shorter than the client waits for an answer.
const WAIT_SECONDS: i32 = 1;
/// Even then one answer without a message does not mean that there is none: only this many in a row do.
const EMPTY_ANSWERS: u32 = 3;

#[derive(Debug, Clone)]
pub struct FailureQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// An event that rests in the queue, as Lambda put it there.
#[derive(Debug)]
pub struct Resting {
    pub event: Json,
    /// By which the queue knows it.
    pub id: String,
    /// When it came to rest.
    pub since: Timestamp,
    /// What kind of error its last run ended in, where that could say so, and the error itself.
    pub kind: Option<String>,
    pub why: String,
    body: Json,
    handle: String,
}

impl Resting {
    /// None where the message holds no event.
    fn read(message: Message) -> Option<Resting> {
        let body: Json = serde_json::from_str(message.body.as_deref()?).ok()?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str);
        Some(Resting {
            event: body.get(EVENT)?.clone(),
            id: message.message_id?,
            since: text("/timestamp").and_then(|at| at.parse().ok()).unwrap_or_else(Timestamp::now),
            kind: text("/responsePayload/errorType").map(str::to_string),
            why: text("/responsePayload/errorMessage").unwrap_or("no reason is known").to_string(),
            handle: message.receipt_handle?,
            body,
        })
    }
}

impl FailureQueue {
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> FailureQueue {
        FailureQueue { client, url: url.into() }
    }

    /// About how many events rest, those included that somebody is looking at.
    pub async fn count(&self) -> Result<u64, CloudFault> {
        let numbers = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let asked = request.set_attribute_names(Some(numbers.to_vec())).send().await;
        let answer = asked.map_err(|error| CloudFault::new("GetQueueAttributes", &self.place(), &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(numbers.iter().filter_map(|number| attributes.get(number)?.parse::<u64>().ok()).sum())
    }

    /// The next one; what holds no event is left where it is.
    pub async fn next(&self) -> Result<Option<Resting>, CloudFault> {
        let mut empty = 0;
        while empty < EMPTY_ANSWERS {
            let receive = self.client.receive_message().queue_url(&self.url);
            let receive = receive.visibility_timeout(HIDDEN_SECONDS).wait_time_seconds(WAIT_SECONDS);
            let answer =
                receive.send().await.map_err(|error| CloudFault::new("ReceiveMessage", &self.place(), &error))?;
            let Some(message) = answer.messages.unwrap_or_default().pop() else {
                empty += 1;
                continue;
            };
            empty = 0;
            if let Some(resting) = Resting::read(message) {
                return Ok(Some(resting));
            }
        }
        Ok(None)
    }

    /// Lets others see it again.
    pub async fn release(&self, resting: Resting) -> Result<(), CloudFault> {
        let change = self.client.change_message_visibility().queue_url(&self.url).visibility_timeout(0);
        let changed = change.receipt_handle(resting.handle).send().await;
        changed.map_err(|error| CloudFault::new("ChangeMessageVisibility", &self.place(), &error))?;
        Ok(())
    }

    /// Puts another event in its place, with all else as it was.
    pub async fn replace(&self, resting: Resting, event: &Json) -> Result<(), CloudFault> {
        let mut body = resting.body.clone();
        body[EVENT] = event.clone();
        let send = self.client.send_message().queue_url(&self.url).message_body(body.to_string()).send().await;
        send.map_err(|error| CloudFault::new("SendMessage", &self.place(), &error))?;
        self.remove(resting).await
    }

    pub async fn remove(&self, resting: Resting) -> Result<(), CloudFault> {
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(resting.handle);
        delete.send().await.map_err(|error| CloudFault::new("DeleteMessage", &self.place(), &error))?;
        Ok(())
    }

    fn place(&self) -> String {
        format!("failure queue {}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Asked, Fake, Reply};
    use serde_json::json;

    fn message(id: &str, body: &str) -> Json {
        json!({ "Messages": [{ "MessageId": id, "ReceiptHandle": "h", "Body": body }] })
    }

    fn queue(answers: impl Fn(&Asked) -> Json + Send + Sync + 'static) -> (Fake, FailureQueue) {
        let fake = Fake::answering(move |asked| Reply::Json(200, answers(asked)));
        let client = aws_sdk_sqs::Client::new(&fake.config());
        (fake, FailureQueue::new(client, "https://sqs.eu-central-1.amazonaws.com/123456789012/failures"))
    }

    #[tokio::test(start_paused = true)]
    async fn one_empty_answer_is_not_an_empty_queue() {
        let resting = json!({ "requestPayload": { "sweep": {} }, "timestamp": "2026-10-03T08:00:00Z",
                              "responsePayload": { "errorType": "PassingFault", "errorMessage": "busy" } });
        let (fake, queue) = queue(move |asked| match asked.number {
            2 => message("1", "no event"),
            5 => message("2", &resting.to_string()),
            _ => json!({}),
        });
        let found = queue.next().await.unwrap().expect("the event behind two empty answers");
        assert_eq!((found.id.as_str(), found.kind.as_deref(), found.why.as_str()), ("2", Some("PassingFault"), "busy"));
        assert_eq!(found.since.to_string(), "2026-10-03T08:00:00Z");
        assert!(queue.next().await.unwrap().is_none());
        assert_eq!(fake.asked().len(), 6 + EMPTY_ANSWERS as usize);
        assert!(fake.asked().iter().all(|asked| asked.json()["WaitTimeSeconds"] == WAIT_SECONDS));
    }
}
