//! Finding and ending processes by what they carry in their environment.
//!
//! Process groups end nearly everything, but a process may leave its group. The mark in its environment it keeps.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Looks in a row that must find nothing: in the middle of an exec a process shows no environment.
const LOOKS: u32 = 3;
/// Pause between two looks at the process table.
const PAUSE: Duration = Duration::from_millis(10);

/// Sends a signal to a process group. A group that is gone already is fine.
pub(crate) fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = pid(group) {
        let _ = killpg(group, signal);
    }
}

/// Kills every process that carries `NAME=value`, again and again until none is left or the deadline passes.
/// Returns how many it killed, and how many are left.
pub(crate) fn kill_marked(name: &str, value: &str, deadline: Instant) -> (usize, usize) {
    let mark = [name.as_bytes(), b"=", value.as_bytes()].concat();
    let mut killed = std::collections::BTreeSet::new();
    let mut empty = 0;
    loop {
        let left = marked(&mark);
        for &process in &left {
            if let Some(target) = pid(process)
                && kill(target, Signal::SIGKILL).is_ok()
            {
                killed.insert(process);
            }
        }
        empty = if left.is_empty() { empty + 1 } else { 0 };
        if empty == LOOKS || Instant::now() >= deadline {
            return (killed.len(), left.len());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Living processes, other than this one, whose environment contains `mark`. Empty where there is no `/proc`.
fn marked(mark: &[u8]) -> Vec<u32> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|&process| process != own)
        .filter(|process| {
            // Unreadable for other users' processes, empty for dead ones: neither is ours to kill.
            let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == mark)
        })
        .collect()
}

/// A process or group id that is safe to signal: 0 and 1 would mean everybody.
fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().filter(|&number| number > 1).map(Pid::from_raw)
}

/// Resident memory in bytes of every process in the group; none when it cannot be read.
pub(crate) fn resident_bytes(groups: &[u32]) -> Vec<(u32, u64)> {
    let mut sums: Vec<(u32, u64)> = groups.iter().map(|&group| (group, 0)).collect();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Some(group) = group_of(process) else { continue };
        if let Some((_, sum)) = sums.iter_mut().find(|(known, _)| *known == group) {
            *sum += resident(process).unwrap_or(0);
        }
    }
    sums
}

fn group_of(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command may contain spaces and parentheses; the fields after it (state, parent, group) do not.
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn marked_processes_are_killed_wherever_they_are() {
        let value = format!("sweep-{}-{:?}", std::process::id(), Instant::now());
        let spawn = |value: &str| {
            let mut command = Command::new("sleep");
            command.arg("600").env("SHAKEDOWN_TEST_MARK", value).process_group(0).spawn().expect("a process")
        };
        let mut ours = [spawn(&value), spawn(&value)];
        let mut other = spawn("somebody else's");
        let reaper = std::thread::spawn(move || ours.each_mut().map(|child| child.wait().expect("an end")));
        let (killed, left) = kill_marked("SHAKEDOWN_TEST_MARK", &value, Instant::now() + Duration::from_secs(5));
        assert_eq!((killed, left), (2, 0));
        assert!(reaper.join().expect("reaped").iter().all(|status| !status.success()));
        assert!(other.try_wait().expect("a state").is_none(), "a process without the mark must live on");
        let memory = resident_bytes(&[other.id()]);
        assert!(memory[0].1 > 0, "{memory:?}");
        other.kill().expect("killed");
        other.wait().expect("an end");
    }
}
