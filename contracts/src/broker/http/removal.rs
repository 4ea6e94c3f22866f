//! Deleting: 204 when it is gone, 404 when it was not there, 409 when something rests on it.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{Failure, Served};
use crate::gate::Version;

type Answer = Result<StatusCode, Failure>;

pub(super) async fn pacticipant(State(served): State<Served>, Path(name): Path<String>) -> Answer {
    served.store.delete_pacticipant(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn version(State(served): State<Served>, Path((name, number)): Path<(String, String)>) -> Answer {
    served.store.delete_version(&Version::new(name, number)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn branch(State(served): State<Served>, Path((name, branch)): Path<(String, String)>) -> Answer {
    served.store.delete_branch(&name, &branch).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn tag(
    State(served): State<Served>,
    Path((name, number, tag)): Path<(String, String, String)>,
) -> Answer {
    served.store.delete_tag(&Version::new(name, number), &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn pact(
    State(served): State<Served>,
    Path((provider, consumer, number)): Path<(String, String, String)>,
) -> Answer {
    served.store.delete_pact(&Version::new(consumer, number), &provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn environment(State(served): State<Served>, Path(id): Path<String>) -> Answer {
    served.store.delete_environment(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
