//! A service, or the message broker, is stopped politely, and is started again at the end of the fault.
//!
//! `{fault: stop, service: broker}`

use std::sync::Arc;

use super::service_down::{gone, running};
use super::{Before, Fault, Kind, Params, Proof};
use crate::system::{BoxFuture, System, SystemError};
use crate::undo::{UndoAction, Undone};

pub(super) const KIND: Kind = Kind { name: "stop", settings: &["service"], build };

#[derive(Debug)]
struct Stop {
    service: String,
}

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    Some(Arc::new(Stop { service: params.service()? }))
}

impl Fault for Stop {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn target(&self) -> &str {
        &self.service
    }

    fn undo(&self, _system: &dyn System) -> UndoAction {
        UndoAction::Start { service: self.service.clone() }
    }

    fn inject<'a>(&'a self, system: &'a dyn System) -> BoxFuture<'a, Result<Before, SystemError>> {
        Box::pin(async move {
            let before = running(system, &self.service, KIND.name)?;
            system.stop(&self.service).await?;
            Ok(before)
        })
    }

    fn prove<'a>(
        &'a self,
        system: &'a dyn System,
        before: &'a Before,
        undone: Option<&'a Undone>,
    ) -> BoxFuture<'a, Proof> {
        Box::pin(async move {
            match undone {
                None => gone(system, &self.service, before).await,
                Some(_) => Proof::NotYet(format!("`{}` was never seen down", self.service)),
            }
        })
    }
}
