//! Puts a file into the uploads bucket.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;

use super::StoreError;
use crate::clients::CloudFault;

/// Enough time for the largest upload over a slow line.
const LONGEST_TRANSFER: Duration = Duration::from_secs(60 * 60);
/// The version that S3 returns for a bucket without versioning.
const NO_VERSION: &str = "null";

/// The uploads bucket, for a caller who may put files there and nothing else.
#[derive(Debug, Clone)]
pub struct UploadsBucket {
    client: aws_sdk_s3::Client,
    name: String,
}

impl UploadsBucket {
    pub fn new(client: aws_sdk_s3::Client, name: impl Into<String>) -> UploadsBucket {
        UploadsBucket { client, name: name.into() }
    }

    /// Puts a file under a key, and returns its version if the bucket has versioning.
    pub async fn put(&self, key: &str, content: Vec<u8>, content_type: &str) -> Result<Option<String>, StoreError> {
        let put = self.client.put_object().bucket(&self.name).key(key).content_type(content_type);
        // The attempt's timeout covers the whole transfer; the SDK detects stalled transfers on its own.
        let patient =
            TimeoutConfig::builder().read_timeout(LONGEST_TRANSFER).operation_attempt_timeout(LONGEST_TRANSFER);
        let settings = aws_sdk_s3::Config::builder().timeout_config(patient.build());
        let sent = put.body(ByteStream::from(content)).customize().config_override(settings).send().await;
        match sent {
            Ok(put) => Ok(put.version_id.filter(|version| version != NO_VERSION)),
            Err(error) => Err(CloudFault::new("PutObject", &format!("bucket {}", self.name), &error).into()),
        }
    }
}

/// Returns the content type of a file, from its first bytes and, if these are not enough, its name. It is for browsers
/// and programs that fetch the file; the loader itself ignores it.
pub fn content_type_of(content: &[u8], file_name: &str) -> &'static str {
    const HEAD_BYTES: usize = 128;
    const OPEN_DOCUMENT: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    let head = &content[..content.len().min(HEAD_BYTES)];
    let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let begins = |start: &[u8]| head.starts_with(start);
    if begins(b"PK\x03\x04") {
        return match ending.as_str() {
            _ if head.windows(OPEN_DOCUMENT.len()).any(|part| part == OPEN_DOCUMENT) => {
                "application/vnd.oasis.opendocument.spreadsheet"
            }
            "xlsm" => "application/vnd.ms-excel.sheet.macroEnabled.12",
            "xlsb" => "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
            "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            _ => "application/octet-stream",
        };
    }
    if begins(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return "application/vnd.ms-excel";
    }
    // A web page or PDF under a text file's name must not be served as text.
    let is_text = !head.starts_with(b"<") && !head.starts_with(b"%") && !head.contains(&0);
    match ending.as_str() {
        "csv" if is_text => "text/csv",
        "tsv" | "tab" if is_text => "text/tab-separated-values",
        "txt" if is_text => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, Reply};

    #[test]
    fn the_content_type_follows_the_content_and_is_never_a_web_page() {
        for (content, name, kind) in [
            (&b"PK\x03\x04rest"[..], "stock.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (
                b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK",
                "stock.xlsx",
                "application/vnd.oasis.opendocument.spreadsheet",
            ),
            (b"PK\x03\x04rest", "stock.zip", "application/octet-stream"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest", "stock", "application/vnd.ms-excel"),
            (b"SKU;Name", "stock.CSV", "text/csv"),
            (b"<html><script>", "stock.csv", "application/octet-stream"),
            (b"<html><script>", "stock.html", "application/octet-stream"),
            (b"%PDF-1.7", "stock.txt", "application/octet-stream"),
            (b"", "", "application/octet-stream"),
        ] {
            assert_eq!(content_type_of(content, name), kind, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_without_versioning_returns_no_version() {
        let fake = Fake::answering(|_| Reply::Body(200, ""));
        let uploads = UploadsBucket::new(fake.s3(), "uploads");
        assert_eq!(uploads.put("uploads/a.csv", b"SKU".to_vec(), "text/csv").await.unwrap(), None);
        let asked = fake.requests();
        assert_eq!((asked.len(), asked[0].header("content-type")), (1, Some("text/csv")));
    }
}
