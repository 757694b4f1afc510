//! Asking for another run: a load that needs more time than one has goes on in the next, and one that was held is
//! loaded again.

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;

use crate::clients::CloudFault;
use crate::event::{Approval, LoadId, approve_event, continue_event};

/// Why no other run was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("a run for load {load} was not asked for: {fault}")]
    Cloud { load: LoadId, fault: CloudFault },
}

impl RelayError {
    /// Whether the same call may succeed later.
    pub fn would_trying_again_help(&self) -> bool {
        let RelayError::Cloud { fault, .. } = self;
        fault.passing
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

    async fn ask(&self, load: &LoadId, event: serde_json::Value) -> Result<(), RelayError> {
        let request = self.lambda.invoke().function_name(&self.function).invocation_type(InvocationType::Event);
        let asked = request.payload(Blob::new(event.to_string())).send().await;
        asked.map(|_| ()).map_err(|error| {
            let fault = CloudFault::new("Invoke", &format!("function {}", self.function), &error);
            RelayError::Cloud { load: load.clone(), fault }
        })
    }
}
