//! The versions of an upload, in S3's order. An older version does not begin once a newer one is known.

use sha2::{Digest, Sha256};

use super::write::{ItemWrite, Key, number, send, text};
use super::{Ledger, LedgerError, expiry_of_record};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// The bytes of a digest that are used: enough to make collisions practically impossible.
const NAME_BYTES: usize = 16;
/// More digits than any sequencer of S3 has.
const SEQUENCER_DIGITS: usize = 64;

/// Pads a sequencer so that sequencers of one key compare as text, as S3 specifies: the shorter one is padded with
/// zeros on the right.
pub(super) fn comparable(sequencer: &str) -> String {
    format!("{:0<SEQUENCER_DIGITS$}", sequencer.to_ascii_uppercase())
}

/// Whether this is an older version of the same object. `false` if either lacks a sequencer, since it can't be known
/// then.
pub(super) fn is_older(upload: &Upload, than: &Upload) -> bool {
    let same = upload.bucket == than.bucket && upload.key == than.key;
    match (&upload.sequencer, &than.sequencer) {
        (Some(ours), Some(theirs)) => same && comparable(ours) < comparable(theirs),
        _ => false,
    }
}

fn key_of(table: &str, upload: &Upload) -> Key {
    let digest = Sha256::digest(format!("{}\n{}", upload.bucket, upload.key));
    let name: String = digest.iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect();
    Key::of_table(table, format!("key#{name}"))
}

/// A condition that holds as long as no newer version is known.
pub(super) fn is_newest(table: &str, upload: &Upload) -> Option<ItemWrite> {
    let newest = text(&comparable(upload.sequencer.as_deref()?));
    Some(ItemWrite::check(key_of(table, upload), "#newest <= :newest").with([("newest", newest)]))
}

impl Ledger {
    /// Records a version. Returns the load of a newer version if one is known.
    pub(super) async fn announce_version(
        &self,
        table: &str,
        upload: &Upload,
        load: &LoadId,
        now: u64,
    ) -> Result<Option<LoadId>, LedgerError> {
        let Some(sequencer) = &upload.sequencer else { return Ok(None) };
        let key = key_of(table, upload);
        let update = "SET #newest = :newest, #load = :load, #expires = :expires";
        let change = ItemWrite::update(key, update, "attribute_not_exists(#newest) OR #newest <= :newest").with([
            ("newest", text(&comparable(sequencer))),
            ("load", text(load.as_str())),
            ("expires", number(expiry_of_record(now))),
        ]);
        let Err(newer) = send(&self.client, &self.table, [change]).await? else { return Ok(None) };
        let newer = newer.item.and_then(|item| LoadId::parse(item.get("load")?.as_s().ok()?));
        // Even if its load id cannot be read, the newer version counts.
        Ok(Some(newer.unwrap_or_else(|| load.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequencers_compare_as_s3_specifies() {
        let upload = |key: &str, sequencer: Option<&str>| Upload {
            bucket: "stock".into(),
            key: key.into(),
            version: None,
            sequencer: sequencer.map(str::to_string),
            etag: None,
            size: None,
            time: None,
        };
        for (a, b, older) in [
            ("0055AED6DCD90281E5", "0055AED6DCD90281E6", true),
            ("0055aed6dcd90281e5", "0055AED6DCD90281E6", true),
            ("0055AED6DCD90281E5", "0055AED6DCD90281E5", false),
            ("0055AED6", "0055AED600", false),
            ("0055AED6", "0055AED601", true),
            ("0055AED7", "0055AED6FF", false),
        ] {
            assert_eq!(is_older(&upload("a", Some(a)), &upload("a", Some(b))), older, "{a} {b}");
        }
        assert!(!is_older(&upload("a", Some("1")), &upload("b", Some("2"))));
        assert!(!is_older(&upload("a", None), &upload("a", Some("2"))));
    }
}
