//! How services ended when the system was stopped.

use std::time::Duration;

/// What stopping the system found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Every service.
    pub services: Vec<Stopped>,
    /// Processes that had left their group and were killed by their mark.
    pub strays: usize,
    /// Processes that are still there.
    pub left: usize,
    /// Containers, databases and virtual hosts that could not be removed, a sentence each.
    pub left_over: Vec<String>,
    /// Log files that are incomplete, and why.
    pub incomplete_logs: Vec<String>,
}

impl StopReport {
    /// What a person should know, a sentence each: services that had to be killed, strays, incomplete logs.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for stopped in &self.services {
            let (service, took) = (&stopped.service, stopped.took.as_secs_f64());
            match &stopped.ending {
                Ending::Exited { success: true, .. } | Ending::NotRunning => {}
                Ending::Exited { status, success: false } => {
                    notes.push(format!("`{service}` did not stop cleanly: {status}"));
                }
                Ending::Killed => {
                    notes.push(format!("`{service}` did not stop when asked and was killed after {took:.1} s"))
                }
                Ending::Undead { pid } => notes.push(format!("`{service}` (process {pid}) survived SIGKILL")),
            }
        }
        if self.strays > 0 {
            notes.push(format!("{} processes had left their service's process group and were killed", self.strays));
        }
        if self.left > 0 {
            notes.push(format!("{} processes of the run are still there", self.left));
        }
        notes.extend(self.left_over.iter().cloned());
        notes.extend(self.incomplete_logs.iter().cloned());
        notes
    }
}

/// How one service ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The service.
    pub service: String,
    /// How.
    pub ending: Ending,
    /// Time it took.
    pub took: Duration,
}

/// See [`Stopped`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did not run.
    NotRunning,
    /// It ended when asked.
    Exited {
        /// In words.
        status: String,
        /// Whether with 0, or by the very signal that asked.
        success: bool,
    },
    /// It was killed at its deadline.
    Killed,
    /// It survived even that.
    Undead {
        /// Its process.
        pid: u32,
    },
}
