//! Where and when figures were taken.

use serde_json::{Value, json};

use crate::shell::output;

/// `machine`, `date` and `rustc`.
pub(crate) struct Machine {
    pub(crate) machine: String,
    pub(crate) date: String,
    pub(crate) rustc: String,
}

/// As far as this machine tells; `unknown` otherwise.
pub(crate) fn describe() -> Machine {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let first = |program: &str, arguments: &[&str]| {
        output(program, arguments).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
    };
    Machine {
        machine: format!("{cores} cores, {}, {}", model.trim_start_matches([' ', '\t', ':']), first("uname", &["-sr"])),
        date: first("date", &["-u", "+%Y-%m-%d"]),
        rustc: first("rustc", &["--version"]),
    }
}

impl Machine {
    pub(crate) fn json(&self) -> [(&'static str, Value); 3] {
        [("machine", json!(self.machine)), ("date", json!(self.date)), ("rustc", json!(self.rustc))]
    }
}
