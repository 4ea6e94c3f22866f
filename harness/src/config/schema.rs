//! `shakedown.toml`: everything that the harness knows about a system.
//!
//! ```toml
//! [system]
//! name = "shop"
//! entry = "gateway"                 # service that clients talk to; opens the link `client->gateway`
//! seed = 42                         # optional; fixes schedules, payloads, identifiers
//! build = { command = ["cargo", "build", "--profile", "${profile}"], dir = "..", env = {} }      # optional
//!
//! [broker]                          # optional: a message broker under the built-in name `broker`
//! kind = "embedded"                 # or "rabbitmq": `[backends.broker]`, or the one at `url` (amqp://user:password@host:port/)
//!                                   # with its management API at `management` (http://...)
//!
//! [mail]                            # optional: an SMTP sink under the built-in name `smtp`
//! max_message = "1MiB"              # optional
//!
//! [defaults]                        # optional: what every service starts from; the service's own keys win
//! env = { LOG = "info" }
//! dir = "."
//! ready = { http = "/health/ready", within = "10s" }
//! stop = { signal = "TERM", within = "5s" }
//! restart = "never"
//!
//! [services.gateway]                # third parties of the system are services like any other
//! command = ["${exe_dir}/gateway", "--verbose"]       # argument vector, no shell
//! dir = "."                         # working directory, relative to this file
//! port = 8080                       # optional: a fixed port instead of a free one
//! ready = { http = "/health/ready", within = "10s" }  # or { tcp = true }, or { log = "listening on \\d+" }
//! stop = { signal = "TERM", within = "5s" }           # SIGKILL after `within`
//! restart = "never"                 # or "on-failure", "always": what happens when it dies unasked
//! env = { LISTEN_ADDR = "127.0.0.1:${port}", ORDER_URL = "http://${link:order}", DB = "sqlite://${data}/gateway.db" }
//!
//! [links]                           # optional: peers outside the system, reached through `${link:NAME}` too
//! search = "127.0.0.1:9200"
//!
//! [backends.postgres]               # optional: servers that the services need; a container each, for this run only
//! kind = "postgres"                 # or "rabbitmq"
//! image = "postgres:17"
//! image_env = "POSTGRES_IMAGE"      # optional: variable that names another image
//! url_env = "POSTGRES_URL"          # optional: variable with the URL of a server that runs already; then no container
//! # management_env = "RABBITMQ_API" # with `rabbitmq` and `url_env`: variable with the URL of that server's management API
//! args = ["postgres", "-c", "fsync=off"]              # optional: what the container runs instead of its own command
//! env = { POSTGRES_HOST_AUTH_METHOD = "trust" }       # optional
//! memory = "512MiB"                 # optional: the container's limit
//! ready = { within = "60s" }        # optional; it is ready when it answers by its own protocol
//! stop = { signal = "INT", within = "10s" }           # optional
//!
//! [contracts]
//! pacts = "../contracts/pacts"
//! record = { command = ["cargo", "test", "--test", "consumer"], dir = "..", env = {}, output_env = "PACT_OUTPUT_DIR" }
//! [contracts.providers.order]       # name of the provider in the pacts
//! service = "order"                 # started alone, with its own data directory
//! env = { CONTRACT_HOOKS = "1" }    # on top of the service's own
//! states = "/contract/states"       # optional: path that puts the provider into a state
//! messages = "/contract/messages"   # optional: path that returns a message by its description
//! [contracts.documents]             # what each provider promises: OpenAPI and AsyncAPI, by its name in the pacts
//! order = ["../contracts/openapi/order.json", "../contracts/asyncapi/order.json"]
//!
//! [journeys]
//! dir = "journeys"                  # one `*.yaml` for each journey
//! run = ["purchase", "refund"]      # optional; all of them, by name, when absent
//! quick = ["purchase"]              # optional; what `--quick` runs, `run` when absent
//!
//! [load]
//! journey = "purchase"
//! rate = "20/s"
//! duration = "60s"
//! warmup = "5s"                     # optional
//! arrivals = "poisson"              # or "constant"
//! max_inflight = 200
//! max_lag = "100ms"                 # optional: a generator that was later than this at p99 makes the load invalid
//! thresholds = ["purchase.p99 < 800ms", "purchase.ok >= 99%"]
//! quick = { rate = "10/s", duration = "10s" }         # whatever `--quick` does differently
//!
//! [chaos]
//! dir = "../chaos/scenarios"        # one `*.yaml` for each scenario
//! run = ["order-killed"]            # optional; all of them when absent
//! quick = ["order-killed"]          # optional
//!
//! [observe.orders]                  # a table, by exactly one source:
//! sql = { database = "sqlite://${data:order}/order.db", query = "SELECT id, state FROM orders" }
//! [observe.captures]
//! http = { service = "payments", path = "/ledger", rows = "/entries", columns = { order = "/metadata/order" } }
//! [observe.mails]                   # one row for each recipient: message_id, from, to, subject, text, headers
//! mail = {}                         # or { columns = { event = "/headers/x-event-id", to = "/to" } }
//! [observe.pending]                 # one row for each queue that is not empty: queue, ready, unacked, consumers
//! queues = { pending = true, except = ["*.dead"] }
//! [observe.dead_letters]            # one row for each message there: queue, message_id, routing_key, type, reason, body, headers
//! messages = { queues = ["*.dead"] }
//! [observe.acknowledged]            # one row for each operation of the clients
//! history = { operation = "create order", outcome = "ok", status = 201, columns = { order = "/saved/order_id" } }
//!
//! [[invariant]]                     # judged on those tables, at rest; keys: see `chaos::invariants`
//! name = "no_lost_order"
//!
//! [rest]                            # the system is at rest when these tables are empty
//! empty = ["pending"]
//! within = "10s"
//!
//! [profiles.real]                   # optional: what `--profile real` lays over the file: tables are merged key by key,
//! broker = { kind = "rabbitmq" }    # everything else is replaced
//! [profiles.real.services.order]
//! env = { DB = "${backend:postgres}" }
//! ```
//!
//! Placeholders, in `command`, `dir` and `env` of services and of the build, record and provider commands:
//! `${port}` free port of this service · `${data}` its own directory in the run directory · `${link:NAME}` -> `host:port`
//! of a fault-proxy link `<this service>-><NAME>` · `${otlp}` -> `host:port` of the collector (OTLP over HTTP) ·
//! `${exe_dir}` folder of the running program · `${target_dir}` folder above it, where cargo keeps its profiles ·
//! `${profile}` cargo profile (`release` or `dev`) · `${run_id}` · `${backend:NAME}` -> URL of a backend through the link
//! `<this service>-><NAME>`, with a database of the service's own (PostgreSQL) or a virtual host of the system's own
//! (RabbitMQ), made for this run. In `[observe]` and in journeys: `${data:SERVICE}`, `${service:NAME}` -> `host:port` without
//! a fault proxy, `${env:SERVICE:VARIABLE}` -> a variable of the service, every address in it without a fault proxy,
//! `${entry}` -> base URL through `client->ENTRY`. A literal `${` is written `$${`.
//!
//! Every service is started with `OTEL_SERVICE_NAME` and where to send its telemetry (`OTEL_EXPORTER_OTLP_ENDPOINT`,
//! `OTEL_EXPORTER_OTLP_PROTOCOL`), soon (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_METRIC_EXPORT_INTERVAL`) and without losing any
//! (`OTEL_BSP_MAX_QUEUE_SIZE`). Its log lines are read from standard output, so `OTEL_LOGS_EXPORTER` is `none`: a line that came as a record too would count twice. A service
//! that logs through OTLP alone says `OTEL_LOGS_EXPORTER = "otlp"` in its `env`, which wins.
//!
//! Durations carry a unit (`250ms`, `10s`, `2m`), rates too (`40/s`, `90/m`), sizes too (`64KiB`). Unknown keys are errors.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chaos::invariants::InvariantSpec;
use regex::Regex;

use super::backend::Backend;

/// A checked `shakedown.toml`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from, absolute.
    pub file: PathBuf,
    /// The profile that is laid over it, when one was chosen.
    pub profile: Option<String>,
    /// Folder of that file; relative paths in it start here.
    pub root: PathBuf,
    /// The system as a whole.
    pub system: System,
    /// The message broker, when there is one.
    pub broker: Option<Broker>,
    /// The SMTP sink, when mails are to be captured.
    pub mail: Option<Mail>,
    /// Processes by name.
    pub services: BTreeMap<String, Service>,
    /// Peers outside the system (`host:port`), by name.
    pub links: BTreeMap<String, String>,
    /// Servers that the services need, by name.
    pub backends: BTreeMap<String, Backend>,
    /// Contracts between the services.
    pub contracts: Option<Contracts>,
    /// Journeys through the entry service.
    pub journeys: Option<Journeys>,
    /// The load phase.
    pub load: Option<Load>,
    /// Chaos scenarios.
    pub chaos: Option<Chaos>,
    /// Tables to observe, by name.
    pub observe: BTreeMap<String, Source>,
    /// Invariants judged on those tables, in file order.
    pub invariants: Vec<InvariantSpec>,
    /// When the system counts as being at rest.
    pub rest: Rest,
}

/// `[system]`.
#[derive(Clone, Debug)]
pub struct System {
    /// Name of the system.
    pub name: String,
    /// Service that clients talk to.
    pub entry: String,
    /// Seed of everything random; 42 when absent.
    pub seed: u64,
    /// Command that builds the system.
    pub build: Option<Command>,
}

/// A command that runs to its end.
#[derive(Clone, Debug)]
pub struct Command {
    /// Program and arguments, placeholders not yet filled in.
    pub command: Vec<String>,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// Environment on top of the harness's own.
    pub env: BTreeMap<String, String>,
}

/// `[broker]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    /// The broker of this program, as a process of its own.
    Embedded,
    /// A RabbitMQ that runs already.
    Rabbitmq {
        /// AMQP URL.
        url: String,
        /// Base URL of its management API.
        management: String,
    },
    /// The RabbitMQ of `[backends.broker]`.
    Backend,
}

/// `[mail]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Largest accepted message in bytes; 1 MiB when absent.
    pub max_message: usize,
}

/// `[services.NAME]`, with `[defaults]` applied.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Program and arguments, placeholders not yet filled in.
    pub command: Vec<String>,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// Fixed port, when one is asked for.
    pub port: Option<u16>,
    /// Environment, placeholders not yet filled in.
    pub env: BTreeMap<String, String>,
    /// When it counts as ready.
    pub ready: Ready,
    /// How it is stopped.
    pub stop: Stop,
    /// What happens when it dies unasked.
    pub restart: Restart,
}

impl Service {
    /// Names of the peers that the service reaches through `${link:NAME}` or `${backend:NAME}`, sorted, each once.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .env
            .values()
            .chain(&self.command)
            .flat_map(|text| super::placeholder::names(text))
            .filter_map(|name| name.strip_prefix("link:").or_else(|| name.strip_prefix("backend:")))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether the service has something of its own in a backend.
    #[must_use]
    pub fn uses_backend(&self, backend: &str) -> bool {
        let mut names = self.env.values().chain(&self.command).flat_map(|text| super::placeholder::names(text));
        names.any(|name| name.strip_prefix("backend:") == Some(backend))
    }
}

/// When a service counts as ready.
#[derive(Clone, Debug)]
pub struct Ready {
    /// What must hold.
    pub condition: ReadyCondition,
    /// Deadline, from the start of the process.
    pub within: Duration,
}

/// Condition of readiness.
#[derive(Clone, Debug)]
pub enum ReadyCondition {
    /// A GET of this path on the service's port answers 2xx.
    Http(String),
    /// The service's port accepts a connection.
    Tcp,
    /// A line of output matches.
    Log(Regex),
}

/// How a service is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The polite signal.
    pub signal: StopSignal,
    /// Time until SIGKILL.
    pub within: Duration,
}

/// Signals that ask a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
    /// SIGQUIT.
    Quit,
}

/// What happens when a service dies unasked. Either way it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It stays dead.
    Never,
    /// It is started again unless it exited with 0.
    OnFailure,
    /// It is started again.
    Always,
}

/// `[contracts]`.
#[derive(Clone, Debug)]
pub struct Contracts {
    /// Folder of committed pacts, absolute.
    pub pacts: PathBuf,
    /// Command that records the consumers' pacts anew.
    pub record: Option<Record>,
    /// Providers by their name in the pacts.
    pub providers: BTreeMap<String, Provider>,
    /// OpenAPI and AsyncAPI documents of providers by their name in the pacts, absolute.
    pub documents: BTreeMap<String, Vec<PathBuf>>,
}

/// `[contracts] record`.
#[derive(Clone, Debug)]
pub struct Record {
    /// The command.
    pub command: Command,
    /// Variable that tells it where to write the pacts.
    pub output_env: String,
}

/// `[contracts.providers.NAME]`.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Service to start.
    pub service: String,
    /// Environment on top of the service's own.
    pub env: BTreeMap<String, String>,
    /// Path that puts the provider into a state.
    pub states: Option<String>,
    /// Path that returns a message by its description.
    pub messages: Option<String>,
}

/// `[journeys]`.
#[derive(Clone, Debug)]
pub struct Journeys {
    /// Folder of journey files, absolute.
    pub dir: PathBuf,
    /// Journeys of a full run; all when absent.
    pub run: Option<Vec<String>>,
    /// Journeys of a quick run; `run` when absent.
    pub quick: Option<Vec<String>>,
}

/// `[load]`.
#[derive(Clone, Debug)]
pub struct Load {
    /// Journey that every arrival runs.
    pub journey: String,
    /// Shape of a full run.
    pub full: LoadShape,
    /// Shape of a quick run: the full one with the keys of `quick` replaced.
    pub quick: LoadShape,
}

/// Shape of a load.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadShape {
    /// Arrivals per second.
    pub rate: f64,
    /// Length of the measured part.
    pub duration: Duration,
    /// Length of the part before it, which no threshold sees.
    pub warmup: Duration,
    /// How arrivals are spread.
    pub arrivals: Arrivals,
    /// Iterations in flight above which further ones are shed.
    pub max_inflight: usize,
    /// Lag of the generator (99th percentile) above which the load cannot be judged.
    pub max_lag: Duration,
    /// Thresholds as written.
    pub thresholds: Vec<String>,
}

/// Spread of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Exponential gaps, drawn from the seed.
    Poisson,
    /// Equal gaps.
    Constant,
}

/// `[chaos]`.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// Folder of scenario files, absolute.
    pub dir: PathBuf,
    /// Scenarios of a full run; all when absent.
    pub run: Option<Vec<String>>,
    /// Scenarios of a quick run; `run` when absent.
    pub quick: Option<Vec<String>>,
}

/// `[observe.NAME]`: where the rows of a table come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A query on a database; columns are those of the query.
    Sql {
        /// URL, with `${data:SERVICE}`.
        database: String,
        /// The query.
        query: String,
    },
    /// A JSON document of a service.
    Http {
        /// Base URL, with placeholders (`service = "x"` is `http://${service:x}`).
        url: String,
        /// Path and query.
        path: String,
        /// Request headers.
        headers: BTreeMap<String, String>,
        /// JSON pointer to the array of rows; the whole document when empty.
        rows: String,
        /// Column name to JSON pointer inside a row; the row's own members when empty.
        columns: BTreeMap<String, String>,
    },
    /// Captured mails, one row for each recipient of each mail.
    Mail {
        /// Column name to JSON pointer inside the mail (`/headers/x-event-id`); message_id, from, to, subject, text and
        /// headers when empty.
        columns: BTreeMap<String, String>,
    },
    /// Queues of the broker.
    Queues {
        /// Only queues with messages that are ready or unacknowledged.
        pending: bool,
        /// Only queues whose name matches one of these globs; all when empty.
        only: Vec<String>,
        /// Not queues whose name matches one of these globs.
        except: Vec<String>,
    },
    /// Messages that lie in queues, read without taking them: queue, message_id, routing_key, type, reason, body,
    /// headers.
    Messages {
        /// Globs of queue names.
        queues: Vec<String>,
    },
    /// Operations of the clients.
    History {
        /// Name of the journey step.
        operation: String,
        /// `ok`, `fail` or `info` (unknown); all when absent.
        outcome: Option<String>,
        /// Response status; all when absent.
        status: Option<u16>,
        /// Column name to JSON pointer inside the operation (`/saved/order_id`, `/id`, `/outcome`, see
        /// [`chaos::Operation`]); all of its members and what it saved when empty. `trace_id` always comes along.
        columns: BTreeMap<String, String>,
    },
}

/// `[rest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Tables that must be empty.
    pub empty: Vec<String>,
    /// Time allowed; 10 s when absent.
    pub within: Duration,
}
