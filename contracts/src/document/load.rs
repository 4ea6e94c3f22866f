//! Reading a document: bounded, and refused as a whole when a part of it cannot be understood.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::{Cause, DocumentError};
use super::model::Model;
use super::{asyncapi, openapi, reference};
use crate::file::{self, Unread};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Deepest nesting, also of documents that did not come from a file.
const MAX_DEPTH: usize = 128;

/// Which specification a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OpenAPI 3.0, whose schemas say `nullable`.
    OpenApi30,
    /// OpenAPI 3.1, whose schemas are JSON Schema.
    OpenApi31,
    /// AsyncAPI 2.
    AsyncApi2,
    /// AsyncAPI 3.
    AsyncApi3,
}

/// One OpenAPI or AsyncAPI document, all of whose references lead to something in it.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    kind: Kind,
    root: Value,
}

impl Document {
    /// Reads a file: YAML when it is called `*.yaml` or `*.yml`, else JSON.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file, is larger than 16 MiB, is no such document, or has a part or reference that cannot be
    /// understood.
    pub fn load(path: &Path) -> Result<Self, DocumentError> {
        let bytes = file::read(path, MAX_FILE).map_err(|unread| {
            let cause = match unread {
                Unread::Io(source) => Cause::Read(source),
                Unread::NoFile => Cause::NoFile,
                Unread::TooLarge => Cause::TooLarge { what: "bytes", found: MAX_FILE + 1, limit: MAX_FILE },
            };
            DocumentError::file(path, cause)
        })?;
        Self::from_value(path, parse(path, &bytes)?)
    }

    /// Takes a document that was parsed elsewhere; `path` stands for it in errors.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_value(path: &Path, root: Value) -> Result<Self, DocumentError> {
        if deeper_than(&root, MAX_DEPTH) {
            let limit = MAX_DEPTH as u64;
            return Err(DocumentError::file(path, Cause::TooLarge { what: "levels", found: limit + 1, limit }));
        }
        let at = |(pointer, cause)| DocumentError { path: path.to_owned(), pointer, cause };
        let kind = kind(&root).map_err(|cause| DocumentError::file(path, cause))?;
        reference::check(&root).map_err(at)?;
        let document = Self { path: path.to_owned(), kind, root };
        document.build().map_err(at)?;
        Ok(document)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.root.pointer("/info/title").and_then(Value::as_str)
    }

    /// The specification that it follows.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its operations and events.
    #[must_use]
    pub fn model(&self) -> Model<'_> {
        // The same walk succeeded when the document was taken.
        self.build().unwrap_or_default()
    }

    fn build(&self) -> Result<Model<'_>, (String, Cause)> {
        match self.kind {
            Kind::OpenApi30 | Kind::OpenApi31 => openapi::operations(&self.root).map(Model::of_operations),
            Kind::AsyncApi2 => asyncapi::events_2(&self.root).map(Model::of_events),
            Kind::AsyncApi3 => asyncapi::events_3(&self.root).map(Model::of_events),
        }
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, DocumentError> {
    let wrong = |format, reason: String| DocumentError::file(path, Cause::Syntax { format, reason });
    if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        let text = std::str::from_utf8(bytes).map_err(|error| wrong("YAML", error.to_string()))?;
        return serde_saphyr::from_str(text).map_err(|error| wrong("YAML", error.to_string()));
    }
    serde_json::from_slice(bytes).map_err(|error| wrong("JSON", error.to_string()))
}

fn kind(root: &Value) -> Result<Kind, Cause> {
    let version = |key: &str| root.get(key).and_then(Value::as_str);
    let unknown = |found: String| Err(Cause::Kind { found });
    match (version("openapi"), version("asyncapi")) {
        (Some(version), None) if version.starts_with("3.0") => Ok(Kind::OpenApi30),
        (Some(version), None) if version.starts_with("3.") => Ok(Kind::OpenApi31),
        (Some(version), None) => unknown(format!("OpenAPI `{version}`")),
        (None, Some(version)) if version.starts_with("2.") => Ok(Kind::AsyncApi2),
        (None, Some(version)) if version.starts_with("3.") => Ok(Kind::AsyncApi3),
        (None, Some(version)) => unknown(format!("AsyncAPI `{version}`")),
        _ if version("swagger").is_some() => unknown("Swagger 2".to_owned()),
        _ => unknown("a file without `openapi` or `asyncapi`".to_owned()),
    }
}

/// Whether anything is nested deeper, without going deeper itself.
fn deeper_than(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|each| deeper_than(each, limit - 1)),
        Value::Object(members) => limit == 0 || members.values().any(|each| deeper_than(each, limit - 1)),
        _ => false,
    }
}
