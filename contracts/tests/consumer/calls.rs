//! The gateway's real clients, pointed at a stand-in.

use gateway::clients::Service;
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use platform::Caller;
use platform::token::InternalTokens;
use reqwest::Url;

/// The service `name` at `base`, called as the gateway does: with an internal token of its own.
pub(crate) fn service(name: &'static str, base: &Url) -> Service {
    let http = telemetry::http::Client::new(reqwest::Client::new());
    Service::new(name, base.as_str(), http, InternalTokens::new("a secret for contract tests, nothing else"))
}

/// The person that the providers' hooks sign tokens for.
pub(crate) fn caller() -> Caller {
    platform::contract::test_caller()
}

/// The token that the gateway sends along; on replay the provider's state hook gives one that the provider accepts.
pub(crate) fn with_token(interaction: &mut InteractionBuilder) {
    let token = term!(r"^Bearer [\w-]+\.[\w-]+\.[\w-]+$", "Bearer header.payload.signature");
    interaction.request.header_from_provider_state("authorization", "Bearer ${internalToken}", token);
}

/// The stable body of a refusal.
pub(crate) fn refusal(interaction: &mut InteractionBuilder, status: u16, code: &str) {
    interaction.response.status(status).json_body(json_pattern!({
        "status": status,
        "code": code,
        "message": like!("what a person can do about it"),
        "correlationId": like!("0198c2a4-7d1e-7000-8000-000000000002"),
    }));
}
