//! A service freezes (SIGSTOP): it keeps its connections and says nothing. It runs on at the end of the fault.
//!
//! `{fault: pause, service: order}`

use std::sync::Arc;
use std::time::Duration;

use super::service_down::running;
use super::{Before, Fault, Kind, Params, Proof};
use crate::system::{BoxFuture, System, SystemError};
use crate::undo::{UndoAction, Undone};

pub(super) const KIND: Kind = Kind { name: "pause", settings: &["service"], build };

/// Time after which a service that has not said that it is ready counts as silent.
const SILENT: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Pause {
    service: String,
}

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    Some(Arc::new(Pause { service: params.service()? }))
}

impl Fault for Pause {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn target(&self) -> &str {
        &self.service
    }

    fn undo(&self, system: &dyn System) -> UndoAction {
        UndoAction::Resume { service: self.service.clone(), pid: system.pid(&self.service) }
    }

    fn inject<'a>(&'a self, system: &'a dyn System) -> BoxFuture<'a, Result<Before, SystemError>> {
        Box::pin(async move {
            let before = running(system, &self.service, KIND.name)?;
            system.pause(&self.service).await?;
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
            let service = &self.service;
            if undone.is_some() || system.pid(service) != before.pid {
                return Proof::NotYet(format!("`{service}` was never seen silent while its process was there"));
            }
            let answered = tokio::time::timeout(SILENT, system.ready(service)).await.unwrap_or(false);
            if answered {
                Proof::NotYet(format!("`{service}` still answers that it is ready"))
            } else {
                Proof::Bitten(format!("`{service}` is there and did not answer for {} ms", SILENT.as_millis()))
            }
        })
    }
}
