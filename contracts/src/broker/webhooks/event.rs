//! What can happen.

use serde::{Deserialize, Serialize};

/// Something that webhooks are told of, by the Pact Broker's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// A consumer published what none of its versions had expected of the provider before.
    ContractContentChanged,
    /// A consumer published a pact, be it new or not.
    ContractPublished,
    /// The result of a verification was published.
    ProviderVerificationPublished,
    /// The result of a verification was published, and every interaction held.
    ProviderVerificationSucceeded,
    /// The result of a verification was published, and not every interaction held.
    ProviderVerificationFailed,
}

impl HookEvent {
    /// Every event.
    pub const ALL: [Self; 5] = [
        Self::ContractContentChanged,
        Self::ContractPublished,
        Self::ProviderVerificationPublished,
        Self::ProviderVerificationSucceeded,
        Self::ProviderVerificationFailed,
    ];

    /// The Pact Broker's name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContractContentChanged => "contract_content_changed",
            Self::ContractPublished => "contract_published",
            Self::ProviderVerificationPublished => "provider_verification_published",
            Self::ProviderVerificationSucceeded => "provider_verification_succeeded",
            Self::ProviderVerificationFailed => "provider_verification_failed",
        }
    }

    /// The event of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}
