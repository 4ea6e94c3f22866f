//! Where a link leads. Known late (a service gets its port when it starts) and changeable (it gets another one).

use std::sync::{Arc, PoisonError, RwLock};

/// Address of the far end of a link, `host:port`. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Upstream(Arc<RwLock<Option<String>>>);

impl Upstream {
    /// Leads to `host:port`.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(Some(address.into()))))
    }

    /// Leads nowhere yet: connections are reset.
    #[must_use]
    pub fn unset() -> Self {
        Self::default()
    }

    /// From now on, new connections lead to `host:port`.
    pub fn set(&self, address: impl Into<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(address.into());
    }

    /// The address; none while it is not known.
    #[must_use]
    pub fn get(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
