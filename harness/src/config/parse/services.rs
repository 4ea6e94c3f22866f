//! `[broker]`, `[mail]`, `[defaults]`, `[services.NAME]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use crate::config::document::Section;
use crate::config::schema::{Broker, Mail, Ready, ReadyCondition, Restart, Service, Stop, StopSignal};
use crate::config::units::{parse_duration, parse_size};

const READY_WITHIN: Duration = Duration::from_secs(10);
const STOP_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn broker(section: Section<'_>) -> Option<Broker> {
    #[derive(Clone, Copy)]
    enum Kind {
        Embedded,
        Rabbitmq,
    }
    if !section.has("kind") {
        section.missing("kind", "`embedded` or `rabbitmq`");
    }
    let kind = section.choice("kind", &[("embedded", Kind::Embedded), ("rabbitmq", Kind::Rabbitmq)]);
    let broker = match kind {
        Some(Kind::Rabbitmq) => {
            // Either of them alone is half an answer, and none of them is `[backends.broker]`.
            if !section.has("url") && !section.has("management") {
                Some(Broker::Backend)
            } else {
                let url = section.required("url", "the AMQP URL, as in `amqp://guest:guest@127.0.0.1:5672/`");
                let management = section
                    .required("management", "the base URL of the management API, as in `http://127.0.0.1:15672`");
                url.zip(management).map(|(url, management)| Broker::Rabbitmq { url, management })
            }
        }
        Some(Kind::Embedded) => Some(Broker::Embedded),
        // The other keys cannot be judged without the kind.
        None => {
            let _ = (section.has("url"), section.has("management"));
            None
        }
    };
    section.finish();
    broker
}

pub(super) fn mail(section: Section<'_>) -> Mail {
    let max_message = section.unit("max_message", parse_size).unwrap_or(1024 * 1024);
    section.finish();
    Mail { max_message: usize::try_from(max_message).unwrap_or(usize::MAX) }
}

/// `[defaults]`.
pub(super) struct Defaults {
    env: BTreeMap<String, String>,
    dir: PathBuf,
    ready: PartialReady,
    stop: PartialStop,
    restart: Option<Restart>,
}

impl Defaults {
    pub(super) fn read(section: Option<Section<'_>>, root: &Path) -> Self {
        let Some(section) = section else {
            let (ready, stop) = (PartialReady::default(), PartialStop::default());
            return Self { env: BTreeMap::new(), dir: root.to_owned(), ready, stop, restart: None };
        };
        let defaults = Self {
            env: section.string_map("env"),
            dir: root.join(section.string("dir").unwrap_or_default()),
            ready: ready(&section),
            stop: stop(&section),
            restart: restart(&section),
        };
        section.finish();
        defaults
    }
}

pub(super) fn service(name: String, section: Section<'_>, defaults: &Defaults, root: &Path) -> Option<Service> {
    let own_ready = ready(&section);
    let own_stop = stop(&section);
    let condition = own_ready.condition.or_else(|| defaults.ready.condition.clone());
    if condition.is_none() && !own_ready.wrong {
        let expected = "`ready = { http = \"/path\" }`, `ready = { tcp = true }` or `ready = { log = \"pattern\" }`, here or in `[defaults]`";
        section.problem(format!("{} does not say when it is ready", section.name()), format!("expected {expected}"));
    }
    let mut env = defaults.env.clone();
    env.extend(section.string_map("env"));
    let port = section.integer::<u16>("port", "a port from 1 to 65535");
    if port == Some(0) {
        section.problem_at("port", format!("`{}.port` is `0`, expected a port from 1 to 65535", section.path), None);
    }
    let service = Service {
        command: section.argv("command"),
        dir: section.string("dir").map_or_else(|| defaults.dir.clone(), |dir| root.join(dir)),
        port,
        env,
        ready: Ready {
            condition: condition?,
            within: own_ready.within.or(defaults.ready.within).unwrap_or(READY_WITHIN),
        },
        stop: Stop {
            signal: own_stop.signal.or(defaults.stop.signal).unwrap_or(StopSignal::Term),
            within: own_stop.within.or(defaults.stop.within).unwrap_or(STOP_WITHIN),
        },
        restart: restart(&section).or(defaults.restart).unwrap_or(Restart::Never),
        name,
    };
    section.finish();
    Some(service)
}

#[derive(Default)]
struct PartialReady {
    condition: Option<ReadyCondition>,
    within: Option<Duration>,
    /// Whether a mistake in it was reported already.
    wrong: bool,
}

fn ready(section: &Section<'_>) -> PartialReady {
    let Some(section) = section.section("ready") else {
        return PartialReady { wrong: section.has("ready"), ..PartialReady::default() };
    };
    let mut wrong = false;
    let mut conditions = Vec::new();
    if let Some(path) = section.string("http") {
        if !path.starts_with('/') {
            wrong = true;
            section.problem_at(
                "http",
                format!("`{}.http` is `{path}`, expected a path that starts with `/`", section.path),
                None,
            );
        }
        conditions.push(ReadyCondition::Http(path));
    }
    if let Some(tcp) = section.boolean("tcp") {
        if tcp {
            conditions.push(ReadyCondition::Tcp);
        } else {
            wrong = true;
            section.problem_at(
                "tcp",
                format!("`{}.tcp` is `false`, expected `true`", section.path),
                Some("leave the key out instead".to_owned()),
            );
        }
    }
    if let Some(pattern) = section.string("log") {
        match Regex::new(&pattern) {
            Ok(regex) => conditions.push(ReadyCondition::Log(regex)),
            Err(error) => {
                wrong = true;
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
                section.problem_at("log", format!("`{}.log` is no regular expression: {reason}", section.path), None);
            }
        }
    }
    if conditions.len() > 1 {
        section.problem(
            format!("{} has {} conditions", section.name(), conditions.len()),
            "expected one of `http`, `tcp`, `log`",
        );
    }
    let ready = PartialReady { condition: conditions.pop(), within: section.unit("within", parse_duration), wrong };
    section.finish();
    ready
}

#[derive(Default)]
pub(super) struct PartialStop {
    pub(super) signal: Option<StopSignal>,
    pub(super) within: Option<Duration>,
}

pub(super) fn stop(section: &Section<'_>) -> PartialStop {
    let Some(section) = section.section("stop") else { return PartialStop::default() };
    let signals = [("TERM", StopSignal::Term), ("INT", StopSignal::Int), ("QUIT", StopSignal::Quit)];
    let stop =
        PartialStop { signal: section.choice("signal", &signals), within: section.unit("within", parse_duration) };
    section.finish();
    stop
}

fn restart(section: &Section<'_>) -> Option<Restart> {
    section.choice(
        "restart",
        &[("never", Restart::Never), ("on-failure", Restart::OnFailure), ("always", Restart::Always)],
    )
}
