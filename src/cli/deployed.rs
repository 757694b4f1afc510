//! The deployed loader, where it is named, and asking it.

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
    /// The loader's function; by default what INVENTORY_FUNCTION says.
    #[arg(long, value_name = "FUNCTION")]
    pub function: Option<String>,
    /// Talk to this address instead of AWS, such as http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The AWS region; by default what the AWS settings say.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl Deployed {
    pub async fn connect(&self) -> Clients {
        clients::connect(self.endpoint_url.as_deref(), self.region.as_deref()).await
    }

    /// What asks the function; none where none is named.
    pub async fn relay(&self) -> Option<Relay> {
        let function = self.named()?;
        Some(Relay::new(self.connect().await.lambda, function))
    }

    /// The function, as it is typed or as the environment names it.
    pub fn named(&self) -> Option<String> {
        self.function.clone().or_else(|| std::env::var("INVENTORY_FUNCTION").ok()).filter(|name| !name.is_empty())
    }
}

/// Asks, and shows that it does where the answer takes its time.
pub(super) async fn ask_patiently<T: DeserializeOwned>(
    relay: &Relay,
    request: &Request,
    part: &str,
) -> Result<T, CliError> {
    Bar::asking().during(ask(relay, request, part)).await
}

/// Asks the function, and takes from its answer the part of this name.
pub(super) async fn ask<T: DeserializeOwned>(relay: &Relay, request: &Request, part: &str) -> Result<T, CliError> {
    let mut answer = relay.ask(request).await.map_err(LoadError::from)?;
    let answer = answer.pointer_mut("/answers/0").and_then(Json::as_object_mut).and_then(|answer| answer.remove(part));
    answer.and_then(|answer| serde_json::from_value(answer).ok()).ok_or_else(|| {
        CliError::usage(
            "The function answered something that this command does not know. Use the command and the function of one \
             version; inventory --version tells the command's.",
        )
    })
}
