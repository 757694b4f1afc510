//! A queue that receives the loader's notifications: the mails of a topic, or the events of the bus.

use std::sync::Mutex;

use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value as Json, json};

use crate::harness::cloud::Cloud;
use crate::harness::stack::Stack;
use crate::harness::{eventually, unique};

pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    arn: String,
    /// All messages received so far.
    received: Mutex<Vec<Json>>,
}

impl Queue {
    async fn open(cloud: &Cloud, name: &str) -> Queue {
        let made = cloud.sqs.create_queue().queue_name(name).send().await.expect("a queue");
        let url = made.queue_url.expect("its address");
        let attributes = cloud.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let attributes = attributes.send().await.expect("an answer").attributes.expect("its attributes");
        let arn = attributes[&QueueAttributeName::QueueArn].clone();
        Queue { client: cloud.sqs.clone(), url, arn, received: Mutex::default() }
    }

    /// Returns a queue that receives the messages of the stack's topic.
    pub async fn of_mails(stack: &Stack) -> Queue {
        let queue = Queue::open(&stack.cloud, &unique("mails")).await;
        let subscribe = stack.cloud.sns.subscribe().topic_arn(&stack.topic).protocol("sqs").endpoint(&queue.arn);
        subscribe.send().await.expect("a subscription");
        queue
    }

    /// Returns a queue that receives the events about the stack's table.
    pub async fn of_events(stack: &Stack) -> Queue {
        let name = unique("events");
        let (queue, bus) = (Queue::open(&stack.cloud, &name).await, &stack.cloud.eventbridge);
        let pattern = json!({ "source": ["inventory.loader"], "detail": { "table": [stack.inventory] } });
        bus.put_rule().name(&name).event_pattern(pattern.to_string()).send().await.expect("a rule");
        let target = Target::builder().id("queue").arn(&queue.arn).build().expect("a target");
        bus.put_targets().rule(&name).targets(target).send().await.expect("a target");
        queue
    }

    /// Waits for the first message that contains `mentioning`.
    pub async fn about(&self, mentioning: &str) -> Json {
        eventually(&format!("a message about {mentioning}"), || async {
            self.all_about(mentioning).await.into_iter().next()
        })
        .await
    }

    /// Returns the messages received until now that contain `mentioning`.
    pub async fn all_about(&self, mentioning: &str) -> Vec<Json> {
        loop {
            let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let messages = receive.send().await.expect("the queue").messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let body = message.body.expect("a body");
                self.received.lock().unwrap().push(serde_json::from_str(&body).expect("JSON"));
                let handle = message.receipt_handle.expect("a handle");
                let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(handle);
                delete.send().await.expect("a deletion");
            }
        }
        let received = self.received.lock().unwrap();
        received.iter().filter(|message| message.to_string().contains(mentioning)).cloned().collect()
    }
}
