//! The undo journal of a harness that died.

use std::path::Path;

use chaos::{UndoAction, UndoJournal};

/// Settles what the dead harness left outstanding, and returns how many faults that were. To be called when the run's
/// processes are gone.
///
/// Every fault lives in a process of the run: a killed service needs no start when the system is gone, a frozen one was
/// killed with the rest, a link and the embedded broker took their faults with them. What is left is to say so, because
/// an outstanding record means that something is still broken.
pub(super) fn replay(journal: &Path) -> usize {
    // Without a journal no fault was ever injected.
    let Ok(outstanding) = UndoJournal::outstanding_in(journal) else { return 0 };
    if outstanding.is_empty() {
        return 0;
    }
    let Ok(journal) = UndoJournal::open(journal) else { return 0 };
    let settled = outstanding.iter().filter(|record| {
        let gone = match &record.action {
            UndoAction::Resume { pid: Some(pid), .. } => gone(*pid),
            _ => true,
        };
        gone && journal.settle(record.id).is_ok()
    });
    settled.count()
}

/// Whether a process is gone. One that is dead and only waits for its parent to notice is frozen no more.
fn gone(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    // The state follows the command, which stands in parentheses and may contain some itself.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_died_with_the_run_is_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("undo.jsonl");
        assert_eq!(replay(&path), 0);
        let journal = UndoJournal::open(&path).expect("a journal");
        let start = UndoAction::Start { service: "order".to_owned() };
        let done = journal.append("kill", "order", start.clone()).expect("written");
        journal.settle(done).expect("written");
        journal.append("kill", "order", start).expect("written");
        // This very process is not gone, so its record stays outstanding.
        let own = UndoAction::Resume { service: "x".to_owned(), pid: Some(std::process::id()) };
        journal.append("pause", "x", own).expect("written");
        drop(journal);
        assert_eq!(replay(&path), 1);
        assert_eq!(UndoJournal::outstanding_in(&path).expect("a journal").len(), 1);
    }
}
