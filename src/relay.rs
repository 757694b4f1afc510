//! Asking for another run: a load that needs more time than one has goes on in the next, and one that was held is
//! loaded again, and one that was a mistake is undone.

use std::time::Duration;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;

use crate::clients::CloudFault;
use crate::event::{Approval, LoadId, Undo, approve_event, continue_event, undo_event};
use crate::report::UndoAnswer;

/// Lambda lets no function run longer.
const LONGEST_RUN: Duration = Duration::from_secs(15 * 60);

/// Why no other run was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("a run for load {load} was not asked for: {fault}")]
    Cloud { load: LoadId, fault: CloudFault },
    /// The run was asked for, and said why it cannot do it.
    #[error("{said}")]
    Refused { said: String, passing: bool },
    #[error("the loader's answer about load {0} cannot be read; is it of another version than this command?")]
    Strange(LoadId),
}

impl RelayError {
    /// Whether the same call may succeed later.
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            RelayError::Cloud { fault, .. } => fault.passing,
            RelayError::Refused { passing, .. } => *passing,
            RelayError::Strange(_) => false,
        }
    }
}

/// The function that loads, asked by itself.
#[derive(Debug, Clone)]
pub struct Relay {
    lambda: aws_sdk_lambda::Client,
    function: String,
}

impl Relay {
    pub fn new(lambda: aws_sdk_lambda::Client, function: impl Into<String>) -> Relay {
        Relay { lambda, function: function.into() }
    }

    /// Asks for a run that continues this load. Returns once Lambda has queued the event, not when the load has gone
    /// on; give the turn back first (`Ledger::hand_over`), or the next run takes itself for a duplicate.
    pub async fn ask_to_continue(&self, load: &LoadId) -> Result<(), RelayError> {
        self.ask(load, continue_event(load)).await?;
        tracing::info!(event = "continuation_asked", load = %load, function = self.function);
        Ok(())
    }

    /// Asks for a run that loads again what is held.
    pub async fn ask_to_approve(&self, approval: &Approval) -> Result<(), RelayError> {
        self.ask(&approval.load, approve_event(approval)).await
    }

    /// Asks for a run that takes back what a load wrote.
    pub async fn ask_to_undo(&self, undo: &Undo) -> Result<(), RelayError> {
        self.ask(&undo.load, undo_event(&Undo { dry_run: false, ..undo.clone() })).await
    }

    /// Asks what taking back would come to, and waits for the answer.
    pub async fn ask_about_undo(&self, undo: &Undo) -> Result<UndoAnswer, RelayError> {
        let event = undo_event(&Undo { dry_run: true, ..undo.clone() });
        let waiting = TimeoutConfig::builder().read_timeout(LONGEST_RUN).operation_attempt_timeout(LONGEST_RUN).build();
        let settings = aws_sdk_lambda::Config::builder().timeout_config(waiting).retry_config(RetryConfig::disabled());
        let request = self.lambda.invoke().function_name(&self.function).payload(Blob::new(event.to_string()));
        let answer = request.customize().config_override(settings).send().await;
        let answer = answer.map_err(|error| self.fault(&undo.load, &error))?;
        let strange = || RelayError::Strange(undo.load.clone());
        let json = answer.payload.map(Blob::into_inner).unwrap_or_default();
        let mut json: serde_json::Value = serde_json::from_slice(&json).map_err(|_| strange())?;
        if answer.function_error.is_some() {
            let text = |name: &str| json[name].as_str().unwrap_or_default();
            let said = text("errorMessage").to_string();
            return Err(RelayError::Refused { said, passing: text("errorType") == "PassingFault" });
        }
        serde_json::from_value(json["undo"].take()).map_err(|_| strange())
    }

    async fn ask(&self, load: &LoadId, event: serde_json::Value) -> Result<(), RelayError> {
        let request = self.lambda.invoke().function_name(&self.function).invocation_type(InvocationType::Event);
        let asked = request.payload(Blob::new(event.to_string())).send().await;
        asked.map(|_| ()).map_err(|error| self.fault(load, &error))
    }

    fn fault(&self, load: &LoadId, error: &SdkError<InvokeError, HttpResponse>) -> RelayError {
        let fault = CloudFault::new("Invoke", &format!("function {}", self.function), error);
        RelayError::Cloud { load: load.clone(), fault }
    }
}
