//! The outcome of one request to the table.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::{Table, TableError};
use crate::clients::CloudFault;

/// The outcome of one request.
pub(super) enum RequestOutcome<T> {
    /// The items in `left` came back unprocessed; `output` is the result for the others.
    Processed { units: f64, accepted: usize, left: Vec<usize>, output: T },
    /// The table was busy or did not answer.
    Busy(CloudFault),
    /// DynamoDB refused the request because of an item in it.
    Refused(String),
}

impl Table {
    /// Interprets the error of a read: to be retried, or final.
    pub(super) fn busy<T, E>(
        &self,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Result<RequestOutcome<T>, TableError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match CloudFault::new(operation, &self.resource(), error) {
            fault if fault.transient => Ok(RequestOutcome::Busy(fault)),
            fault => Err(fault.into()),
        }
    }

    /// Interprets the error of a write: refused because of an item in it, to be retried, or final.
    pub(super) fn refused_or_busy<T, E>(
        &self,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Result<RequestOutcome<T>, TableError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            // The second code means that an item would make its partition too large for a local index.
            Some("ValidationException" | "ItemCollectionSizeLimitExceededException") => {
                Ok(RequestOutcome::Refused(CloudFault::new(operation, &self.resource(), error).message))
            }
            _ => self.busy(operation, error),
        }
    }
}
