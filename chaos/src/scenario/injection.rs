//! The life of one fault: written down, injected, proven, undone, settled.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::plan::PlannedFault;
use super::result::FaultResult;
use super::turns::Turns;
use crate::events::Events;
use crate::faults::{Before, Proof};
use crate::system::System;
use crate::undo::{UndoAction, UndoJournal, Undone};

/// Time between two looks for evidence.
const LOOK: Duration = Duration::from_millis(50);
/// Time that an undo may take, which may include a service becoming ready.
const UNDO: Duration = Duration::from_secs(60);

/// What became of a fault.
#[derive(Clone, Debug)]
pub(super) struct Injected {
    pub(super) result: FaultResult,
    /// Why it could not be injected, if so.
    pub(super) not_injected: Option<String>,
    /// Why it could not be undone, if so.
    pub(super) not_undone: Option<String>,
}

/// Everything that a fault needs.
#[derive(Clone)]
pub(super) struct Surgeon {
    pub(super) scope: String,
    pub(super) system: Arc<dyn System>,
    pub(super) journal: Arc<UndoJournal>,
    pub(super) events: Arc<dyn Events>,
    /// Start of the load, from which times are counted.
    pub(super) start: Instant,
    /// Ends faults early; undoing goes on.
    pub(super) stop: CancellationToken,
    pub(super) turns: Arc<Turns>,
}

impl Surgeon {
    /// Runs a fault from its injection to its undo. `inject` is the start of the inject phase.
    pub(super) async fn operate(self, planned: PlannedFault, inject: Instant) -> Injected {
        let fault = planned.fault;
        let mut injected = Injected {
            result: FaultResult {
                fault: fault.kind().to_owned(),
                target: fault.target().to_owned(),
                at_s: 0.0,
                until_s: 0.0,
                bitten: false,
                evidence: "it was not injected".to_owned(),
            },
            not_injected: None,
            not_undone: None,
        };
        let end = inject + planned.until;
        if !self.reached(inject + planned.at).await {
            injected.not_injected = Some("the scenario was stopped before".to_owned());
            return injected;
        }
        let action = fault.undo(&*self.system);
        let _turn = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                injected.not_injected = Some("the scenario was stopped before".to_owned());
                return injected;
            }
            turn = self.turns.wait(&action) => turn,
        };
        injected.result.at_s = self.elapsed();
        // What is not written down is not injected: nobody could undo it.
        let record = match self.journal.append(fault.kind(), fault.target(), action.clone()) {
            Ok(record) => record,
            Err(error) => {
                injected.not_injected = Some(error.to_string());
                return injected;
            }
        };
        let mut before = Before::default();
        match fault.inject(&*self.system).await {
            Ok(seen) => {
                before = seen;
                self.events.fault(&self.scope, fault.kind(), fault.target(), true);
                let mut proof = fault.prove(&*self.system, &before, None).await;
                while matches!(proof, Proof::NotYet(_)) && !self.stop.is_cancelled() && Instant::now() + LOOK < end {
                    tokio::select! {
                        () = sleep(LOOK) => {}
                        () = self.stop.cancelled() => {}
                    }
                    proof = fault.prove(&*self.system, &before, None).await;
                }
                injected.result.take(proof);
                self.reached(end).await;
            }
            Err(error) => injected.not_injected = Some(error.to_string()),
        }
        match self.undo(&action).await {
            Ok(undone) => {
                if !injected.result.bitten && injected.not_injected.is_none() {
                    injected.result.take(fault.prove(&*self.system, &before, Some(&undone)).await);
                }
                if let Err(error) = self.journal.settle(record) {
                    injected.not_undone = Some(error.to_string());
                }
            }
            Err(error) => injected.not_undone = Some(error),
        }
        injected.result.until_s = self.elapsed();
        self.events.fault(&self.scope, fault.kind(), fault.target(), false);
        injected
    }

    /// Undoes one fault, for a limited time.
    pub(super) async fn undo(&self, action: &UndoAction) -> Result<Undone, String> {
        match timeout(UNDO, action.perform(&*self.system)).await {
            Ok(undone) => undone.map_err(|error| error.to_string()),
            Err(_) => Err(format!("undoing it took longer than {} s", UNDO.as_secs())),
        }
    }

    pub(super) fn elapsed(&self) -> f64 {
        Instant::now().saturating_duration_since(self.start).as_secs_f64()
    }

    /// Waits until a moment; false when the scenario was stopped before.
    async fn reached(&self, moment: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = sleep_until(moment) => true,
        }
    }
}

impl FaultResult {
    fn take(&mut self, proof: Proof) {
        (self.bitten, self.evidence) = match proof {
            Proof::Bitten(evidence) => (true, evidence),
            Proof::NotYet(evidence) => (false, evidence),
        };
    }
}
