//! Notifies people and programs when a load has ended or is delayed, or when a sheet is overdue: with a mail through an
//! SNS topic and an event on an EventBridge bus.

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
use inventory_rules::schema::Interval;
use mail::Mail;

const PUBLISH: &str = "Publish";
const PUT_EVENTS: &str = "PutEvents";
/// How often an event is sent that the bus rejects with a transient error, with pauses in between. The SDK itself only
/// retries whole requests.
const EVENT_TRIES: u32 = 3;
const EVENT_PAUSE: Duration = Duration::from_millis(200);

/// Sends notifications; none if neither topic nor bus is configured.
#[derive(Debug, Clone)]
pub struct Notifier {
    sns: aws_sdk_sns::Client,
    eventbridge: aws_sdk_eventbridge::Client,
    /// The topic's ARN.
    topic: Option<String>,
    /// The bus's name.
    bus: Option<String>,
    context: MailContext,
}

/// What a mail needs to know about the deployment.
#[derive(Debug, Clone)]
pub struct MailContext {
    /// The bucket with the reports.
    pub reports: String,
    /// The function that the commands in a mail name.
    pub function: String,
    pub region: String,
}

/// Where to find a load that has ended.
#[derive(Debug, Clone, Copy)]
pub struct LoadLocation<'a> {
    pub table: &'a str,
    pub names: Names<'a>,
}

/// A sheet that was expected but hasn't come.
#[derive(Debug, Clone)]
pub struct OverdueSheet<'a> {
    pub table: &'a str,
    /// The last load, and when it ended.
    pub last: &'a LoadId,
    pub at: Timestamp,
    pub every: Interval,
    /// The number of periods that have passed since.
    pub periods: u64,
    /// When the first of them ended.
    pub due: Timestamp,
}

/// A load, or an event that hasn't become a load yet, that has been failing for a while and is being retried.
#[derive(Debug, Clone, Copy)]
pub struct DelayedLoad<'a> {
    pub table: &'a str,
    /// `None` if the load isn't known yet.
    pub load: Option<&'a LoadId>,
    pub file: &'a str,
    pub outage: &'a Outage,
    /// When retrying stops.
    pub gives_up: Timestamp,
}

impl Notifier {
    pub fn new(
        sns: aws_sdk_sns::Client,
        eventbridge: aws_sdk_eventbridge::Client,
        topic: Option<String>,
        bus: Option<String>,
        context: MailContext,
    ) -> Notifier {
        Notifier { sns, eventbridge, topic, bus, context }
    }

    /// The number of configured channels.
    pub fn channels(&self) -> usize {
        usize::from(self.topic.is_some()) + usize::from(self.bus.is_some())
    }

    /// Notifies that a load has ended. Returns at most one error for each channel.
    pub async fn notify_end(&self, report: &Report, location: LoadLocation<'_>) -> Vec<CloudFault> {
        let context = &self.context;
        self.notify(|| Mail::of_report(report, location, context), || Event::of_report(report, location, context)).await
    }

    /// Notifies that an expected sheet hasn't come. Returns at most one error for each channel.
    pub async fn notify_missing(&self, sheet: &OverdueSheet<'_>) -> Vec<CloudFault> {
        self.notify(|| Mail::of_missing(sheet), || Event::of_missing(sheet)).await
    }

    /// Notifies that a load is delayed, or that retrying has stopped. Returns at most one error for each channel.
    pub async fn notify_delayed(&self, delayed: &DelayedLoad<'_>) -> Vec<CloudFault> {
        self.notify(|| Mail::of_delayed(delayed, &self.context), || Event::of_delayed(delayed)).await
    }

    async fn notify(&self, mail: impl Fn() -> Mail, event: impl Fn() -> Event) -> Vec<CloudFault> {
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
        // Lets a subscription filter by kind.
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(mail.kind).build().ok();
        let publish = self.sns.publish().topic_arn(topic).subject(mail.subject).message(mail.body);
        let publish = publish.set_message_attributes(attribute.map(|kind| [("kind".to_string(), kind)].into()));
        publish.send().await.map_err(|error| CloudFault::new(PUBLISH, &format!("topic {topic}"), &error))?;
        Ok(())
    }

    async fn put_event(&self, bus: &str, event: &Event) -> Result<(), CloudFault> {
        for tried in 1..EVENT_TRIES {
            match self.put_event_once(bus, event).await {
                Err(fault) if fault.transient => sleep(EVENT_PAUSE * tried).await,
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
        // A rejected event is reported in the body of a successful response.
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
