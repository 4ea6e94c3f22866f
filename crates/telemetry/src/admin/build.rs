//! `/admin/build`: which build is running, since when.

use std::time::Instant;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::core::core;
use crate::settings::Config;

/// The resource attribute that names the commit.
pub(crate) const COMMIT: &str = "vcs.ref.head.revision";

/// What is known about this process from its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    service: String,
    version: String,
    instance: String,
    commit: Option<String>,
    started: Instant,
}

#[derive(Serialize)]
struct Answer<'a> {
    service: &'a str,
    version: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    profile: &'static str,
    arch: &'static str,
    os: &'static str,
    pid: u32,
    uptime_s: f64,
}

pub(super) fn router() -> Router {
    Router::new().route("/admin/build", get(build))
}

impl Build {
    pub(crate) fn of(config: &Config) -> Self {
        let commit = config.resource.iter().rev().find(|(key, _)| key == COMMIT);
        Self {
            service: config.service.clone(),
            version: config.version.clone(),
            instance: config.instance.clone(),
            commit: commit.map(|(_, commit)| commit.clone()),
            started: Instant::now(),
        }
    }
}

async fn build() -> Response {
    let Some(build) = &core().build else { return super::log_level::uninitialised() };
    let answer = Answer {
        service: &build.service,
        version: &build.version,
        instance: &build.instance,
        commit: build.commit.as_deref(),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" },
        arch: std::env::consts::ARCH,
        os: std::env::consts::OS,
        pid: std::process::id(),
        uptime_s: build.started.elapsed().as_millis() as f64 / 1000.0,
    };
    Json(answer).into_response()
}
