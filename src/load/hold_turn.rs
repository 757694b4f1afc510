//! Keeps the turn of a load while it runs, and hands it back after an error.

use std::time::Duration;

use tokio::time::sleep;

use crate::ledger::{Lease, Ledger, LedgerError};

/// A run that ends in an error does not wait longer for the ledger.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// After an error the turn is for whoever tries again, under whatever request id; otherwise the same event sent by hand
/// would take this run for living. Where the ledger does not answer, the lease runs out.
pub async fn leave_turn(ledger: &Ledger, lease: &Lease) {
    match tokio::time::timeout(LEAVE_PATIENCE, ledger.hand_over(lease)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(event = "turn_not_left", load = %lease.load, error = %error),
        Err(_) => tracing::warn!(event = "turn_not_left", load = %lease.load, error = "no answer in time"),
    }
}

/// Renews the lease for as long as it is polled, and ends only when it cannot be renewed.
pub async fn keep_turn(ledger: &Ledger, lease: &Lease, heartbeat: Duration) -> LedgerError {
    loop {
        sleep(heartbeat).await;
        match ledger.renew(lease).await {
            Ok(()) => {}
            // The ledger's trouble may pass before the lease runs out; whose turn it is, the next write says.
            Err(error @ LedgerError::TurnLost { .. }) => return error,
            Err(error) if !lease.is_live() => return error,
            Err(error) => tracing::warn!(event = "heartbeat_missed", load = %lease.load, error = %error),
        }
    }
}
