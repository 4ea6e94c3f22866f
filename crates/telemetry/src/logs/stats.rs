//! What became of the log lines.

/// What became of the log lines of this process, since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Lines that reached the output.
    pub written: u64,
    /// Lines that were dropped because the output was too slow and the buffer full.
    pub dropped: u64,
    /// Lines that the output refused.
    pub failed: u64,
    /// Lines that wait for the output.
    pub waiting: u64,
    /// Lines over the limit of their place in the program.
    pub suppressed: u64,
}
