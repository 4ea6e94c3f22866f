//! What the services of the reference marketplace expect of each other, one module for each consumer and provider.
//!
//! Each expectation is a function that runs the consumer's real code, its client or its handler, against the pact it
//! writes; pacts are written where `PACT_OUTPUT_DIR` says. To renew the committed ones:
//!
//! ```sh
//! UPDATE_PACTS=1 cargo test -p contracts --test consumer
//! ```

use std::pin::Pin;

/// Runs a consumer's code and records what it needed.
type Expectation = fn(&contracts::consumer::Recorder) -> Recorded<'_>;
type Recorded<'r> = Pin<Box<dyn Future<Output = Result<(), contracts::Error>> + Send + 'r>>;

/// Makes each expectation a test of its own, and all of them together something that can be recorded at once.
macro_rules! expectations {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn all() -> Vec<crate::Expectation> {
            vec![$(|recorder| Box::pin($name(recorder))),+]
        }

        mod each {
            $(
                #[tokio::test]
                async fn $name() {
                    if let Err(error) = super::$name(&contracts::consumer::Recorder::from_env()).await {
                        panic!("{error}");
                    }
                }
            )+
        }
    };
}

mod calls;
mod committed;
mod envelope;
mod inbox;
mod mails;
mod postbox;

mod gateway_auth;
mod gateway_chat;
mod gateway_gig;
mod gateway_order;
mod gateway_review;
mod gateway_users;
mod gig_users;
mod notification_auth;
mod notification_chat;
mod notification_order;
mod operator;
mod order_review;
mod users_auth;
mod users_gig;
mod users_order;
mod users_review;
mod web;
