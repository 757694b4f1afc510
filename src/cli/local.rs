//! `--local`: a table that runs inside the command and is kept in a file beside the loads, for trying things out. The
//! loader reaches it as it reaches DynamoDB: by the same client, over loopback.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use inventory_local_table::{EmbeddedTable, OpenError, StartError};

use crate::clients;
use crate::table::Table;
use inventory_base::key_shape::KeyShape;
use inventory_check::cli::{CliError, print_note};
use inventory_rules::schema::Schema;

/// The file of the local table, in the folder of the loads.
const FILE: &str = "inventory-local.redb";
const NAME: &str = "local";
const PURPOSE: &str = "for trying things out, not for keeping stock";

/// Which table a command is about.
#[derive(Args)]
pub(super) struct WhichTable {
    #[command(flatten)]
    named: NamedTable,
    /// Connect to this address instead of AWS, such as http://127.0.0.1:4566.
    #[arg(long, value_name = "URL", conflicts_with = "local")]
    endpoint_url: Option<String>,
    /// The AWS region of the table; by default that of the AWS configuration.
    #[arg(long, value_name = "REGION", conflicts_with = "local")]
    region: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct NamedTable {
    /// The DynamoDB table.
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Use a table on this machine, kept in a file beside the loads: for trying things out, not for keeping stock. Needs
    /// neither AWS nor a network.
    #[arg(long)]
    local: bool,
}

impl WhichTable {
    /// The name of the DynamoDB table; `None` for the local table.
    pub fn name(&self) -> Option<&str> {
        self.named.table.as_deref()
    }

    /// Opens the table in DynamoDB, or else the local one.
    pub async fn open(&self, local: impl FnOnce() -> Result<OpenTable, CliError>) -> Result<OpenTable, CliError> {
        match &self.named.table {
            Some(name) => {
                let clients = clients::connect(self.endpoint_url.as_deref(), self.region.as_deref()).await;
                Ok(OpenTable::in_dynamodb(name, clients.dynamodb))
            }
            None => local(),
        }
    }
}

/// A table that a command uses. A local one answers as long as this exists, and keeps other commands out of its file.
pub(super) struct OpenTable {
    pub dynamodb: aws_sdk_dynamodb::Client,
    name: String,
    _local: Option<EmbeddedTable>,
}

impl OpenTable {
    pub fn in_dynamodb(name: &str, dynamodb: aws_sdk_dynamodb::Client) -> OpenTable {
        OpenTable { dynamodb, name: name.to_string(), _local: None }
    }

    /// Starts the local table of a folder, made with the key of these rules if there is none yet.
    pub fn for_load(folder: &Path, rules: &Schema) -> Result<OpenTable, CliError> {
        let path = folder.join(FILE);
        let key = key_of(rules)?;
        OpenTable::kept_in(&path, |path| EmbeddedTable::in_file(NAME, key, path))
    }

    /// Starts the local table of a folder, or an empty one that leaves nothing behind.
    pub fn for_plan(folder: &Path, rules: &Schema) -> Result<OpenTable, CliError> {
        let path = folder.join(FILE);
        if path.exists() {
            return OpenTable::of_earlier_load(folder);
        }
        print_note(&format!(
            "There is no local table in {} yet, so the file is compared with an empty one. A local table is {PURPOSE}.",
            path.display()
        ));
        EmbeddedTable::in_memory(NAME, key_of(rules)?).map(OpenTable::of).map_err(not_started)
    }

    /// Starts the local table that an earlier load has made in a folder.
    pub fn of_earlier_load(folder: &Path) -> Result<OpenTable, CliError> {
        OpenTable::kept_in(&folder.join(FILE), |path| EmbeddedTable::in_existing_file(NAME, path))
    }

    fn kept_in(
        path: &Path,
        start: impl FnOnce(&Path) -> Result<EmbeddedTable, StartError>,
    ) -> Result<OpenTable, CliError> {
        let table = start(path).map_err(not_started)?;
        print_note(&format!("This uses the local table in {}: {PURPOSE}.", path.display()));
        Ok(OpenTable::of(table))
    }

    fn of(table: EmbeddedTable) -> OpenTable {
        let dynamodb = clients::on_this_machine(&table.url(), table.access_key());
        OpenTable { dynamodb, name: NAME.to_string(), _local: Some(table) }
    }

    pub fn table(&self, wait: Duration) -> Table {
        Table::new(self.dynamodb.clone(), &self.name, wait)
    }
}

/// The folder of the local table, where `--out` is something else.
#[derive(Args)]
pub(super) struct LoadsFolder {
    /// With --local: the folder of `inventory load --local`, where the table is.
    #[arg(long, value_name = "FOLDER", default_value = "inventory-loads", conflicts_with = "table")]
    pub loads: PathBuf,
}

fn not_started(error: StartError) -> CliError {
    match error {
        StartError::Open(OpenError::NotThere(_)) => {
            CliError::usage(format!("{error}. To make one, load a file with inventory load --local."))
        }
        error => CliError::usage(format!("{error}.")),
    }
}

fn key_of(rules: &Schema) -> Result<KeyShape, CliError> {
    rules.key_shape().ok_or_else(|| {
        CliError::usage("The rules name a key column whose values can't be a table's key. Change [key] in the rules.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(key: &str) -> Schema {
        let column =
            |name: &str, kind: &str| format!("[[column]]\nname = \"{name}\"\ntype = \"{kind}\"\nrequired = true\n");
        let text = format!("version = 1\n[key]\n{key}\n{}{}", column("sku", "text"), column("shelf", "integer"));
        Schema::from_toml(&text).unwrap_or_else(|mistakes| panic!("{mistakes}: {text}"))
    }

    #[test]
    fn the_table_gets_the_key_of_the_rules_with_its_types() {
        let key = |text: &str| text.parse::<KeyShape>().unwrap();
        assert_eq!(key_of(&Schema::shipped().unwrap()).unwrap(), key("sku"));
        for (in_rules, expected) in [
            ("partition = \"sku\"", "sku"),
            ("partition = \"shelf\"", "shelf:N"),
            ("partition = \"sku\"\nsort = \"shelf\"", "sku,shelf:N"),
            ("partition = \"shelf\"\nsort = \"sku\"", "shelf:N,sku"),
        ] {
            assert_eq!(key_of(&rules(in_rules)).unwrap(), key(expected), "{in_rules}");
        }
    }

    #[tokio::test]
    async fn a_plan_without_a_table_leaves_none_behind_and_an_export_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let rules = rules("partition = \"shelf\"");
        let plan = OpenTable::for_plan(folder.path(), &rules).unwrap();
        let shape = plan.table(Duration::from_secs(1)).describe().await.unwrap();
        assert_eq!(rules.check_table(&shape), Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let error = OpenTable::of_earlier_load(folder.path()).err().unwrap();
        assert!(error.sentence.ends_with("yet. To make one, load a file with inventory load --local."), "{error:?}");
    }

    #[tokio::test]
    async fn a_table_keeps_its_key_and_is_used_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = OpenTable::for_load(folder.path(), &rules("partition = \"shelf\"")).unwrap();
        let error = OpenTable::for_load(folder.path(), &rules("partition = \"sku\"")).err().unwrap();
        assert!(error.sentence.starts_with("Another command is using the table in "), "{error:?}");
        drop(first);
        let other = rules("partition = \"sku\"");
        let again = OpenTable::for_load(folder.path(), &other).unwrap();
        let shape = again.table(Duration::from_secs(1)).describe().await.unwrap();
        assert!(shape.id.is_some() && other.check_table(&shape).is_err(), "{shape:?}");
    }
}
