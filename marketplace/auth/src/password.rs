//! Passwords: argon2id on threads of their own, with bounded memory.

use std::num::NonZeroUsize;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use telemetry::task::Task;
use tokio::sync::Semaphore;

/// Memory of one hash in KiB when `ARGON2_MEMORY_KIB` is not set: OWASP's first choice for two passes.
pub const DEFAULT_MEMORY_KIB: u32 = 19_456;
/// Passes of one hash when `ARGON2_ITERATIONS` is not set.
pub const DEFAULT_ITERATIONS: u32 = 2;

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The parameters are out of range.
    #[error(
        "argon2 cannot work with {memory_kib} KiB and {iterations} iterations ({source}): expected at least 8 KiB and 1 iteration"
    )]
    Parameters {
        /// Memory asked for.
        memory_kib: u32,
        /// Passes asked for.
        iterations: u32,
        /// What argon2 says.
        source: argon2::Error,
    },
    /// Hashing failed, or a stored hash cannot be read.
    #[error("password hash failed: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    /// A stored hash is not in PHC format.
    #[error("stored password hash is not in PHC format: {0}")]
    Stored(#[from] argon2::password_hash::phc::Error),
    /// The thread that hashed is gone.
    #[error("password thread ended early")]
    Thread,
}

/// Hashes and checks passwords.
///
/// One hash costs tens of milliseconds and tens of megabytes on purpose, so no more of them run at once than there are
/// cores: a flood of sign-ins queues here instead of taking the memory of the machine.
#[derive(Clone, Debug)]
pub struct Passwords {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Checked when an account does not exist, so that the time of an answer does not tell whether it does.
    decoy: Arc<str>,
}

impl Passwords {
    /// Argon2id with `memory_kib` KiB and `iterations` passes, one lane.
    ///
    /// # Errors
    /// When argon2 cannot work with the parameters.
    pub fn new(memory_kib: u32, iterations: u32) -> Result<Self, PasswordError> {
        let params = Params::new(memory_kib, iterations, 1, None).map_err(|source| PasswordError::Parameters {
            memory_kib,
            iterations,
            source,
        })?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = argon2.hash_password(b"nobody has this password")?.to_string();
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self { argon2, slots: Arc::new(Semaphore::new(cores)), decoy: decoy.into() })
    }

    /// Hashes `password` into PHC format.
    ///
    /// # Errors
    /// When the operating system has no randomness for the salt.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.on_thread(move || Ok(argon2.hash_password(password.as_bytes())?.to_string())).await
    }

    /// Whether `password` is the one behind `stored`. With no `stored` hash it takes as long and is false.
    ///
    /// # Errors
    /// When the stored hash cannot be read.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        self.on_thread(move || {
            let hash = PasswordHash::new(&stored)?;
            match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| PasswordError::Thread)?;
        // The dearest part of a sign-in by far, so its trace shows it.
        let hashing = Task::new("argon2").traced().spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        hashing.await.map_err(|_| PasswordError::Thread)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hash_verifies_only_its_own_password() {
        let passwords = Passwords::new(64, 1).unwrap();
        let stored = passwords.hash("Secr3t-pass".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(passwords.verify("Secr3t-pass".into(), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify("Secr3t-pasS".into(), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn unknown_account_never_verifies() {
        let passwords = Passwords::new(64, 1).unwrap();
        assert!(!passwords.verify("nobody has this password".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn same_password_hashes_differently() {
        let passwords = Passwords::new(64, 1).unwrap();
        let first = passwords.hash("Secr3t-pass".into()).await.unwrap();
        assert_ne!(first, passwords.hash("Secr3t-pass".into()).await.unwrap());
    }

    #[test]
    fn impossible_parameters_are_refused() {
        assert!(matches!(Passwords::new(1, 0), Err(PasswordError::Parameters { .. })));
    }
}
