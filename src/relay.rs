//! Asking the function: for another run of a load that needs more time than one has, or that waited for its turn; and,
//! from the command, for what people want.

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;

use crate::clients::CloudFault;
use crate::event::{LoadId, Request, own_event};

/// The type of an error that may pass by itself.
pub const PASSING: &str = "PassingFault";

/// Why the function was not asked, or what it answered instead of doing it.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the function was not asked: {0}")]
    Cloud(#[from] CloudFault),
    #[error("{message}")]
    Function { message: String, passing: bool },
}

impl RelayError {
    /// Whether the same call may succeed later.
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            RelayError::Cloud(fault) => fault.passing,
            RelayError::Function { passing, .. } => *passing,
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
        self.send(&own_event(&Request::Continue(load.clone())).unwrap_or_default()).await?;
        tracing::info!(event = "continuation_asked", load = %load, function = self.function);
        Ok(())
    }

    /// Sends the function an event, as it stands, and does not wait for what comes of it.
    pub async fn send(&self, event: &serde_json::Value) -> Result<(), RelayError> {
        self.invoke(event, InvocationType::Event).await.map(|_| ())
    }

    /// Asks the function for an answer.
    pub async fn ask(&self, request: &Request) -> Result<serde_json::Value, RelayError> {
        let event = own_event(request).unwrap_or_default();
        let answer = self.invoke(&event, InvocationType::RequestResponse).await?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new("null")).into_inner();
        let told: serde_json::Value = serde_json::from_slice(&payload).unwrap_or_default();
        match answer.function_error {
            None => Ok(told),
            Some(kind) => {
                let message = told["errorMessage"].as_str().map_or(kind, str::to_string);
                let passing = told["errorType"] == PASSING;
                Err(RelayError::Function { message, passing })
            }
        }
    }

    async fn invoke(&self, event: &serde_json::Value, kind: InvocationType) -> Result<InvokeOutput, RelayError> {
        let request = self.lambda.invoke().function_name(&self.function).invocation_type(kind);
        let answer = request.payload(Blob::new(event.to_string())).send().await;
        answer.map_err(|error| CloudFault::new("Invoke", &format!("function {}", self.function), &error).into())
    }
}
