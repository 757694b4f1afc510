//! The function's environment, read once: every missing or wrong variable is named at once.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::ledger::Retries;
use crate::load::{Look, Rules, RulesFrom};
use inventory_check::child::{Limits, Reader};
use inventory_rules::schema::{Mistakes, Schema};
use inventory_workbook::Budget;

/// Largest upload that is fetched. A workbook of a million rows of ten columns has about 60 MB.
const UPLOAD_MEGABYTES: u64 = 128;
const MEGABYTE: u64 = 1 << 20;
pub const UPLOAD_BYTES: u64 = UPLOAD_MEGABYTES * MEGABYTE;

/// As the template has it.
const UPLOADS_PREFIX: &str = "uploads/";

#[derive(Debug, Clone)]
pub struct Config {
    pub inventory_table: String,
    pub ledger_table: String,
    pub uploads_bucket: String,
    /// What the keys of uploads begin with.
    pub uploads_prefix: String,
    pub reports_bucket: String,
    /// The set of rules in the uploads bucket; without one, the loader's own.
    pub rules_key: Option<String>,
    /// The account that owns the buckets. A bucket of the same name in other hands is refused.
    pub bucket_owner: String,
    /// The function's own name, to ask for another run of itself.
    pub function: String,
    /// How long the table may accept nothing before a load fails loudly.
    pub table_wait: Duration,
    /// Read units a second that a load may take of the table; without it, what the table gives.
    pub read_ceiling: Option<f64>,
    /// The same for write units.
    pub write_ceiling: Option<f64>,
    pub lease: Duration,
    pub heartbeat: Duration,
    /// Before the end of its time a run leaves off so long.
    pub margin: Duration,
    /// After that, plans and reports are deleted.
    pub kept_for: Option<Duration>,
    /// The URL of the queue in which events rest that ended in an error each time.
    pub failure_queue: Option<String>,
    /// The ARN of the topic by which people are told; without one they are not.
    pub notify_topic: Option<String>,
    /// The name of the event bus by which programs are told; without one they are not.
    pub event_bus: Option<String>,
    pub retries: Retries,
    pub look: Look,
    pub limits: Limits,
    pub reader: Reader,
    pub log_level: tracing::Level,
}

/// What is wrong with the environment, all of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment is not complete: {}", .0.join("; "))]
pub struct ConfigError(Vec<String>);

impl Config {
    /// Reads the environment through `variable`, so that tests need not change their own.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut environment = Environment { variable: &variable, wrong: Vec::new() };
        let limits = Limits::default();
        let scratch = variable("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let program = variable("INVENTORY_READER").map(PathBuf::from).or_else(|| std::env::current_exe().ok());
        let config = Config {
            inventory_table: environment.needed("INVENTORY_TABLE"),
            ledger_table: environment.needed("LEDGER_TABLE"),
            uploads_bucket: environment.needed("UPLOADS_BUCKET"),
            uploads_prefix: environment.given("UPLOADS_PREFIX").unwrap_or_else(|| UPLOADS_PREFIX.to_string()),
            reports_bucket: environment.needed("REPORTS_BUCKET"),
            rules_key: environment.given("RULES_KEY"),
            bucket_owner: environment.needed("BUCKET_OWNER"),
            function: environment.needed("AWS_LAMBDA_FUNCTION_NAME"),
            table_wait: environment.seconds("TABLE_WAIT_SECONDS", 120),
            read_ceiling: environment.ceiling("READ_UNITS"),
            write_ceiling: environment.ceiling("WRITE_UNITS"),
            lease: environment.seconds("LEASE_SECONDS", 45),
            heartbeat: environment.seconds("HEARTBEAT_SECONDS", 10),
            margin: environment.seconds("MARGIN_SECONDS", 30),
            kept_for: environment.days("REPORT_DAYS"),
            failure_queue: environment.given("FAILURE_QUEUE"),
            notify_topic: environment.given("NOTIFY_TOPIC"),
            event_bus: environment.given("EVENT_BUS"),
            retries: Retries {
                first_pause: environment.seconds("RETRY_SECONDS", 60),
                longest_pause: environment.seconds("LONGEST_RETRY_SECONDS", 60 * 60),
                late: environment.seconds("LATE_SECONDS", 30 * 60),
                give_up: environment.seconds("GIVE_UP_SECONDS", 24 * 60 * 60),
            },
            look: Look {
                after: environment.seconds("FORGOTTEN_AFTER_SECONDS", 15 * 60),
                every: environment.seconds("LOOK_EVERY_SECONDS", 24 * 60 * 60),
                ..Look::default()
            },
            limits: Limits {
                processor_seconds: environment.number("READER_CPU_SECONDS", limits.processor_seconds),
                megabytes: environment.number("READER_MEGABYTES", limits.megabytes),
            },
            reader: Reader {
                // The upload itself takes its part of the disk.
                scratch_bytes: environment.number("SCRATCH_MEGABYTES", 2048) * MEGABYTE / 2,
                ..reader(program.unwrap_or_default(), scratch)
            },
            log_level: environment.parsed("LOG_LEVEL", tracing::Level::INFO, "one of error, warn, info, debug, trace"),
        };
        if config.heartbeat * 2 > config.lease {
            environment.wrong.push(
                "LEASE_SECONDS must be at least twice HEARTBEAT_SECONDS, or a lease runs out between two beats".into(),
            );
        }
        if environment.wrong.is_empty() { Ok(config) } else { Err(ConfigError(environment.wrong)) }
    }

    /// By what the function judges.
    pub fn rules(&self) -> Result<Rules, Mistakes> {
        let from = match &self.rules_key {
            Some(key) => RulesFrom::Object { bucket: self.uploads_bucket.clone(), key: key.clone() },
            None => RulesFrom::Given(Box::new(Schema::shipped()?)),
        };
        Ok(Rules {
            heartbeat: self.heartbeat,
            margin: self.margin,
            kept_for: self.kept_for,
            retries: self.retries,
            look: self.look,
            limits: self.limits,
            ..rules(from, self.reader.clone())
        })
    }
}

/// Rules with everything as it is where nobody says otherwise.
pub fn rules(from: RulesFrom, reader: Reader) -> Rules {
    Rules {
        from,
        reader,
        limits: Limits::default(),
        budget: Budget::default(),
        upload_bytes: UPLOAD_BYTES,
        heartbeat: Duration::from_secs(10),
        margin: Duration::from_secs(30),
        kept_for: None,
        retries: Retries::default(),
        look: Look::default(),
    }
}

/// A reader that keeps its spool in `scratch`. A row takes a few hundred bytes there, so this is a few million rows.
pub fn reader(program: PathBuf, scratch: PathBuf) -> Reader {
    const SCRATCH_MEGABYTES: u64 = 2048;
    Reader { program, scratch, scratch_bytes: SCRATCH_MEGABYTES * MEGABYTE }
}

struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl Environment<'_> {
    /// An empty variable is one that is not there: a template cannot leave one out.
    fn given(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn needed(&mut self, name: &str) -> String {
        match self.given(name) {
            Some(value) => value,
            None => {
                self.wrong.push(format!("{name} is missing"));
                String::new()
            }
        }
    }

    fn parsed<T: FromStr>(&mut self, name: &str, default: T, expected: &str) -> T {
        let Some(text) = self.given(name) else {
            return default;
        };
        text.parse().unwrap_or_else(|_| {
            self.wrong.push(format!("{name} is {text:?} and should be {expected}"));
            default
        })
    }

    /// Units a second; 0 is no ceiling.
    fn ceiling(&mut self, name: &str) -> Option<f64> {
        Some(self.parsed(name, 0_u32, "a whole number")).filter(|units| *units > 0).map(f64::from)
    }

    fn days(&mut self, name: &str) -> Option<Duration> {
        const DAY_SECONDS: u64 = 24 * 60 * 60;
        self.given(name)?;
        Some(Duration::from_secs(u64::from(self.parsed(name, 0_u16, "a whole number")) * DAY_SECONDS))
    }

    fn number(&mut self, name: &str, default: u64) -> u64 {
        let number = self.parsed(name, default, "a whole number");
        if number == 0 {
            self.wrong.push(format!("{name} is 0 and should be at least 1"));
        }
        number
    }

    fn seconds(&mut self, name: &str, default: u32) -> Duration {
        const SHORTEST: f64 = 0.05;
        const LONGEST: f64 = 1e6;
        let seconds = self.parsed(name, f64::from(default), "a number of seconds");
        if !(SHORTEST..=LONGEST).contains(&seconds) {
            self.wrong.push(format!("{name} is {seconds} and should be at least {SHORTEST}"));
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
    fn what_is_not_said_has_a_default() {
        let config = Config::read(complete).unwrap();
        assert_eq!((config.lease.as_secs(), config.heartbeat.as_secs(), config.table_wait.as_secs()), (45, 10, 120));
        assert_eq!(
            (config.limits, config.retries, config.look),
            (Limits::default(), Retries::default(), Look::default())
        );
        assert_eq!(config.log_level, tracing::Level::INFO);
        assert!(
            matches!(config.rules().unwrap().from, RulesFrom::Given(schema) if *schema == Schema::shipped().unwrap())
        );
    }

    #[test]
    fn rules_with_a_key_are_read_from_the_uploads_bucket() {
        let with_key =
            |name: &str| if name == "RULES_KEY" { Some("rules/inventory.toml".into()) } else { complete(name) };
        let RulesFrom::Object { bucket, key } = Config::read(with_key).unwrap().rules().unwrap().from else {
            panic!("not in a bucket")
        };
        assert_eq!((bucket.as_str(), key.as_str()), ("in", "rules/inventory.toml"));
    }

    #[test]
    fn all_that_is_missing_or_wrong_is_named_at_once() {
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
