//! The documents of the providers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::document::{Document, DocumentError};

/// Documents by the provider's name in the pacts.
#[derive(Clone, Debug, Default)]
pub struct Promises(BTreeMap<String, Vec<Document>>);

impl Promises {
    /// Reads every document.
    ///
    /// # Errors
    /// All documents that cannot be used.
    pub fn load(files: &BTreeMap<String, Vec<PathBuf>>) -> Result<Self, Vec<DocumentError>> {
        let (mut promises, mut problems) = (Self::default(), Vec::new());
        for (provider, files) in files {
            promises.0.entry(provider.clone()).or_default();
            for file in files {
                match Document::load(file) {
                    Ok(document) => promises.add(provider, document),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() { Ok(promises) } else { Err(problems) }
    }

    /// Adds a document of a provider.
    pub fn add(&mut self, provider: &str, document: Document) {
        self.0.entry(provider.to_owned()).or_default().push(document);
    }

    /// Whether nothing is promised at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// Providers with their documents, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Document])> {
        self.0.iter().map(|(provider, documents)| (provider.as_str(), documents.as_slice()))
    }
}
