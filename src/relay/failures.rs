//! The failure queue: events whose every attempt ended in an error.

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::clients::CloudFault;

/// How long a received message stays invisible to other readers: enough time to send its event again.
const HIDDEN_SECONDS: i32 = 60;
/// The member of a message that holds the event.
const EVENT: &str = "requestPayload";
/// Long polling: SQS asks all of its servers only if it may wait. Shorter than the client's timeout.
const WAIT_SECONDS: i32 = 1;
/// Even with long polling, a single empty answer doesn't prove that the queue is empty; this many in a row do.
const EMPTY_ANSWERS: u32 = 3;

#[derive(Debug, Clone)]
pub struct FailureQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// An event in the failure queue, as Lambda put it there.
#[derive(Debug)]
pub struct FailedEvent {
    pub event: Json,
    /// The id of the message.
    pub id: String,
    /// When Lambda gave the event up.
    pub since: Timestamp,
    /// The type of the error of its last run, if the run could report one.
    pub kind: Option<String>,
    /// The error of its last run.
    pub why: String,
    body: Json,
    handle: String,
}

impl FailedEvent {
    /// Reads a message; `None` if it holds no event.
    fn read(message: Message) -> Option<FailedEvent> {
        let body: Json = serde_json::from_str(message.body.as_deref()?).ok()?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str);
        Some(FailedEvent {
            event: body.get(EVENT)?.clone(),
            id: message.message_id?,
            since: text("/timestamp").and_then(|at| at.parse().ok()).unwrap_or_else(Timestamp::now),
            kind: text("/responsePayload/errorType").map(str::to_string),
            why: text("/responsePayload/errorMessage").unwrap_or("the reason is unknown").to_string(),
            handle: message.receipt_handle?,
            body,
        })
    }
}

impl FailureQueue {
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> FailureQueue {
        FailureQueue { client, url: url.into() }
    }

    /// Returns the approximate number of events, including those that another reader has received.
    pub async fn count(&self) -> Result<u64, CloudFault> {
        let numbers = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let asked = request.set_attribute_names(Some(numbers.to_vec())).send().await;
        let answer = asked.map_err(|error| CloudFault::new("GetQueueAttributes", &self.resource(), &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(numbers.iter().filter_map(|number| attributes.get(number)?.parse::<u64>().ok()).sum())
    }

    /// Receives the next event; messages that hold no event are left in the queue.
    pub async fn next(&self) -> Result<Option<FailedEvent>, CloudFault> {
        let mut empty = 0;
        while empty < EMPTY_ANSWERS {
            let receive = self.client.receive_message().queue_url(&self.url);
            let receive = receive.visibility_timeout(HIDDEN_SECONDS).wait_time_seconds(WAIT_SECONDS);
            let answer =
                receive.send().await.map_err(|error| CloudFault::new("ReceiveMessage", &self.resource(), &error))?;
            let Some(message) = answer.messages.unwrap_or_default().pop() else {
                empty += 1;
                continue;
            };
            empty = 0;
            if let Some(failed) = FailedEvent::read(message) {
                return Ok(Some(failed));
            }
        }
        Ok(None)
    }

    /// Makes the message visible to other readers again.
    pub async fn release(&self, failed: FailedEvent) -> Result<(), CloudFault> {
        let change = self.client.change_message_visibility().queue_url(&self.url).visibility_timeout(0);
        let changed = change.receipt_handle(failed.handle).send().await;
        changed.map_err(|error| CloudFault::new("ChangeMessageVisibility", &self.resource(), &error))?;
        Ok(())
    }

    /// Replaces the event, keeping the rest of its message.
    pub async fn replace(&self, failed: FailedEvent, event: &Json) -> Result<(), CloudFault> {
        let mut body = failed.body.clone();
        body[EVENT] = event.clone();
        let send = self.client.send_message().queue_url(&self.url).message_body(body.to_string()).send().await;
        send.map_err(|error| CloudFault::new("SendMessage", &self.resource(), &error))?;
        self.remove(failed).await
    }

    pub async fn remove(&self, failed: FailedEvent) -> Result<(), CloudFault> {
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(failed.handle);
        delete.send().await.map_err(|error| CloudFault::new("DeleteMessage", &self.resource(), &error))?;
        Ok(())
    }

    fn resource(&self) -> String {
        format!("failure queue {}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, FakeRequest, Reply};
    use serde_json::json;

    fn message(id: &str, body: &str) -> Json {
        json!({ "Messages": [{ "MessageId": id, "ReceiptHandle": "h", "Body": body }] })
    }

    fn queue(answers: impl Fn(&FakeRequest) -> Json + Send + Sync + 'static) -> (Fake, FailureQueue) {
        let fake = Fake::answering(move |asked| Reply::Json(200, answers(asked)));
        let client = aws_sdk_sqs::Client::new(&fake.config());
        (fake, FailureQueue::new(client, "https://sqs.eu-central-1.amazonaws.com/123456789012/failures"))
    }

    #[tokio::test(start_paused = true)]
    async fn one_empty_answer_is_not_an_empty_queue() {
        let failed = json!({ "requestPayload": { "sweep": {} }, "timestamp": "2026-10-03T08:00:00Z",
                              "responsePayload": { "errorType": "PassingFault", "errorMessage": "busy" } });
        let (fake, queue) = queue(move |asked| match asked.number {
            2 => message("1", "no event"),
            5 => message("2", &failed.to_string()),
            _ => json!({}),
        });
        let found = queue.next().await.unwrap().expect("the event behind two empty answers");
        assert_eq!((found.id.as_str(), found.kind.as_deref(), found.why.as_str()), ("2", Some("PassingFault"), "busy"));
        assert_eq!(found.since.to_string(), "2026-10-03T08:00:00Z");
        assert!(queue.next().await.unwrap().is_none());
        assert_eq!(fake.requests().len(), 6 + EMPTY_ANSWERS as usize);
        assert!(fake.requests().iter().all(|asked| asked.json()["WaitTimeSeconds"] == WAIT_SECONDS));
    }
}
