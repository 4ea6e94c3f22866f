//! What a pact says, apart from who wrote it when and with what.

use serde_json::Value;

use crate::broker::BrokerError;
use crate::canonical;

/// Largest pact, in bytes.
pub(in crate::broker) const MAX_PACT: usize = 16 * 1024 * 1024;

/// A pact's document, checked as far as a broker must understand it.
pub(in crate::broker) struct Content {
    pub(in crate::broker) consumer: String,
    pub(in crate::broker) provider: String,
    /// Of what it says: layout, order of interactions, and which library wrote it do not change it.
    pub(in crate::broker) hash: String,
    pub(super) document: Value,
}

impl Content {
    pub(in crate::broker) fn parse(bytes: &[u8]) -> Result<Self, BrokerError> {
        if bytes.len() > MAX_PACT {
            return Err(BrokerError::Invalid(format!(
                "the pact has {} bytes: expected at most {MAX_PACT}",
                bytes.len()
            )));
        }
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| BrokerError::Invalid(format!("the pact is not JSON: {error}")))?;
        let name = |side: &str| match document.pointer(&format!("/{side}/name")).and_then(Value::as_str) {
            Some(name) if !name.trim().is_empty() => Ok(name.to_owned()),
            _ => Err(BrokerError::Invalid(format!("the pact has no `{side}.name`: expected the name of the {side}"))),
        };
        let (consumer, provider) = (name("consumer")?, name("provider")?);
        if document.get("interactions").is_some() && document.get("messages").is_some() {
            let message =
                "the pact has `interactions` and `messages`: expected one of them, a pact that needs both is one of V4";
            return Err(BrokerError::Invalid(message.into()));
        }
        let listed = |key: &str| document.get(key).and_then(Value::as_array);
        let interactions = listed("interactions").or_else(|| listed("messages")).ok_or_else(|| {
            BrokerError::Invalid(
                "the pact has neither `interactions` nor `messages`: expected one of these lists".into(),
            )
        })?;
        let hash = canonical::pact_hash(&consumer, &provider, &document, interactions);
        Ok(Self { consumer, provider, hash, document })
    }
}

/// The interactions of a document, under whichever name it has them.
pub(in crate::broker) fn interactions(document: &Value) -> &[Value] {
    let listed = |key: &str| document.get(key).and_then(Value::as_array);
    listed("interactions").or_else(|| listed("messages")).map_or(&[], Vec::as_slice)
}
