//! Keeps the turn of a load while it runs, and releases it after an error.

use std::time::Duration;

use tokio::time::sleep;

use crate::ledger::{Lease, Ledger, LedgerError};

/// How long a run that ends in an error waits for the ledger.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Releases the turn after an error, so that any retry can take it, whatever its request id; otherwise the same event
/// sent by hand would be dropped as a duplicate of this run. If the ledger does not answer, the lease expires.
pub async fn release_turn(ledger: &Ledger, lease: &Lease) {
    match tokio::time::timeout(RELEASE_TIMEOUT, ledger.hand_over(lease)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(event = "turn_not_released", load = %lease.load, error = %error),
        Err(_) => tracing::warn!(event = "turn_not_released", load = %lease.load, error = "no answer in time"),
    }
}

/// Renews the lease for as long as it is polled, and ends only when it cannot be renewed.
pub async fn keep_turn(ledger: &Ledger, lease: &Lease, heartbeat: Duration) -> LedgerError {
    loop {
        sleep(heartbeat).await;
        match ledger.renew(lease).await {
            Ok(()) => {}
            // The ledger may recover before the lease expires; its next write shows whether the turn is still ours.
            Err(error @ LedgerError::TurnLost { .. }) => return error,
            Err(error) if !lease.is_live() => return error,
            Err(error) => tracing::warn!(event = "heartbeat_missed", load = %lease.load, error = %error),
        }
    }
}
