//! What a watch has found, for every reader.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many there were, and how many of them were held against contracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Those seen.
    pub seen: u64,
    /// Those compared with at least one contract.
    pub checked: u64,
}

/// What was seen of a running system, and where it and the contracts part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Messages on their way through the broker.
    pub messages: Count,
    /// Answers that clients got.
    pub responses: Count,
    /// Calls between services, from their traces; bodies cannot be seen in them.
    pub calls: Count,
    /// Contracts that did not hold.
    pub broken: Vec<Broken>,
    /// Events and operations that nobody has a contract for.
    pub without_contract: Vec<WithoutContract>,
    /// Contracts for events of which none was seen.
    pub never_seen: Vec<NeverSeen>,
    /// Fields that no contract has.
    pub unknown_fields: Vec<UnknownFields>,
    /// What the providers' documents say otherwise.
    #[serde(default)]
    pub undocumented: Vec<Undocumented>,
    /// What could not be seen, a sentence each.
    pub notes: Vec<String>,
}

impl Live {
    /// Whether anything was held against a contract.
    #[must_use]
    pub fn has_checked(&self) -> bool {
        self.messages.checked + self.responses.checked > 0
    }
}

/// A contract that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Who expects it.
    pub consumer: String,
    /// Who must honour it.
    pub provider: String,
    /// The event, or method and path.
    pub name: String,
    /// Description of the interaction that came nearest.
    pub interaction: String,
    /// How often it did not hold.
    pub count: u64,
    /// What differed the first time, each with its place.
    pub mismatches: Vec<String>,
    /// Correlation id of the first time, where it is known.
    pub correlation_id: Option<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consumer, provider, name, count, mismatches, .. } = self;
        write!(f, "`{provider}` breaks its contract with `{consumer}` on the wire: `{name}`, {count} times")?;
        mismatches.first().map_or(Ok(()), |first| write!(f, ", first {first}"))
    }
}

/// Something that nobody has a contract for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithoutContract {
    /// `event`, `operation` of a client, or `call` of another service.
    pub kind: String,
    /// Who makes the call, where that is known.
    pub consumer: Option<String>,
    /// The event; or provider, method and path.
    pub name: String,
    /// How often it was seen.
    pub seen: u64,
}

/// A contract for an event of which none was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeverSeen {
    /// The event.
    pub event: String,
    /// Who must publish it.
    pub provider: String,
    /// Who expects it.
    pub consumers: Vec<String>,
}

/// Fields that no contract has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownFields {
    /// The event, or method and path.
    pub name: String,
    /// Their JSON paths; `[*]` stands for every item.
    pub fields: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// Where what was seen parts from the OpenAPI or AsyncAPI document of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undocumented {
    /// Whose document; empty when no document has it.
    pub provider: String,
    /// The event, or method and path.
    pub name: String,
    /// Path, what the document says and how often it was not so.
    pub places: Vec<String>,
    /// How often anything else was not so.
    pub more: u64,
}
