//! How log lines look.

use std::str::FromStr;

/// The format of log lines on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One JSON object per line: for machines, the default.
    #[default]
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// Short and readable: for a terminal.
    Pretty,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "logfmt" => Ok(Self::Logfmt),
            "pretty" => Ok(Self::Pretty),
            _ => Err(format!("`{text}`: expected `json`, `logfmt` or `pretty`")),
        }
    }
}
