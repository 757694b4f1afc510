//! Where the rules of a load come from.

use std::io::Read;

use crate::store::{Fetched, Store, StoreError};
use inventory_base::upload::Upload;
use inventory_rules::schema::{Mistakes, Schema};

/// More than any set of rules needs. Smaller limits are checked, with line numbers, when the rules are parsed.
const RULES_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone)]
pub enum RulesFrom {
    /// Known before any load: the loader's own rules, or those of a file named on the command line.
    Given(Box<Schema>),
    /// An object in S3, read for each load.
    Object { bucket: String, key: String },
}

/// The rules in the bucket cannot be used. Files wait until they can, because this isn't the fault of any file.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("there are no rules in {0}; put them there, or deploy with an empty RulesKey to use the loader's own")]
    Missing(String),
    #[error(
        "the rules in {0} are larger than {RULES_BYTES} bytes; check whether another file was put there by mistake"
    )]
    TooLarge(String),
    #[error("the rules in {0} are not UTF-8 text; save them as UTF-8 and put them there again")]
    NotText(String),
    #[error(
        "the rules in {place} cannot be used: {mistakes}. Check them with `inventory schema check` before putting \
         them there"
    )]
    Wrong { place: String, mistakes: Mistakes },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RulesFrom {
    pub async fn read(&self, store: &Store) -> Result<Schema, RulesError> {
        let (bucket, key) = match self {
            RulesFrom::Given(schema) => return Ok(Schema::clone(schema)),
            RulesFrom::Object { bucket, key } => (bucket.clone(), key.clone()),
        };
        let place = format!("s3://{bucket}/{key}");
        let newest = Upload { bucket, key, version: None, sequencer: None, etag: None, size: None, time: None };
        let mut file = match store.fetch(&newest, RULES_BYTES).await {
            Ok(Fetched::File(file, _)) => file,
            Ok(Fetched::Gone) => return Err(RulesError::Missing(place)),
            Err(StoreError::TooLarge { .. }) => return Err(RulesError::TooLarge(place)),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::Scratch)?;
        let text = String::from_utf8(bytes).map_err(|_| RulesError::NotText(place.clone()))?;
        // Some editors write a byte-order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Schema::from_toml(text).map_err(|mistakes| RulesError::Wrong { place, mistakes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, Reply};
    use crate::load::LoadError;
    use crate::store::S3Store;
    use inventory_rules::schema::SHIPPED;

    async fn read(reply: Reply) -> Result<Schema, RulesError> {
        let fake = Fake::answering(move |_| reply.clone());
        let store = S3Store::new(fake.s3(), "reports", "123456789012");
        let from = RulesFrom::Object { bucket: "uploads".into(), key: "rules/inventory.toml".into() };
        let read = from.read(&Store::S3(store)).await;
        let asked = fake.requests();
        assert!(asked[0].uri.contains("rules/inventory.toml"), "{asked:?}");
        assert_eq!(asked[0].header("x-amz-expected-bucket-owner"), Some("123456789012"));
        read
    }

    #[tokio::test(start_paused = true)]
    async fn rules_in_a_bucket_are_read_as_they_are_now() {
        assert_eq!(read(Reply::Body(200, SHIPPED)).await.unwrap(), Schema::shipped().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn rules_that_cannot_be_used_are_an_error_with_place_line_and_remedy() {
        let missing = "<Error><Code>NoSuchKey</Code><Message>so it says</Message></Error>";
        for (reply, said) in [
            (Reply::Body(404, missing), "there are no rules in s3://uploads/rules/inventory.toml"),
            (Reply::Body(200, "version = 1\nmdoe = \"replace\"\n"), "line 2: mode is misspelt as \"mdoe\""),
        ] {
            let error = read(reply).await.unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert!(!LoadError::from(error).is_retryable());
        }
    }
}
