//! Tells people and programs that a load is over, or that none came: a mail by a topic, an event on a bus.

mod event;
mod mail;

use std::time::Duration;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sns::types::MessageAttributeValue;
use jiff::Timestamp;
use tokio::time::sleep;

use crate::clients::CloudFault;
use crate::ledger::Outage;
use event::Event;
use inventory_base::load_id::LoadId;
use inventory_check::plan::Names;
use inventory_check::report::Report;
use inventory_rules::schema::Every;
use mail::Mail;

const PUBLISH: &str = "Publish";
const PUT_EVENTS: &str = "PutEvents";
/// An event that the bus does not take for the moment is sent so often, after pauses. What the SDK sends again by itself
/// is whole requests.
const EVENT_TRIES: u32 = 3;
const EVENT_PAUSE: Duration = Duration::from_millis(200);

/// Who is told: where neither topic nor bus is named, nobody.
#[derive(Debug, Clone)]
pub struct Notifier {
    sns: aws_sdk_sns::Client,
    eventbridge: aws_sdk_eventbridge::Client,
    /// Its ARN.
    topic: Option<String>,
    /// Its name.
    bus: Option<String>,
    around: Around,
}

/// What a mail has to know of the place it comes from.
#[derive(Debug, Clone)]
pub struct Around {
    /// The bucket with the reports.
    pub reports: String,
    /// Whom the commands in a mail ask.
    pub function: String,
    pub region: String,
}

/// Where an ended load is found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    pub table: &'a str,
    pub names: Names<'a>,
}

/// A sheet that was expected and did not come.
#[derive(Debug, Clone)]
pub struct Missing<'a> {
    pub table: &'a str,
    /// The last load that went in, and when.
    pub last: &'a LoadId,
    pub at: Timestamp,
    pub every: Every,
    /// Periods that went by since.
    pub periods: u64,
    /// When the first of them was over.
    pub due: Timestamp,
}

/// A load, or an event, that has met faults for a while and is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Delayed<'a> {
    pub table: &'a str,
    /// None where no load is known yet.
    pub load: Option<&'a LoadId>,
    pub file: &'a str,
    pub outage: &'a Outage,
    /// Until when it is tried.
    pub gives_up: Timestamp,
}

impl Notifier {
    pub fn new(
        sns: aws_sdk_sns::Client,
        eventbridge: aws_sdk_eventbridge::Client,
        topic: Option<String>,
        bus: Option<String>,
        around: Around,
    ) -> Notifier {
        Notifier { sns, eventbridge, topic, bus, around }
    }

    /// In how many ways it tells.
    pub fn ways(&self) -> usize {
        usize::from(self.topic.is_some()) + usize::from(self.bus.is_some())
    }

    /// Tells that a load is over. What stood in the way comes back, at most one fault for each of the two ways.
    pub async fn tell_end(&self, report: &Report, found: Found<'_>) -> Vec<CloudFault> {
        self.tell(|| Mail::of_report(report, found, &self.around), || Event::of_report(report, found, &self.around))
            .await
    }

    /// Tells that no sheet came where one was expected.
    pub async fn tell_missing(&self, missing: &Missing<'_>) -> Vec<CloudFault> {
        self.tell(|| Mail::of_missing(missing), || Event::of_missing(missing)).await
    }

    /// Tells that a load takes long, or that an event was given up before it became one.
    pub async fn tell_delayed(&self, delayed: &Delayed<'_>) -> Vec<CloudFault> {
        self.tell(|| Mail::of_delayed(delayed, &self.around), || Event::of_delayed(delayed)).await
    }

    async fn tell(&self, mail: impl Fn() -> Mail, event: impl Fn() -> Event) -> Vec<CloudFault> {
        let by_mail = async {
            match &self.topic {
                Some(topic) => self.publish(topic, mail()).await.err(),
                None => None,
            }
        };
        let by_event = async {
            match &self.bus {
                Some(bus) => self.put_event(bus, &event()).await.err(),
                None => None,
            }
        };
        let (by_mail, by_event) = tokio::join!(by_mail, by_event);
        by_mail.into_iter().chain(by_event).collect()
    }

    async fn publish(&self, topic: &str, mail: Mail) -> Result<(), CloudFault> {
        // So that a subscription can be for one kind of news only.
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(mail.kind).build().ok();
        let publish = self.sns.publish().topic_arn(topic).subject(mail.subject).message(mail.body);
        let publish = publish.set_message_attributes(attribute.map(|kind| [("kind".to_string(), kind)].into()));
        publish.send().await.map_err(|error| CloudFault::new(PUBLISH, &format!("topic {topic}"), &error))?;
        Ok(())
    }

    async fn put_event(&self, bus: &str, event: &Event) -> Result<(), CloudFault> {
        for tried in 1..EVENT_TRIES {
            match self.put_event_once(bus, event).await {
                Err(fault) if fault.passing => sleep(EVENT_PAUSE * tried).await,
                end => return end,
            }
        }
        self.put_event_once(bus, event).await
    }

    async fn put_event_once(&self, bus: &str, event: &Event) -> Result<(), CloudFault> {
        let place = format!("event bus {bus}");
        let entry = PutEventsRequestEntry::builder().event_bus_name(bus).source(event::SOURCE);
        let entry = entry.detail_type(event.kind).detail(event.detail.to_string()).build();
        let put = self.eventbridge.put_events().entries(entry).send().await;
        let answer = put.map_err(|error| CloudFault::new(PUT_EVENTS, &place, &error))?;
        // An event that was not taken is told inside an answer that says all is well.
        match answer.entries().iter().find_map(|entry| Some((entry.error_code()?, entry.error_message()))) {
            None => Ok(()),
            Some((code, message)) => {
                Err(CloudFault::of_part(PUT_EVENTS, &place, code, message.unwrap_or("no reason given")))
            }
        }
    }
}

#[cfg(test)]
mod tests;
