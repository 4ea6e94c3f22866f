//! The message broker delivers messages twice, as it may at any time when deliveries are "at least once".
//!
//! `{fault: duplicate, queue: "order.*", p: 0.3}`

use std::sync::Arc;

use super::{Before, Fault, Kind, Params, Proof};
use crate::system::{BoxFuture, System, SystemError};
use crate::undo::{UndoAction, Undone};

pub(super) const KIND: Kind = Kind { name: "duplicate", settings: &["queue", "p"], build };

#[derive(Debug)]
struct Duplicate {
    queue: String,
    p: f64,
    seed: u64,
}

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    let (queue, p) = (params.queue(), params.fraction("p", 1.0));
    Some(Arc::new(Duplicate { queue: queue?, p: p?, seed: params.aim.seed }))
}

impl Fault for Duplicate {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn target(&self) -> &str {
        &self.queue
    }

    fn undo(&self, _system: &dyn System) -> UndoAction {
        UndoAction::ClearDuplicates
    }

    fn inject<'a>(&'a self, system: &'a dyn System) -> BoxFuture<'a, Result<Before, SystemError>> {
        Box::pin(async move {
            system.duplicate(&self.queue, self.p, self.seed).await?;
            Ok(Before::default())
        })
    }

    fn prove<'a>(
        &'a self,
        _system: &'a dyn System,
        _before: &'a Before,
        undone: Option<&'a Undone>,
    ) -> BoxFuture<'a, Proof> {
        Box::pin(async move {
            // The broker tells the number when the duplication ends.
            match undone.and_then(|undone| undone.duplicates) {
                Some(count @ 1..) => {
                    Proof::Bitten(format!("{count} deliveries of queues `{}` were duplicated", self.queue))
                }
                _ => Proof::NotYet(format!("no delivery of queues `{}` was duplicated", self.queue)),
            }
        })
    }
}
