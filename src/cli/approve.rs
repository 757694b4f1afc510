//! `inventory approve LOAD --function F`: somebody has read why a load is held, and says that it is right.

use clap::Args;
use jiff::Timestamp;

use super::{Exit, Trouble, load_name, output, whoever_types};
use crate::clients;
use crate::event::{Approval, LoadId};
use crate::relay::Relay;

#[derive(Args)]
pub(super) struct Approve {
    /// The load that is held, by its name in the report.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    load: LoadId,
    /// The loader's function.
    #[arg(long, value_name = "FUNCTION")]
    function: String,
    /// Who approves it, for the ledger; by default the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Talk to this address instead of AWS, such as http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The AWS region of the function; by default what the AWS settings say.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

impl Approve {
    pub async fn run(self) -> Result<Exit, Trouble> {
        let by = whoever_types(self.by);
        let clients = clients::connect(self.endpoint_url.as_deref(), self.region.as_deref()).await;
        let approval = Approval { load: self.load, by, at: Timestamp::now() };
        let asked = Relay::new(clients.lambda, &self.function).ask_to_approve(&approval).await;
        asked.map_err(|error| Trouble { exit: Exit::Cloud, sentence: format!("{error}.") })?;
        output::say(&format!(
            "The loader was asked to load {} again as {}, with what held it approved by {}. Its report will be in \
             loads/{} of the reports bucket.",
            approval.load,
            approval.load.next(),
            approval.by,
            approval.load.next()
        ));
        Ok(Exit::Good)
    }
}
