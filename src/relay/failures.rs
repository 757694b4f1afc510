//! The failure queue: events that ended in an error each time they were tried.

use aws_sdk_sqs::types::QueueAttributeName;

use crate::clients::CloudFault;

/// Long enough to send an event again before anybody else sees it.
const HIDDEN_SECONDS: i32 = 60;

#[derive(Debug, Clone)]
pub struct FailureQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// An event that rests in the queue, as Lambda put it there.
#[derive(Debug)]
pub struct Resting {
    pub event: serde_json::Value,
    handle: String,
}

impl FailureQueue {
    pub fn new(client: aws_sdk_sqs::Client, url: impl Into<String>) -> FailureQueue {
        FailureQueue { client, url: url.into() }
    }

    /// About how many events rest.
    pub async fn count(&self) -> Result<u64, CloudFault> {
        let number = QueueAttributeName::ApproximateNumberOfMessages;
        let asked =
            self.client.get_queue_attributes().queue_url(&self.url).attribute_names(number.clone()).send().await;
        let answer = asked.map_err(|error| CloudFault::new("GetQueueAttributes", &self.place(), &error))?;
        let digits = answer.attributes.and_then(|attributes| attributes.get(&number).cloned());
        Ok(digits.and_then(|digits| digits.parse().ok()).unwrap_or_default())
    }

    /// The next one; what holds no event is left where it is.
    pub async fn next(&self) -> Result<Option<Resting>, CloudFault> {
        loop {
            let receive = self.client.receive_message().queue_url(&self.url).visibility_timeout(HIDDEN_SECONDS);
            let answer =
                receive.send().await.map_err(|error| CloudFault::new("ReceiveMessage", &self.place(), &error))?;
            let Some(message) = answer.messages.unwrap_or_default().pop() else { return Ok(None) };
            let body = message.body.as_deref().and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok());
            let event = body.and_then(|mut body| body.get_mut("requestPayload").map(serde_json::Value::take));
            if let (Some(event), Some(handle)) = (event, message.receipt_handle) {
                return Ok(Some(Resting { event, handle }));
            }
        }
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
