//! What can be wrong with a document.

use std::path::PathBuf;

use crate::canonical::shorten;

/// A document that cannot be used: which file, where in it, and why.
#[derive(Debug, thiserror::Error)]
#[error("`{}`{}: {cause}", path.display(), place(pointer))]
pub struct DocumentError {
    /// The file.
    pub path: PathBuf,
    /// JSON pointer to the place; empty where the whole file is meant.
    pub pointer: String,
    /// What is wrong there.
    pub cause: Cause,
}

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// It is a directory, a pipe, a device.
    #[error("it is no regular file, expected one that can be read to its end")]
    NoFile,
    /// The file, or what it expands to, is larger than anything that people write.
    #[error("it has `{found}` {what}, expected at most {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How many there are, at least.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The file is neither JSON nor YAML.
    #[error("it is not {format}: {reason}")]
    Syntax {
        /// What the file's name promises.
        format: &'static str,
        /// Line, column and what was expected there.
        reason: String,
    },
    /// The file is some other document.
    #[error("it is {found}, expected OpenAPI 3.0 or 3.1, or AsyncAPI 2 or 3")]
    Kind {
        /// What it says that it is.
        found: String,
    },
    /// A reference leads out of the document.
    #[error(
        "`{}` leads out of the document, expected `#/...`: bundle the document into one file",
        shorten(reference, 120)
    )]
    RemoteReference {
        /// The reference.
        reference: String,
    },
    /// A reference leads nowhere.
    #[error("`{}` leads nowhere, expected a JSON pointer to something in this document", shorten(reference, 120))]
    DanglingReference {
        /// The reference.
        reference: String,
    },
    /// References that lead to each other, and never to anything else.
    #[error("`{}` leads to itself through other references", shorten(reference, 120))]
    CircularReference {
        /// The first of them.
        reference: String,
    },
    /// Something is not what the specification says.
    #[error("expected {expected}")]
    Shape {
        /// What should be there.
        expected: &'static str,
    },
}

impl DocumentError {
    pub(super) fn file(path: impl Into<PathBuf>, cause: Cause) -> Self {
        Self { path: path.into(), pointer: String::new(), cause }
    }
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" at `{}`", shorten(pointer, 300)) }
}
