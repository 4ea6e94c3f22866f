//! Log lines.
#[derive(Debug, Clone)]
pub(crate) struct Logs;
