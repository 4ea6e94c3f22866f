//! The only places that write to standard output and standard error.

use std::io::Write;

/// Writes a result to standard output.
pub fn result(text: &str) {
    // A reader that closed the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Writes progress or a diagnostic to standard error.
pub fn progress(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}
