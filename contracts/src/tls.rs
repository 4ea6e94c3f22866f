//! The one cryptography provider of a process.

/// Installs ring as the process's provider of cryptography, unless there is one already.
///
/// The Pact crates turn on reqwest's feature `rustls-no-provider`. In every program that is built together with them,
/// each reqwest client, even one that never speaks TLS, panics until a provider is installed. This crate does so before
/// it builds a client; a program with other clients calls this at its start.
pub fn install() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error only says that somebody else was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
