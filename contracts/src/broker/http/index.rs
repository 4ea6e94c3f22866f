//! The entry: where everything else is.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::hal::{Hal, Links};
use super::pages::{self, Reader};
use super::{Failure, Served};

pub(super) async fn show(State(served): State<Served>, links: Links, reader: Reader) -> Result<Response, Failure> {
    match reader {
        Reader::Person => pages::overview(&served, &links).await,
        Reader::Program => Ok(document(&links).into_response()),
    }
}

fn document(links: &Links) -> Hal {
    Hal(json!({
        "_links": {
            "self": links.named("Index", "Index", &[]),
            "pb:publish-contracts": links.link(&["contracts", "publish"]),
            "pb:latest-pact-versions": links.link(&["pacts", "latest"]),
            "pb:latest-provider-pacts": links.template("/pacts/provider/{provider}/latest"),
            "pb:provider-pacts-for-verification": links.template("/pacts/provider/{provider}/for-verification"),
            "pb:pacticipants": links.link(&["pacticipants"]),
            "pb:pacticipant": links.template("/pacticipants/{pacticipant}"),
            "pb:pacticipant-version": links.template("/pacticipants/{pacticipant}/versions/{version}"),
            "pb:pacticipant-version-tag": links.template("/pacticipants/{pacticipant}/versions/{version}/tags/{tag}"),
            "pb:pacticipant-branch": links.template("/pacticipants/{pacticipant}/branches/{branch}"),
            "pb:pacticipant-branch-version":
                links.template("/pacticipants/{pacticipant}/branches/{branch}/versions/{version}"),
            "pb:webhooks": links.link(&["webhooks"]),
            "pb:webhook": links.template("/webhooks/{uuid}"),
            "pb:environments": links.link(&["environments"]),
            "pb:environment": links.template("/environments/{environment}"),
        }
    }))
}
