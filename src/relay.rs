//! Invokes the function: for another run of a load that needs more time or has waited for its turn, and, from the
//! command, for what a person asks.

mod failures;

use std::time::Duration;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;

use crate::clients::CloudFault;
use crate::event::{Request, own_event};
pub use failures::{FailedEvent, FailureQueue};
use inventory_base::load_id::LoadId;

/// The longest run that Lambda allows.
const LONGEST_RUN: Duration = Duration::from_secs(15 * 60);

/// The error type of a run whose retry may succeed.
pub const TRANSIENT_FAULT: &str = "PassingFault";

/// Why the function could not be invoked, or the error it answered with.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("{0}")]
    Cloud(#[from] CloudFault),
    #[error("{message}")]
    Function { message: String, transient: bool },
}

impl RelayError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            RelayError::Cloud(fault) => fault.transient,
            RelayError::Function { transient, .. } => *transient,
        }
    }
}

/// Invokes the function that loads: from the function itself, or from the command.
#[derive(Debug, Clone)]
pub struct Relay {
    lambda: aws_sdk_lambda::Client,
    function: String,
}

impl Relay {
    pub fn new(lambda: aws_sdk_lambda::Client, function: impl Into<String>) -> Relay {
        Relay { lambda, function: function.into() }
    }

    /// Asks for a run that continues this load. Returns once Lambda has queued the event, not when the load has
    /// continued. Hand the turn over first (`Ledger::hand_over`), or the next run treats the load as a duplicate.
    pub async fn ask_to_continue(&self, load: &LoadId) -> Result<(), RelayError> {
        self.send(&own_event(&Request::Continue(load.clone())).unwrap_or_default()).await?;
        tracing::info!(event = "continuation_asked", load = %load, function = self.function);
        Ok(())
    }

    /// Sends the function an event unchanged, without waiting for the result.
    pub async fn send(&self, event: &serde_json::Value) -> Result<(), RelayError> {
        self.invoke(event, InvocationType::Event).await.map(|_| ())
    }

    /// Invokes the function and waits for its answer, however long that takes.
    pub async fn ask(&self, request: &Request) -> Result<serde_json::Value, RelayError> {
        let event = own_event(request).unwrap_or_default();
        let answer = self.invoke(&event, InvocationType::RequestResponse).await?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new("null")).into_inner();
        let answered: serde_json::Value = serde_json::from_slice(&payload).unwrap_or_default();
        match answer.function_error {
            None => Ok(answered),
            Some(kind) => {
                let message = answered["errorMessage"].as_str().map_or(kind, str::to_string);
                let transient = answered["errorType"] == TRANSIENT_FAULT;
                Err(RelayError::Function { message, transient })
            }
        }
    }

    async fn invoke(&self, event: &serde_json::Value, kind: InvocationType) -> Result<InvokeOutput, RelayError> {
        let is_waited_for = kind == InvocationType::RequestResponse;
        let request = self.lambda.invoke().function_name(&self.function).invocation_type(kind);
        let request = request.payload(Blob::new(event.to_string()));
        let answer = if is_waited_for {
            let patient = TimeoutConfig::builder().read_timeout(LONGEST_RUN).operation_attempt_timeout(LONGEST_RUN);
            // A retry would run it twice.
            let settings = aws_sdk_lambda::Config::builder().retry_config(RetryConfig::disabled());
            request.customize().config_override(settings.timeout_config(patient.build())).send().await
        } else {
            request.send().await
        };
        answer.map_err(|error| CloudFault::new("Invoke", &format!("function {}", self.function), &error).into())
    }
}
