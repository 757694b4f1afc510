//! The uploads bucket and the reports bucket. Every call names the account that must own the bucket, so that nothing is
//! read from or written to a bucket that was deleted and created again in another account.

use std::io::{Seek, SeekFrom};
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectVersion;
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;

use super::{Fetched, Kept, StoreError, VersionsPage};
use crate::clients::{CloudFault, causes, full_jitter};
use inventory_base::upload::Upload;

/// Attempts at what the SDK does not retry: a body that is cut off, and S3's 409 "a conflicting write is in progress".
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A store in S3 buckets of one account.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: aws_sdk_s3::Client,
    reports: String,
    owner: String,
}

impl S3Store {
    /// Stores plans and reports in the bucket `reports`. It and the uploads bucket must belong to the account `owner`.
    pub fn new(client: aws_sdk_s3::Client, reports: impl Into<String>, owner: impl Into<String>) -> S3Store {
        S3Store { client, reports: reports.into(), owner: owner.into() }
    }

    pub(super) async fn fetch(&self, upload: &Upload, limit_bytes: u64) -> Result<Fetched, StoreError> {
        let mut tries = 1;
        loop {
            let fetched = self.try_fetch(upload, limit_bytes).await;
            match fetched {
                Err(StoreError::Cloud(fault)) if fault.code == CUT_OFF && tries < ATTEMPTS => {
                    tracing::warn!(event = "download_broken_off", tries, error = %fault);
                    tokio::time::sleep(full_jitter(tries, PAUSE, LONGEST_PAUSE)).await;
                    tries += 1;
                }
                fetched => return fetched,
            }
        }
    }

    async fn try_fetch(&self, upload: &Upload, limit_bytes: u64) -> Result<Fetched, StoreError> {
        let mut request =
            self.client.get_object().bucket(&upload.bucket).key(&upload.key).expected_bucket_owner(&self.owner);
        // Between event and fetch the key may have been overwritten: that is another upload, with its own event.
        request = match (&upload.version, &upload.etag) {
            (Some(version), _) => request.version_id(version),
            (None, Some(etag)) => request.if_match(format!("\"{}\"", etag.trim_matches('"'))),
            (None, None) => request,
        };
        let resource = format!("bucket {}", upload.bucket);
        match request.send().await {
            Ok(answer) => spool(answer, limit_bytes, &resource).await,
            Err(error) => {
                let fault = CloudFault::new("GetObject", &resource, &error);
                // MethodNotAllowed: the version is a delete marker. NotFound: a 404 without a code.
                match fault.code.as_str() {
                    "NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed" | "PreconditionFailed" | "NotFound" => {
                        tracing::info!(event = "upload_gone", bucket = %upload.bucket, code = %fault.code);
                        Ok(Fetched::Gone)
                    }
                    _ => Err(fault.into()),
                }
            }
        }
    }

    pub(super) async fn keep(&self, name: &str, content: Vec<u8>) -> Result<(), StoreError> {
        match self.put(name, content).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fault("PutObject", &error).into()),
        }
    }

    pub(super) async fn keep_if_absent(&self, name: &str, content: Vec<u8>) -> Result<Kept, StoreError> {
        let mut tries = 1;
        loop {
            let Err(error) = self.put(name, content.clone()).if_none_match("*").send().await else {
                return Ok(Kept::New);
            };
            match error.code() {
                Some("PreconditionFailed") => return Ok(Kept::AlreadyThere),
                // Another write is in progress; the next attempt finds out which one won.
                Some("ConditionalRequestConflict") if tries < ATTEMPTS => {
                    tokio::time::sleep(full_jitter(tries, PAUSE, LONGEST_PAUSE)).await;
                    tries += 1;
                }
                _ => return Err(self.fault("PutObject", &error).into()),
            }
        }
    }

    fn put(&self, name: &str, content: Vec<u8>) -> PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(&self.reports)
            .key(name)
            .content_type(content_type(name))
            .body(ByteStream::from(content))
            .expected_bucket_owner(&self.owner)
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let request = self.client.get_object().bucket(&self.reports).key(name).expected_bucket_owner(&self.owner);
        match request.send().await {
            Ok(answer) => match answer.body.collect().await {
                Ok(body) => Ok(Some(body.to_vec())),
                Err(error) => Err(cut_off(&self.reports_resource(), &error).into()),
            },
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(self.fault("GetObject", &error).into()),
        }
    }

    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.reports).prefix(prefix);
        let mut pages = request.expected_bucket_owner(&self.owner).into_paginator().send();
        // S3 lists in byte order, so the names are sorted.
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.fault("ListObjectsV2", &error))?;
            names.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(names)
    }

    /// A page begins after a name, not at a token that could expire, so that a listing may be continued much later.
    pub(super) async fn latest_versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&str>,
    ) -> Result<VersionsPage, StoreError> {
        let request =
            self.client.list_object_versions().bucket(bucket).prefix(prefix).set_key_marker(from.map(str::to_string));
        let answer = request.expected_bucket_owner(&self.owner).send().await;
        let answer =
            answer.map_err(|error| CloudFault::new("ListObjectVersions", &format!("bucket {bucket}"), &error))?;
        let read = |version: ObjectVersion| {
            let at = Timestamp::from_second(version.last_modified?.secs()).ok()?;
            let upload = Upload {
                bucket: bucket.to_string(),
                key: version.key?,
                // A bucket without versioning lists "null" as the version.
                version: version.version_id.filter(|id| id != "null"),
                sequencer: None,
                etag: version.e_tag.map(|tag| tag.trim_matches('"').to_string()),
                size: version.size.and_then(|size| u64::try_from(size).ok()),
                time: Some(at.to_string()),
            };
            version.is_latest.unwrap_or_default().then_some((upload, at))
        };
        let uploads = answer.versions.unwrap_or_default().into_iter().filter_map(read).collect();
        // If a name has more versions than fit on a page, the rest are older and may be skipped.
        let next = answer.next_key_marker.filter(|_| answer.is_truncated.unwrap_or_default());
        Ok(VersionsPage { uploads, next })
    }

    pub(super) fn location(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.reports)
    }

    fn reports_resource(&self) -> String {
        format!("bucket {}", self.reports)
    }

    fn fault<E>(
        &self,
        operation: &'static str,
        error: &aws_sdk_s3::error::SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
    ) -> CloudFault
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        CloudFault::new(operation, &self.reports_resource(), error)
    }
}

/// Writes the body into an unnamed file, which disappears with the process, however that ends.
async fn spool(mut answer: GetObjectOutput, limit: u64, resource: &str) -> Result<Fetched, StoreError> {
    let announced = answer.content_length.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
    if announced > limit {
        return Err(StoreError::TooLarge { bytes: announced, limit });
    }
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(StoreError::Scratch)?);
    let mut bytes: u64 = 0;
    while let Some(part) = answer.body.next().await {
        let part = part.map_err(|error| cut_off(resource, &error))?;
        bytes += part.len() as u64;
        if bytes > limit {
            return Err(StoreError::TooLarge { bytes, limit });
        }
        file.write_all(&part).await.map_err(StoreError::Scratch)?;
    }
    file.flush().await.map_err(StoreError::Scratch)?;
    let mut file = file.into_std().await;
    file.seek(SeekFrom::Start(0)).map_err(StoreError::Scratch)?;
    Ok(Fetched::File(file, bytes))
}

const CUT_OFF: &str = "BodyCutOff";

fn cut_off(resource: &str, error: &aws_sdk_s3::primitives::ByteStreamError) -> CloudFault {
    let message = causes(error);
    CloudFault {
        operation: "GetObject",
        resource: resource.to_string(),
        code: CUT_OFF.into(),
        message,
        transient: true,
    }
}

/// The content type of a stored object, so that a browser shows a report and Excel opens a workbook.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("json") => "application/json",
        Some("zst") => "application/zstd",
        Some("html") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, Reply};

    const CONFLICT: &str = "<Error><Code>ConditionalRequestConflict</Code><Message>the message</Message></Error>";
    const PRECONDITION: &str = "<Error><Code>PreconditionFailed</Code><Message>the message</Message></Error>";
    const LIST: &str = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

    fn store(fake: &Fake) -> S3Store {
        S3Store::new(fake.s3(), "reports", "123456789012")
    }

    fn upload(version: Option<&str>, etag: Option<&str>) -> Upload {
        Upload {
            bucket: "uploads".into(),
            key: "uploads/stock.csv".into(),
            version: version.map(str::to_string),
            sequencer: None,
            etag: etag.map(str::to_string),
            size: None,
            time: None,
        }
    }

    #[test]
    fn content_types_follow_the_extension() {
        assert_eq!(content_type("loads/x/plan/00000.jsonl.zst"), "application/zstd");
        assert_eq!(content_type("loads/x/report.json"), "application/json");
        assert_eq!(content_type("loads/x/report"), "application/octet-stream");
    }

    #[tokio::test]
    async fn only_the_latest_version_of_each_upload_is_listed() {
        const VERSIONS: &str = "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>uploads/b.csv</NextKeyMarker>\
            <Version><Key>uploads/a.csv</Key><VersionId>2</VersionId><IsLatest>true</IsLatest>\
            <LastModified>2026-10-03T08:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Version>\
            <Version><Key>uploads/a.csv</Key><VersionId>1</VersionId><IsLatest>false</IsLatest>\
            <LastModified>2026-10-02T08:00:00.000Z</LastModified></Version>\
            <DeleteMarker><Key>uploads/b.csv</Key><VersionId>3</VersionId><IsLatest>true</IsLatest></DeleteMarker>\
            </ListVersionsResult>";
        let fake = Fake::answering(|_| Reply::Body(200, VERSIONS));
        let page = store(&fake).latest_versions("uploads", "uploads/", Some("uploads/0.csv")).await.unwrap();
        assert_eq!(page.next.as_deref(), Some("uploads/b.csv"));
        let [(newest, at)] = &page.uploads[..] else { panic!("{page:?}") };
        assert_eq!((newest.version.as_deref(), newest.etag.as_deref(), newest.size), (Some("2"), Some("e"), Some(7)));
        assert_eq!((newest.time.clone(), at.to_string()), (Some(at.to_string()), "2026-10-03T08:00:00Z".to_string()));
        let asked = &fake.requests()[0];
        assert!(asked.uri.contains("versions") && asked.uri.contains("key-marker=uploads"), "{}", asked.uri);
        assert_eq!(asked.header("x-amz-expected-bucket-owner"), Some("123456789012"));
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_names_the_account_that_must_own_the_bucket() {
        let fake = Fake::answering(|asked| Reply::Body(200, if asked.uri.contains("list-type") { LIST } else { "" }));
        let store = store(&fake);
        store.fetch(&upload(None, None), 9).await.unwrap();
        store.keep("a.json", vec![]).await.unwrap();
        store.keep_if_absent("a.json", vec![]).await.unwrap();
        store.read("a.json").await.unwrap();
        store.names("loads/").await.unwrap();
        let asked = fake.requests();
        assert_eq!(asked.len(), 5);
        for asked in asked {
            assert_eq!(asked.header("x-amz-expected-bucket-owner"), Some("123456789012"), "{asked:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_is_fetched_by_its_version_or_else_by_its_etag() {
        let fake = Fake::answering(|_| Reply::Body(200, "12345"));
        for upload in [upload(Some("v1"), Some("e")), upload(None, Some("e"))] {
            assert!(matches!(store(&fake).fetch(&upload, 5).await, Ok(Fetched::File(_, 5))));
        }
        let asked = fake.requests();
        assert!(asked[0].uri.contains("versionId=v1") && asked[0].header("if-match").is_none(), "{asked:?}");
        assert!(!asked[1].uri.contains("versionId") && asked[1].header("if-match") == Some("\"e\""), "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_is_too_large_is_found_whatever_its_header_says() {
        for reply in [Reply::Body(200, "12345"), Reply::CutOff("12345", 0), Reply::CutOff("1", 4)] {
            let fake = Fake::answering(move |_| reply.clone());
            let error = store(&fake).fetch(&upload(None, None), 4).await.unwrap_err();
            assert!(matches!(error, StoreError::TooLarge { bytes: 5, limit: 4 }), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_is_cut_off_is_retried_a_limited_number_of_times() {
        let fake = Fake::answering(|asked| match asked.number {
            0 => Reply::CutOff("12", 3),
            _ => Reply::Body(200, "12345"),
        });
        assert!(matches!(store(&fake).fetch(&upload(None, None), 9).await, Ok(Fetched::File(_, 5))));
        let fake = Fake::answering(|_| Reply::CutOff("12", 3));
        let error = store(&fake).fetch(&upload(None, None), 9).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(fake.requests().len(), ATTEMPTS as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn conflicting_writes_are_retried_until_it_is_known_which_came_first() {
        let fake = Fake::answering(|asked| match asked.number {
            0 | 1 => Reply::Body(409, CONFLICT),
            _ => Reply::Body(412, PRECONDITION),
        });
        assert_eq!(store(&fake).keep_if_absent("plan.json", vec![]).await.unwrap(), Kept::AlreadyThere);
        assert!(fake.requests().iter().all(|asked| asked.header("if-none-match") == Some("*")));
        let fake = Fake::answering(|_| Reply::Body(409, CONFLICT));
        let error = store(&fake).keep_if_absent("plan.json", vec![]).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }
}
