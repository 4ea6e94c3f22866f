//! What a run has running: found through `/proc`, as the run itself cannot be asked once it is dead.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use crate::until::until;

/// Time in which everything must be gone after the harness was killed.
const GONE: Duration = Duration::from_secs(5);

/// Processes that carry the identifier of a run in their environment or, like its watchdog, on their command line.
pub(crate) fn processes(run_id: &str) -> Vec<(u32, String)> {
    let mark = format!("SHAKEDOWN_RUN_ID={run_id}");
    let entries = fs::read_dir("/proc").expect("a process table").flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of_the_run = processes.filter_map(|process| {
        // Both are empty for a process that is dead and not collected by its parent yet.
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let marked = environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes());
        let named = words.split(|&byte| byte == 0).any(|word| word == run_id.as_bytes());
        (marked || named).then(|| (process, String::from_utf8_lossy(&words).replace('\0', " ")))
    });
    of_the_run.collect()
}

/// Sockets (by inode, which is never used twice while it is in use) on which these processes accept connections.
pub(crate) fn listening(processes: &[u32]) -> BTreeSet<u64> {
    let held: BTreeSet<u64> = processes.iter().flat_map(|&process| sockets(process)).collect();
    all_listening().intersection(&held).copied().collect()
}

/// Fails unless nothing of the run is there any more, at once.
#[track_caller]
pub(crate) fn expect_none(run_id: &str) {
    let left = processes(run_id);
    assert!(left.is_empty(), "still running: {left:?}");
}

/// Waits until nothing of the run is there any more, and nobody listens on its sockets.
pub(crate) fn expect_none_soon(run_id: &str, sockets: &BTreeSet<u64>) {
    let open = || -> Vec<u64> { all_listening().intersection(sockets).copied().collect() };
    let missing = || format!("still running: {:?}, still listening: {:?}", processes(run_id), open());
    until(GONE, missing, || (processes(run_id).is_empty() && open().is_empty()).then_some(()));
}

fn sockets(process: u32) -> BTreeSet<u64> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    targets.filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// Inodes of all listening sockets, from the kernel's table: fields 3 (state) and 9 (inode), counted from 0.
fn all_listening() -> BTreeSet<u64> {
    const LISTEN: &str = "0A";
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.get(3) == Some(&LISTEN)).then(|| fields.get(9)?.parse().ok())?
        })
        .collect()
}
