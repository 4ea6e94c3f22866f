//! Every exit code of `shakedown`, in one place.

use std::process::ExitCode;

use chaos::verdict::Verdict;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was checked held.
    Passed = 0,
    /// A check failed.
    Failed = 1,
    /// The command line or a file it reads is wrong; nothing was started.
    Usage = 2,
    /// Something could not be judged: a baseline failed, a fault did not bite, nothing was verified.
    Invalid = 3,
    /// Stopped before the end.
    Aborted = 4,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Passed,
            Verdict::Fail => Self::Failed,
            // A run of which nothing was run has proven nothing.
            Verdict::Invalid | Verdict::Skipped => Self::Invalid,
            Verdict::Aborted => Self::Aborted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_have_the_documented_numbers() {
        let numbers = [
            (Verdict::Pass, 0),
            (Verdict::Skipped, 3),
            (Verdict::Fail, 1),
            (Verdict::Invalid, 3),
            (Verdict::Aborted, 4),
        ];
        for (verdict, number) in numbers {
            assert_eq!(Exit::from(verdict) as u8, number, "{verdict:?}");
        }
    }
}
