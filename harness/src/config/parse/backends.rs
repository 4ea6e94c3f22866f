//! `[backends.NAME]`.

use std::time::Duration;

use super::services::{PartialStop, stop};
use crate::config::backend::{Backend, BackendKind, RunningServer};
use crate::config::document::Section;
use crate::config::schema::{Stop, StopSignal};
use crate::config::units::{parse_duration, parse_size};

/// Containers share a machine with whatever else starts, and RabbitMQ boots a virtual machine first.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn backend(name: String, section: Section<'_>) -> Option<Backend> {
    if !section.has("kind") {
        section.missing("kind", "`postgres` or `rabbitmq`");
    }
    let kind = section.choice("kind", &[("postgres", BackendKind::Postgres), ("rabbitmq", BackendKind::Rabbitmq)]);
    let image = section.required("image", "the name of an image, as in `postgres:17`");
    let image = section.string("image_env").and_then(|variable| set(&variable)).or(image);
    let server = server(&section, kind);
    let ready = section.section("ready").map(|ready| {
        let within = ready.unit("within", parse_duration);
        ready.finish();
        within
    });
    let PartialStop { signal, within } = stop(&section);
    // PostgreSQL takes SIGTERM for "when everybody has left", and SIGINT for "now, in order".
    let usual = if kind == Some(BackendKind::Postgres) { StopSignal::Int } else { StopSignal::Term };
    let args = section.strings("args").unwrap_or_default();
    let env = section.string_map("env");
    if let Some((name, _)) = env.iter().find(|(name, value)| format!("{name}{value}").contains(['\n', '\r'])) {
        let message = format!("variable `{}` has a line break", name.escape_debug());
        section.problem_at("env", message, Some("engines read variables line by line".to_owned()));
    }
    let memory = section.unit("memory", parse_size);
    section.finish();
    Some(Backend {
        name,
        kind: kind?,
        image: image?,
        server,
        args,
        env,
        memory,
        within: ready.flatten().unwrap_or(READY_WITHIN),
        stop: Stop { signal: signal.unwrap_or(usual), within: within.unwrap_or(STOP_WITHIN) },
    })
}

/// The server that the environment names, if it does.
fn server(section: &Section<'_>, kind: Option<BackendKind>) -> Option<RunningServer> {
    let (variable, management) = (section.string("url_env"), section.string("management_env"));
    match (kind, &variable, &management) {
        (Some(BackendKind::Postgres), _, Some(_)) => {
            section.problem_at("management_env", "PostgreSQL has no management API", None);
        }
        (Some(BackendKind::Rabbitmq), Some(_), None) => section
            .missing("management_env", "the variable with the URL of the management API, which belongs to `url_env`"),
        (_, None, Some(_)) => {
            section.missing("url_env", "the variable with the URL, which belongs to `management_env`")
        }
        _ => {}
    }
    let variable = variable?;
    let url = set(&variable)?;
    let schemes: &[&str] = match kind? {
        BackendKind::Postgres => &["postgres://", "postgresql://"],
        BackendKind::Rabbitmq => &["amqp://"],
    };
    if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
        let expected = format!("expected a URL that starts with `{}`", schemes.join("` or `"));
        section.problem_at("url_env", format!("`{variable}` in the environment is no such URL"), Some(expected));
        return None;
    }
    let management = management.map(|variable| {
        let url = set(&variable);
        if url.is_none() {
            let message = format!("`{variable}` is not set in the environment, but the variable of `url_env` is");
            section.problem_at("management_env", message, Some("expected both or none".to_owned()));
        }
        url.unwrap_or_default()
    });
    Some(RunningServer { variable, url, management })
}

/// A variable that is set and not empty.
fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
