//! Whoever runs the services asks each of them whether it lives, whether it is ready, and for its metrics.

use std::fmt::{self, Display};

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, term};
use reqwest::Url;
use serde::Deserialize;

expectations!(auth, chat, gateway, gig, notification, order, review, users,);

/// What a probe and a scrape make of a service.
struct Probe {
    http: reqwest::Client,
    base: Url,
}

#[derive(Deserialize)]
struct Health {
    status: String,
}

/// Why a service counts as down.
#[derive(Debug)]
struct Down(String);

impl Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<reqwest::Error> for Down {
    fn from(error: reqwest::Error) -> Self {
        Self(error.to_string())
    }
}

impl Probe {
    async fn get(&self, path: &str) -> Result<reqwest::Response, Down> {
        let url = self.base.join(path).map_err(|error| Down(error.to_string()))?;
        let response = self.http.get(url).send().await?;
        if response.status() == 200 {
            Ok(response)
        } else {
            Err(Down(format!("`{path}` answered {}", response.status())))
        }
    }

    async fn up(&self, path: &str) -> Result<(), Down> {
        let health: Health = self.get(path).await?.json().await?;
        if health.status == "up" { Ok(()) } else { Err(Down(format!("`{path}` says `{}`", health.status))) }
    }

    /// Whether the metrics come as text that a scraper can read.
    async fn scrapes(&self) -> Result<(), Down> {
        let response = self.get("/metrics").await?;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/plain") { Ok(()) } else { Err(Down(format!("`/metrics` comes as `{kind}`"))) }
    }
}

#[track_caller]
fn probes(service: &str) -> HttpPact {
    let check = |path: &'static str| {
        move |i: &mut InteractionBuilder| {
            i.request.get().path(path);
            i.response.ok().json_body(json_pattern!({ "status": "up" }));
        }
    };
    HttpPact::new("operator", service)
        .interaction("asking whether it lives", check("/health/live"))
        .interaction("asking whether it is ready", check("/health/ready"))
        .interaction("scraping its metrics", |i| {
            i.request.get().path("/metrics");
            i.response.ok().header("content-type", term!("^text/plain.*$", "text/plain; version=0.0.4"));
        })
}

async fn watch(base: Url) -> Result<(), Down> {
    let probe = Probe { http: reqwest::Client::new(), base };
    probe.up("/health/live").await?;
    probe.up("/health/ready").await?;
    probe.scrapes().await
}

async fn auth(recorder: &Recorder) -> Result<(), Error> {
    probes("auth").exercise(recorder, watch).await
}

async fn chat(recorder: &Recorder) -> Result<(), Error> {
    probes("chat").exercise(recorder, watch).await
}

async fn gateway(recorder: &Recorder) -> Result<(), Error> {
    probes("gateway").exercise(recorder, watch).await
}

async fn gig(recorder: &Recorder) -> Result<(), Error> {
    probes("gig").exercise(recorder, watch).await
}

async fn notification(recorder: &Recorder) -> Result<(), Error> {
    probes("notification").exercise(recorder, watch).await
}

async fn order(recorder: &Recorder) -> Result<(), Error> {
    probes("order").exercise(recorder, watch).await
}

async fn review(recorder: &Recorder) -> Result<(), Error> {
    probes("review").exercise(recorder, watch).await
}

async fn users(recorder: &Recorder) -> Result<(), Error> {
    probes("users").exercise(recorder, watch).await
}
