//! Reads the function's environment variables. One error lists every variable that is missing or wrong.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::ledger::Retries;
use crate::load::{RulesFrom, Settings, UploadScan};
use inventory_check::child::{Limits, Reader};
use inventory_rules::schema::{Mistakes, Schema};

/// The largest upload that is fetched. A workbook of a million rows of ten columns has about 60 MB.
const MEGABYTE: u64 = 1 << 20;

/// The prefix in the template's bucket notification.
const UPLOADS_PREFIX: &str = "uploads/";

#[derive(Debug, Clone)]
pub struct Config {
    pub inventory_table: String,
    pub ledger_table: String,
    pub uploads_bucket: String,
    /// The prefix of the keys of uploads.
    pub uploads_prefix: String,
    pub reports_bucket: String,
    /// The key of the rules in the uploads bucket; `None` for the built-in rules.
    pub rules_key: Option<String>,
    /// The account that must own the buckets. A bucket of the same name in another account is refused.
    pub bucket_owner: String,
    /// The function's own name, for starting another run of itself.
    pub function: String,
    /// How long the table may accept nothing before a run ends in an error.
    pub table_wait: Duration,
    /// Read units per second that a load may consume; `None` for no ceiling.
    pub read_ceiling: Option<f64>,
    /// Write units per second that a load may consume; `None` for no ceiling.
    pub write_ceiling: Option<f64>,
    pub lease: Duration,
    pub heartbeat: Duration,
    /// How long before its deadline a run stops working.
    pub margin: Duration,
    /// How long plans and reports are kept.
    pub kept_for: Option<Duration>,
    /// The URL of the queue for events whose every attempt ended in an error.
    pub failure_queue: Option<String>,
    /// The ARN of the topic for mails about loads; `None` for no mails.
    pub notify_topic: Option<String>,
    /// The name of the bus for events about loads; `None` for no events.
    pub event_bus: Option<String>,
    pub retries: Retries,
    pub upload_scan: UploadScan,
    pub reader: Reader,
    pub log_level: tracing::Level,
}

/// Everything that is wrong with the environment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment variables are not right: {}. Correct them and deploy again", .0.join("; "))]
pub struct ConfigError(Vec<String>);

impl Config {
    /// Reads the environment through `variable`, so that tests don't have to change the process's environment.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut environment = Environment { variable: &variable, errors: Vec::new() };
        let limits = Limits::default();
        let scratch = variable("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let program = variable("INVENTORY_READER").map(PathBuf::from).or_else(|| std::env::current_exe().ok());
        let config = Config {
            inventory_table: environment.required("INVENTORY_TABLE"),
            ledger_table: environment.required("LEDGER_TABLE"),
            uploads_bucket: environment.required("UPLOADS_BUCKET"),
            uploads_prefix: environment.optional("UPLOADS_PREFIX").unwrap_or_else(|| UPLOADS_PREFIX.to_string()),
            reports_bucket: environment.required("REPORTS_BUCKET"),
            rules_key: environment.optional("RULES_KEY"),
            bucket_owner: environment.required("BUCKET_OWNER"),
            function: environment.required("AWS_LAMBDA_FUNCTION_NAME"),
            table_wait: environment.seconds("TABLE_WAIT_SECONDS", 120),
            read_ceiling: environment.ceiling("READ_UNITS"),
            write_ceiling: environment.ceiling("WRITE_UNITS"),
            lease: environment.seconds("LEASE_SECONDS", 45),
            heartbeat: environment.seconds("HEARTBEAT_SECONDS", 10),
            margin: environment.seconds("MARGIN_SECONDS", 30),
            kept_for: environment.days("REPORT_DAYS"),
            failure_queue: environment.optional("FAILURE_QUEUE"),
            notify_topic: environment.optional("NOTIFY_TOPIC"),
            event_bus: environment.optional("EVENT_BUS"),
            retries: Retries {
                first_pause: environment.seconds("RETRY_SECONDS", 60),
                longest_pause: environment.seconds("LONGEST_RETRY_SECONDS", 60 * 60),
                notify_after: environment.seconds("LATE_SECONDS", 30 * 60),
                give_up: environment.seconds("GIVE_UP_SECONDS", 24 * 60 * 60),
            },
            upload_scan: UploadScan {
                min_age: environment.seconds("FORGOTTEN_AFTER_SECONDS", 15 * 60),
                interval: environment.seconds("LOOK_EVERY_SECONDS", 24 * 60 * 60),
                ..UploadScan::default()
            },
            reader: Reader {
                limits: Limits {
                    processor_seconds: environment.number("READER_CPU_SECONDS", limits.processor_seconds),
                    megabytes: environment.number("READER_MEGABYTES", limits.megabytes),
                },
                // The other half of the disk is for the upload itself.
                scratch_bytes: environment.number("SCRATCH_MEGABYTES", 2048) * MEGABYTE / 2,
                ..Reader::new(program.unwrap_or_default(), scratch)
            },
            log_level: environment.parsed("LOG_LEVEL", tracing::Level::INFO, "one of error, warn, info, debug, trace"),
        };
        if config.heartbeat * 2 > config.lease {
            environment.errors.push(
                "LEASE_SECONDS must be at least twice HEARTBEAT_SECONDS, or a lease expires between two heartbeats"
                    .into(),
            );
        }
        if environment.errors.is_empty() { Ok(config) } else { Err(ConfigError(environment.errors)) }
    }

    /// The settings of the function's loads.
    pub fn settings(&self) -> Result<Settings, Mistakes> {
        let from = match &self.rules_key {
            Some(key) => RulesFrom::Object { bucket: self.uploads_bucket.clone(), key: key.clone() },
            None => RulesFrom::Given(Box::new(Schema::shipped()?)),
        };
        Ok(Settings {
            heartbeat: self.heartbeat,
            margin: self.margin,
            kept_for: self.kept_for,
            retries: self.retries,
            upload_scan: self.upload_scan,
            ..settings(from, self.reader.clone())
        })
    }
}

/// The default settings, with these rules and this reader.
pub fn settings(from: RulesFrom, reader: Reader) -> Settings {
    Settings {
        rules: from,
        reader,
        heartbeat: Duration::from_secs(10),
        margin: Duration::from_secs(30),
        kept_for: None,
        retries: Retries::default(),
        upload_scan: UploadScan::default(),
    }
}

struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    errors: Vec<String>,
}

impl Environment<'_> {
    /// The value of a variable. An empty one counts as not set: a template can't leave a variable out.
    fn optional(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        match self.optional(name) {
            Some(value) => value,
            None => {
                self.errors.push(format!("{name} is missing"));
                String::new()
            }
        }
    }

    fn parsed<T: FromStr>(&mut self, name: &str, default: T, expected: &str) -> T {
        let Some(text) = self.optional(name) else {
            return default;
        };
        text.parse().unwrap_or_else(|_| {
            self.errors.push(format!("{name} is {text:?} and should be {expected}"));
            default
        })
    }

    /// Units per second; 0 means no ceiling.
    fn ceiling(&mut self, name: &str) -> Option<f64> {
        Some(self.parsed(name, 0_u32, "a whole number")).filter(|units| *units > 0).map(f64::from)
    }

    fn days(&mut self, name: &str) -> Option<Duration> {
        const DAY_SECONDS: u64 = 24 * 60 * 60;
        self.optional(name)?;
        Some(Duration::from_secs(u64::from(self.parsed(name, 0_u16, "a whole number")) * DAY_SECONDS))
    }

    fn number(&mut self, name: &str, default: u64) -> u64 {
        let number = self.parsed(name, default, "a whole number");
        if number == 0 {
            self.errors.push(format!("{name} is 0 and should be at least 1"));
        }
        number
    }

    fn seconds(&mut self, name: &str, default: u32) -> Duration {
        const SHORTEST: f64 = 0.05;
        const LONGEST: f64 = 1e6;
        let seconds = self.parsed(name, f64::from(default), "a number of seconds");
        if !(SHORTEST..=LONGEST).contains(&seconds) {
            self.errors.push(format!("{name} is {seconds} and should be at least {SHORTEST}"));
            return Duration::from_secs(default.into());
        }
        Duration::from_secs_f64(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "INVENTORY_TABLE" => "stock",
            "LEDGER_TABLE" => "ledger",
            "UPLOADS_BUCKET" => "in",
            "REPORTS_BUCKET" => "out",
            "BUCKET_OWNER" => "000000000000",
            "AWS_LAMBDA_FUNCTION_NAME" => "loader",
            _ => return None,
        };
        Some(value.to_string())
    }

    #[test]
    fn variables_that_are_not_set_have_defaults() {
        let config = Config::read(complete).unwrap();
        assert_eq!((config.lease.as_secs(), config.heartbeat.as_secs(), config.table_wait.as_secs()), (45, 10, 120));
        assert_eq!(
            (config.reader.limits, config.retries, config.upload_scan),
            (Limits::default(), Retries::default(), UploadScan::default())
        );
        assert_eq!(config.log_level, tracing::Level::INFO);
        assert!(
            matches!(config.settings().unwrap().rules, RulesFrom::Given(schema) if *schema == Schema::shipped().unwrap())
        );
    }

    #[test]
    fn rules_with_a_key_are_read_from_the_uploads_bucket() {
        let with_key =
            |name: &str| if name == "RULES_KEY" { Some("rules/inventory.toml".into()) } else { complete(name) };
        let RulesFrom::Object { bucket, key } = Config::read(with_key).unwrap().settings().unwrap().rules else {
            panic!("the rules are not in a bucket")
        };
        assert_eq!((bucket.as_str(), key.as_str()), ("in", "rules/inventory.toml"));
    }

    #[test]
    fn one_error_names_every_variable_that_is_missing_or_wrong() {
        let error = Config::read(|name| match name {
            "LEDGER_TABLE" | "BUCKET_OWNER" => Some(String::new()),
            "TABLE_WAIT_SECONDS" => Some("soon".into()),
            "READER_MEGABYTES" => Some("0".into()),
            "LEASE_SECONDS" => Some("15.5".into()),
            "MARGIN_SECONDS" => Some("NaN".into()),
            _ => complete(name),
        });
        let text = error.unwrap_err().to_string();
        for part in [
            "LEDGER_TABLE is missing",
            "BUCKET_OWNER is missing",
            "\"soon\"",
            "READER_MEGABYTES is 0",
            "twice",
            "MARGIN_SECONDS is NaN",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
