//! Pacts that were recorded here, verified by the official command line: each provider of the marketplace as a whole.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt as _;

use crate::providers::{Served, messages};
use crate::shop::serve;
use crate::verifier::verify;

/// Makes the verification of each provider a test of its own.
macro_rules! as_a_whole {
    ($($name:ident),+ $(,)?) => {
        #[test]
        fn each_provider_has_its_test() {
            assert_eq!([$(stringify!($name)),+], crate::providers::NAMES);
        }

        mod as_a_whole {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::honours(stringify!($name)).await;
                }
            )+
        }
    };
}

as_a_whole!(auth, chat, gateway, gig, notification, order, review, users);

async fn honours(provider: &'static str) {
    let provider = Served::start(provider).await;
    let pacts = provider.pacts();
    let interactions: usize = pacts.iter().map(|pact| pact.interactions.len()).sum();
    let (done, report) = verify(&provider, &pacts).await;
    done.well();
    let verified = report["interactionResults"].as_array().map_or(&[][..], Vec::as_slice);
    let held = verified.iter().filter(|each| each["result"] == "OK").count();
    assert_eq!((verified.len(), held), (interactions, interactions), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_that_renames_a_field_is_refused() {
    let mut users = Served::start("users").await;
    let renaming = |from: &'static str, to: &'static str| {
        let service = users.router.clone();
        Router::new().fallback(move |request: Request| async move {
            let (mut parts, body) = service.oneshot(request).await.unwrap().into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            parts.headers.remove("content-length");
            Response::from_parts(parts, Body::from(String::from_utf8_lossy(&body).replace(from, to)))
        })
    };
    let (http, asked) = (renaming("\"username\"", "\"userName\""), renaming("\"sellerId\"", "\"seller\""));
    (users.http, users.messages) = (serve(http).await, serve(messages(asked)).await);
    let (done, report) = verify(&users, &users.pacts()).await;
    assert_eq!(report["result"], false, "{report:#}");
    done.badly("username");
}
