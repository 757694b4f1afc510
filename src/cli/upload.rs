//! `inventory upload FILE`: puts a file into the uploads bucket of the deployed loader, names its load, and waits for
//! it with `--wait`.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::deployed::{self, Deployed};
use super::show::print_cut_note;
use super::wait::{Waited, wait};
use crate::event::Request;
use crate::load::{About, LoadError, LoadStatus};
use crate::relay::Relay;
use crate::store::{UploadsBucket, content_type_of};
use inventory_base::load_id::LoadId;
use inventory_base::message::count;
use inventory_base::upload::Upload as Uploaded;
use inventory_check::child::{FILE_BYTES, too_large};
use inventory_check::cli::{Bar, CliError, Exit, print_answer, print_note, print_report};
use inventory_check::report::{Report, Seconds};

/// The folder whose files S3 announces to the function.
const FOLDER: &str = "uploads/";
/// The longest name that S3 accepts.
const NAME_BYTES: usize = 1024;

const UPLOAD_CODES: &str = "Exit codes (without --wait only 0, 2, 3 and 5):
    0  all rows were loaded (or, for a dry run, are right); without --wait, the file is in the bucket
    1  finished, but some rows need attention or lost a value, or the table differs from what was
       written; or not finished: cancelled, or the file was replaced or deleted
    2  the command line or the set-up is not right
    3  the file was refused; nothing was changed
    4  the load is held (or would be) until it is approved; nothing was changed
    5  a fault of the cloud, or the load failed; inventory show LOAD shows which
  130  stopped waiting after Ctrl-C; the load continues";

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory upload stock.xlsx --function inventory-loader --wait",
    "inventory upload stock.xlsx --function inventory-loader --wait --to dry-run/",
];

/// Upload a file to the deployed loader; with --wait, follow its load to the end.
#[derive(Args)]
#[command(after_help = UPLOAD_CODES)]
pub struct Upload {
    /// The spreadsheet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name of the file under uploads/ in the bucket; by default its own. In a folder dry-run, such as
    /// dry-run/stock.xlsx, the load is a dry run.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// The uploads bucket; by default the one that the function reads.
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,
    /// Wait until the load has ended, showing its progress, and print its report. Needs the function.
    #[arg(long)]
    wait: bool,
    /// Print JSON: with --wait the report, without it the name of the load and the place of the file.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loader: Deployed,
}

impl Upload {
    pub async fn run(self) -> Result<Exit, CliError> {
        let size = self.size()?;
        let mut upload = Uploaded {
            bucket: self.bucket.clone().unwrap_or_default(),
            key: key_of(self.to.as_deref(), &self.file),
            version: None,
            sequencer: None,
            etag: None,
            size: Some(size),
            time: None,
        };
        check_name(&upload)?;
        if size > FILE_BYTES {
            // The loader would refuse it, so it isn't uploaded.
            let report = Report::refused(None, upload, too_large(size, FILE_BYTES), Seconds::default());
            print_report(&report, None, self.json, None)?;
            return Ok(Exit::Refused);
        }
        let clients = self.loader.connect().await;
        // With --bucket alone the function isn't needed, even if the environment names one.
        let function = match self.bucket.is_some() && !self.wait {
            true => self.loader.function.clone(),
            false => self.loader.named(),
        };
        let relay = function.map(|function| Relay::new(clients.lambda, function));
        upload.bucket = self.bucket_of(relay.as_ref()).await?;
        let content = std::fs::read(&self.file).map_err(|error| CliError::file("read", &self.file, &error))?;
        let (kind, bar) = (content_type_of(&content, &upload.key), Bar::reading());
        bar.set_message(&format!("sending {} MB", count(size.div_ceil(1 << 20))));
        let uploads = UploadsBucket::new(clients.s3, &upload.bucket);
        let sent = bar.during(uploads.put(&upload.key, content, kind)).await;
        upload.version = sent.map_err(LoadError::from)?;
        match relay {
            Some(relay) if self.wait => self.wait_for(&upload, &relay).await,
            _ => {
                print_answer(&if self.json { as_json(&upload) } else { describe_sent(&upload) });
                Ok(Exit::Good)
            }
        }
    }

    fn size(&self) -> Result<u64, CliError> {
        let about = std::fs::metadata(&self.file).map_err(|error| CliError::file("read", &self.file, &error))?;
        match about.is_file() {
            true => Ok(about.len()),
            false => {
                Err(CliError::usage(format!("{} is not a file. Name the spreadsheet itself.", self.file.display())))
            }
        }
    }

    /// Returns the bucket that is named or that the function reads; if both are known, they must be the same.
    async fn bucket_of(&self, relay: Option<&Relay>) -> Result<String, CliError> {
        let Some(relay) = relay else {
            return match &self.bucket {
                Some(bucket) if !self.wait => Ok(bucket.clone()),
                Some(_) => Err(CliError::usage(
                    "To wait for the load, name the loader's function: --function, or INVENTORY_FUNCTION.",
                )),
                None => Err(CliError::usage(
                    "Name the destination: the loader's function (--function, or INVENTORY_FUNCTION), or the uploads \
                     bucket (--bucket).",
                )),
            };
        };
        let about: About = deployed::ask_with_progress(relay, &Request::About, "about").await?;
        match &self.bucket {
            Some(bucket) if *bucket != about.uploads_bucket => Err(CliError::usage(format!(
                "The function reads bucket {}, not {bucket}. Name that one, or omit --bucket.",
                about.uploads_bucket
            ))),
            _ => Ok(about.uploads_bucket),
        }
    }

    async fn wait_for(&self, upload: &Uploaded, relay: &Relay) -> Result<Exit, CliError> {
        if upload.version.is_none() {
            return Err(CliError::usage(format!(
                "{} This command cannot wait for the load without its name.",
                describe_sent(upload)
            )));
        }
        let load = LoadId::of(upload);
        let mut interrupts = signal(SignalKind::interrupt()).map_err(|error| {
            CliError::usage(format!("{} Waiting for it is not possible: {error}.", describe_sent(upload)))
        })?;
        print_note(&describe_sent(upload));
        let leave = async {
            interrupts.recv().await;
        };
        let bar = Bar::reading();
        match bar.during(wait(&load, upload.is_dry_run(), relay, &bar, leave)).await? {
            Waited::Ended(shown) => self.print_result(&shown),
            Waited::Interrupted => {
                print_note(&format!(
                    "Load {load} continues without this command. To see its progress: inventory show {load}"
                ));
                Ok(Exit::Interrupted)
            }
        }
    }

    fn print_result(&self, shown: &LoadStatus) -> Result<Exit, CliError> {
        let Some(report) = &shown.report else {
            let summary = shown.summary.clone().unwrap_or_default();
            print_note(&format!("{summary} Its report is no longer kept."));
            return Ok(shown.ending.map_or(Exit::Good, Exit::of_ended));
        };
        print_report(report, None, self.json, Some(&shown.report_is_in))?;
        print_cut_note(shown);
        Ok(Exit::from(report))
    }
}

/// Returns the key of the file in the bucket; a name that ends with a slash is a folder for it.
fn key_of(to: Option<&str>, file: &Path) -> String {
    let own = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match to.map(|to| to.strip_prefix(FOLDER).unwrap_or(to)) {
        None => format!("{FOLDER}{own}"),
        Some(folder) if folder.is_empty() || folder.ends_with('/') => format!("{FOLDER}{folder}{own}"),
        Some(name) => format!("{FOLDER}{name}"),
    }
}

fn check_name(upload: &Uploaded) -> Result<(), CliError> {
    let key = &upload.key;
    if !upload.is_spreadsheet() {
        return Err(CliError::usage(format!(
            "The loader ignores {key}: it is a lock file that an office program keeps next to an open file. Name the \
             spreadsheet itself."
        )));
    }
    if key.len() > NAME_BYTES {
        return Err(CliError::usage(format!("The name {key} is too long for S3. Choose a shorter one with --to.")));
    }
    Ok(())
}

fn describe_sent(upload: &Uploaded) -> String {
    let place = format!("s3://{}/{}", upload.bucket, upload.key);
    match upload.version {
        Some(_) => format!("The file is in {place}. Its load is {}.", LoadId::of(upload)),
        None => format!(
            "The file is in {place}. The bucket keeps no versions, so only the loader knows the name of the load: \
             inventory loads lists it."
        ),
    }
}

fn as_json(upload: &Uploaded) -> String {
    let load = upload.version.as_ref().map(|_| LoadId::of(upload));
    serde_json::json!({ "load": load, "bucket": upload.bucket, "key": upload.key, "version": upload.version })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(key: String, version: Option<&str>) -> Uploaded {
        Uploaded {
            bucket: "stock".into(),
            key,
            version: version.map(str::to_string),
            sequencer: None,
            etag: None,
            size: None,
            time: None,
        }
    }

    #[test]
    fn a_file_is_uploaded_under_its_own_name_or_the_one_given() {
        for (to, found) in [
            (None, "uploads/Q3 stock.xlsx"),
            (Some("york/q3.xlsx"), "uploads/york/q3.xlsx"),
            (Some("uploads/york/q3.xlsx"), "uploads/york/q3.xlsx"),
            (Some("dry-run/"), "uploads/dry-run/Q3 stock.xlsx"),
            (Some("uploads/"), "uploads/Q3 stock.xlsx"),
        ] {
            let key = key_of(to, Path::new("/home/erika/Q3 stock.xlsx"));
            assert_eq!(key, found);
            assert!(check_name(&upload(key, None)).is_ok());
        }
    }

    #[test]
    fn a_file_that_the_loader_would_ignore_is_not_uploaded() {
        let refused = |to: Option<&str>, file: &str| {
            let key = key_of(to, Path::new(file));
            check_name(&upload(key, None)).unwrap_err().sentence
        };
        assert!(refused(None, "~$stock.xlsx").contains("next to an open file"));
        assert!(refused(Some(".~lock.stock.ods#"), "stock.ods").contains("next to an open file"));
        assert!(refused(Some(&"ä".repeat(600)), "stock.ods").contains("--to"));
    }

    #[test]
    fn without_a_version_the_name_of_the_load_is_unknown() {
        let upload = |version| upload("uploads/q3.csv".to_string(), version);
        let load = LoadId::of(&upload(Some("v1")));
        let told = format!("The file is in s3://stock/uploads/q3.csv. Its load is {load}.");
        assert_eq!(describe_sent(&upload(Some("v1"))), told);
        assert!(describe_sent(&upload(None)).contains("inventory loads lists it"));
        assert!(as_json(&upload(None)).contains(r#""load":null"#));
        assert!(as_json(&upload(Some("v1"))).contains(load.as_str()));
    }
}
