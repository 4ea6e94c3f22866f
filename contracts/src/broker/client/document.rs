//! A HAL document that somebody else wrote: links to follow, and values that may not be there.

use reqwest::Url;
use serde_json::Value;

use super::Client;
use crate::broker::BrokerError;
use crate::broker::address::address;

/// What a broker answered.
#[derive(Debug)]
pub(super) struct Document {
    /// Where it came from.
    pub(super) url: Url,
    /// An object.
    pub(super) value: Value,
    /// How long it was.
    pub(super) bytes: usize,
}

impl Document {
    /// The value at `pointer` (RFC 6901).
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    /// The text at `pointer`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn text(&self, pointer: &str) -> Result<String, BrokerError> {
        let text = self.at(pointer).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| self.without(&format!("`{pointer}`, expected a text")))
    }

    /// The list at `pointer`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn list(&self, pointer: &str) -> Result<&Vec<Value>, BrokerError> {
        self.at(pointer).and_then(Value::as_array).ok_or_else(|| self.without(&format!("`{pointer}`, expected a list")))
    }

    /// That it lacks `what`.
    pub(super) fn without(&self, what: &str) -> BrokerError {
        BrokerError::Remote(format!("{}: the answer is without {what}", self.url))
    }
}

impl Client {
    /// The broker's index.
    pub(super) async fn index(&self) -> Result<Document, BrokerError> {
        // As it was given: behind some servers a path with a slash at its end is another one.
        self.get(self.base.clone()).await
    }

    /// Where the link `relation` of a document leads, `{...}` in it replaced by values.
    ///
    /// # Errors
    /// When there is none, or it leads to another host than the broker's.
    pub(super) fn link(
        &self,
        document: &Document,
        relation: &str,
        values: &[(&str, &str)],
    ) -> Result<Url, BrokerError> {
        let href = document.value["_links"][relation]["href"].as_str();
        let href = href.ok_or_else(|| document.without(&format!("the link `{relation}`")))?;
        self.resolve(document, href, values)
    }

    /// The same for a link that was found already.
    pub(super) fn resolve(&self, document: &Document, href: &str, values: &[(&str, &str)]) -> Result<Url, BrokerError> {
        let mut filled = href.to_owned();
        for (name, value) in values {
            // Encoded with the slash in front, which the template has already.
            filled = filled.replace(&format!("{{{name}}}"), address("", &[value]).trim_start_matches('/'));
        }
        let odd = |why: &str| BrokerError::Remote(format!("{}: the link `{href}` {why}", document.url));
        let url = document.url.join(&filled).map_err(|error| odd(&format!("leads nowhere: {error}")))?;
        if url.origin() != self.base.origin() {
            return Err(odd(&format!(
                "leads away from {}: expected the broker to know its own address (`--base-url`)",
                self.address()
            )));
        }
        Ok(url)
    }

    /// An address of the broker that no link leads to, but its documentation: the matrix, and a pact by its content.
    pub(super) fn below(&self, parts: &[&str]) -> Result<Url, BrokerError> {
        let text = address(self.address(), parts);
        Url::parse(&text).map_err(|error| BrokerError::Remote(format!("`{text}` is no address: {error}")))
    }
}
