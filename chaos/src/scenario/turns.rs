//! Faults that take the same service down go one after the other: one that is due while the service is still being
//! started again waits for that, instead of finding nothing to take down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::undo::UndoAction;

/// Whose turn it is on each service.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until no other fault has the service down that `undo` starts again, in the order of asking; at once for
    /// faults that take nothing down.
    pub(super) async fn wait(&self, undo: &UndoAction) -> Option<OwnedMutexGuard<()>> {
        let UndoAction::Start { service } = undo else { return None };
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(service.clone()).or_default())
        };
        Some(turn.lock_owned().await)
    }
}
