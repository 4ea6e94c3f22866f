//! Provider states for contract verification: a session of the gateway's own, and the states of the services behind it.
//!
//! The states are about a person of the gateway's own, so that its verification and that of a service may run at the same
//! time on the same data.

use platform::{Caller, ContractHooks};
use serde_json::{Map, Value, json};

use crate::clients::Service;
use crate::clients::auth::User;
use crate::session::Sessions;

/// The states of each service, in the order in which the services are given to [`hooks`].
const BEHIND: [&[&str]; 6] = [
    &[
        "an account exists",
        "an account with an open verification exists",
        "an account with an open password reset exists",
        "no account exists",
    ],
    &[
        "a seller exists",
        "the caller is a seller",
        "the caller is no seller",
        "a buyer exists",
        "another buyer exists",
        "a made-up buyer exists",
    ],
    &["a gig exists", "a paused gig exists", "a rated gig exists", "no gig exists", "a made-up seller exists"],
    &["a message to the caller exists", "an offer to the caller exists"],
    &[
        "no order exists",
        "a payment intent exists",
        "an order in progress exists",
        "an order with an open extension exists",
        "a delivered order exists",
        "a completed order exists",
        "a cancelled order exists",
        "a notification exists",
    ],
    &["a review of a gig exists", "an order without a review"],
];

/// State `a user is signed in`, which answers `session`, and all states of auth, users, gig, chat, order and review, in
/// this order, about the same user.
pub(crate) fn hooks(sessions: &Sessions, services: [Service; 6]) -> ContractHooks {
    let sessions = sessions.clone();
    let signed_in = move |_| {
        let session = session(&sessions);
        async { session }
    };
    let mut hooks = ContractHooks::new().state("a user is signed in", signed_in);
    for (service, states) in services.into_iter().zip(BEHIND) {
        for state in states {
            let service = service.clone();
            hooks = hooks.state(state, move |params| behind(service.clone(), state, params));
        }
    }
    hooks
}

fn user() -> Caller {
    Caller::new("web-user", "web_user", "web.user@example.test")
}

fn session(sessions: &Sessions) -> anyhow::Result<Value> {
    let Caller { id, username, email } = user();
    let user = User { id, username, email, email_verified: true, created_at: platform::now() };
    Ok(json!({ "session": sessions.issue(&user)?, "userId": user.id, "username": user.username }))
}

/// Has the service behind set its state up, for the user whom the gateway will name.
async fn behind(service: Service, state: &'static str, params: Value) -> anyhow::Result<Value> {
    let mut params = match params {
        Value::Object(params) => params,
        _ => Map::new(),
    };
    params.insert("caller".to_owned(), json!(user()));
    let wish = json!({ "action": "setup", "state": state, "params": params });
    let mut values: Map<String, Value> = service.post("/_contract/states", &[]).json(&wish).send(&user()).await?;
    // Clients of the gateway have a session instead.
    values.remove("internalToken");
    Ok(Value::Object(values))
}
