//! Connects to the deployed loader, and asks it.

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::clients::{self, Clients};
use crate::event::Request;
use crate::load::LoadError;
use crate::relay::Relay;
use inventory_check::cli::Bar;
use inventory_check::cli::CliError;

#[derive(Args)]
pub(super) struct Deployed {
    /// The loader's Lambda function; by default that in INVENTORY_FUNCTION.
    #[arg(long, value_name = "FUNCTION")]
    pub function: Option<String>,
    /// Connect to this address instead of AWS, such as http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The AWS region; by default that of the AWS configuration.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl Deployed {
    pub async fn connect(&self) -> Clients {
        clients::connect(self.endpoint_url.as_deref(), self.region.as_deref()).await
    }

    /// Returns a relay to the function; `None` if no function is named.
    pub async fn relay(&self) -> Option<Relay> {
        let function = self.named()?;
        Some(Relay::new(self.connect().await.lambda, function))
    }

    /// Returns the function named on the command line or in the environment.
    pub fn named(&self) -> Option<String> {
        self.function.clone().or_else(|| std::env::var("INVENTORY_FUNCTION").ok()).filter(|name| !name.is_empty())
    }
}

/// Asks the function, and shows progress on the terminal if the answer takes long.
pub(super) async fn ask_with_progress<T: DeserializeOwned>(
    relay: &Relay,
    request: &Request,
    part: &str,
) -> Result<T, CliError> {
    Bar::asking().during(ask(relay, request, part)).await
}

/// Asks the function, and returns the part of this name from its answer.
pub(super) async fn ask<T: DeserializeOwned>(relay: &Relay, request: &Request, part: &str) -> Result<T, CliError> {
    let mut answer = relay.ask(request).await.map_err(LoadError::from)?;
    let answer = answer.pointer_mut("/answers/0").and_then(Json::as_object_mut).and_then(|answer| answer.remove(part));
    answer.and_then(|answer| serde_json::from_value(answer).ok()).ok_or_else(|| {
        CliError::usage(
            "The function's answer was not understood. Use the same version of the command and of the function; \
             inventory --version prints that of the command.",
        )
    })
}
