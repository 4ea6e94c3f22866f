//! The gateway's real clients, pointed at a stand-in.

use gateway::clients::Service;
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use pact_models::expression_parser::DataType;
use pact_models::generators::Generator;
use platform::Caller;
use platform::token::InternalTokens;
use reqwest::Url;
use serde::Serialize;
use serde_json::json;

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

/// A path whose `${...}` the provider's state fills on replay; `examples` names what stands there until then.
pub(crate) fn path(i: &mut InteractionBuilder, template: &str, examples: &[(&str, &str)]) {
    let (mut pattern, mut example) = (format!("^{template}$"), template.to_owned());
    for (name, value) in examples {
        let hole = format!("${{{name}}}");
        pattern = pattern.replace(&hole, "[^/]+");
        example = example.replace(&hole, value);
    }
    i.request.path_from_provider_state(template, term!(pattern, example));
}

/// A JSON body; each `(field, value)` of `given` is a text that the provider's state gives as `value` on replay.
pub(crate) fn body(i: &mut InteractionBuilder, body: &impl Serialize, given: &[(&str, &str)]) {
    let fields = json!(body);
    let fields = fields.as_object().into_iter().flatten().map(|(name, value)| {
        let from_state = given.iter().any(|(field, _)| field == name);
        let value = if from_state { like!(value.clone()).into() } else { JsonPattern::from(value.clone()) };
        (name.clone(), value)
    });
    let fields = JsonPattern::Object(fields.collect());
    i.request.json_body(fields);
    for (field, value) in given {
        let value = Generator::ProviderStateGenerator(format!("${{{value}}}"), Some(DataType::STRING));
        i.request.body_generator(format!("$.{field}"), value);
    }
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
