//! Says which component served a suite: once on standard error, and in the file of the run.

use std::io::Write as _;
use std::path::Path;
use std::sync::Once;

use crate::variables;

/// The package and the test binary that run, such as `auth::api`.
fn suite() -> String {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "unknown".to_owned());
    let binary = std::env::args_os().next().unwrap_or_default();
    let stem = Path::new(&binary).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Cargo appends a hash to the name of a test binary.
    let name = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name);
    format!("{package}::{name}")
}

/// Writes one line for the suite; `told` keeps it to one for each component.
fn tell(told: &'static Once, component: &str) {
    told.call_once(|| {
        let line = format!("{:<28} {component}\n", suite());
        // Past the capture of the test harness: also the result of a suite that passes is worth as much as what it ran on.
        _ = std::io::stderr().write_all(format!("served by: {line}").as_bytes());
        if let Some(path) = variables::get(variables::REPORT) {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
            if let Err(error) = written {
                _ = writeln!(std::io::stderr(), "`{path}` ({}): {error}", variables::REPORT);
            }
        }
    });
}

/// The real pair served this suite.
pub(crate) fn real(database: &str, broker: &str) {
    static TOLD: Once = Once::new();
    tell(&TOLD, &format!("{database}; {broker}"));
}

/// The real pair was left out on request.
pub(crate) fn left_out() {
    static TOLD: Once = Once::new();
    tell(&TOLD, &format!("embedded only: the real pair was left out on request ({}=1)", variables::EMBEDDED_ONLY));
}
