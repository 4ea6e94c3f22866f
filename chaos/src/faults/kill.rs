//! A service dies at once (SIGKILL), and is started again at the end of the fault.
//!
//! `{fault: kill, service: order}`

use std::sync::Arc;

use super::service_down::{gone, running};
use super::{Before, Fault, Kind, Params, Proof};
use crate::system::{BoxFuture, System, SystemError};
use crate::undo::{UndoAction, Undone};

pub(super) const KIND: Kind = Kind { name: "kill", settings: &["service"], build };

#[derive(Debug)]
struct Kill {
    service: String,
}

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    Some(Arc::new(Kill { service: params.service()? }))
}

impl Fault for Kill {
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
            system.kill(&self.service).await?;
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
