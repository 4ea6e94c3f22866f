//! The command line: definitions only.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs a whole system of services, observes it, verifies its contracts, breaks it on purpose and judges what is left.
#[derive(Debug, Parser)]
#[command(name = "shakedown", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// Description of the system.
    #[arg(long, global = true, env = "SHAKEDOWN_CONFIG", default_value = "shakedown.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Profile of the description to use, `[profiles.NAME]`; without it, the description as it stands.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// What goes to standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 passed, 1 a check failed, 2 usage or configuration error, \
3 could not be judged, 4 aborted.";

/// Form of the result on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and a verdict sentence.
    Human,
    /// summary.json.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// All phases: contracts, journeys, load, chaos; writes a run directory with report.html.
    Run(RunArgs),
    /// Runs the system with the live page until Ctrl-C.
    Up(SystemArgs),
    /// Contracts between the services.
    Contract {
        /// What to do with them.
        #[command(subcommand)]
        command: ContractCommand,
    },
    /// Runs journeys and judges their telemetry.
    Journey(SelectArgs),
    /// Runs the load and judges its thresholds.
    Load(RunArgs),
    /// Runs chaos scenarios.
    Chaos(SelectArgs),
    /// Renders the report of a finished run again.
    Report(ReportArgs),
    /// Receives OTLP and keeps it as OTLP/JSON files until Ctrl-C.
    Collector(CollectorArgs),
    /// A fault proxy between two addresses.
    Proxy(ProxyArgs),
    /// The embedded AMQP 0-9-1 message broker.
    Amqp(AmqpArgs),
    /// The contract broker: pacts, verifications and deployments, for the official clients too.
    Broker(BrokerArgs),
    /// Writes a shakedown.toml to start from.
    Init(InitArgs),
    /// Looks whether this machine has what a run needs, and whether the configuration is sound.
    Doctor,
    /// Kills what a dead run left behind (started by the runner itself).
    #[command(hide = true)]
    Watchdog(WatchdogArgs),
}

/// Choices that every command that starts the system has.
#[derive(Clone, Debug, Default, Args)]
pub struct SystemArgs {
    /// Do not run the system's build command.
    #[arg(long)]
    pub no_build: bool,
    /// Directory for the run's files [default: target/shakedown/RUN-ID].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of schedules, payloads and identifiers [default: the one in shakedown.toml].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Address of the live page.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub page: Option<SocketAddr>,
}

/// Choices of `run`.
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// The short form: at most a minute after the build.
    #[arg(long)]
    pub quick: bool,
    /// Leave a phase out (may be repeated).
    #[arg(long, value_enum, value_name = "PHASE")]
    pub skip: Vec<Phase>,
    /// Verify the committed pacts without recording them anew.
    #[arg(long)]
    pub no_record: bool,
    /// Common choices.
    #[command(flatten)]
    pub system: SystemArgs,
}

/// Choices of commands that run some of many.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectArgs {
    /// Names; all when none is given.
    pub names: Vec<String>,
    /// The rest.
    #[command(flatten)]
    pub run: RunArgs,
}

/// A phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Phase {
    /// Recording and verification of contracts.
    Contracts,
    /// Journeys and their telemetry.
    Journeys,
    /// Load and its thresholds.
    Load,
    /// Fault injection.
    Chaos,
}

/// What to do with contracts.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Runs the consumers' tests, which record the pacts.
    Record(SystemArgs),
    /// Replays every pact on its provider.
    Verify(Box<VerifyArgs>),
    /// Verifies and prints consumers against providers.
    Matrix(RunArgs),
    /// Publishes pacts to the contract broker's database.
    Publish(PublishArgs),
    /// Whether a version may go to an environment; exit code 0 only for a yes.
    CanIDeploy(CanIDeployArgs),
    /// Says that a version is in an environment now.
    RecordDeployment(DeploymentArgs),
    /// What the pacts cover of the providers' documents, and whether the two fit each other.
    Coverage(CoverageArgs),
    /// Whether a new version of an OpenAPI or AsyncAPI document breaks a consumer.
    Diff(DiffArgs),
}

/// Choices of `contract verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// What every run can be told.
    #[command(flatten)]
    pub run: RunArgs,
    /// What is replayed.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// What it has to do with the contract broker.
    #[command(flatten)]
    pub broker: BrokeredArgs,
}

/// Where pacts to verify come from, and whether what came of them is told.
#[derive(Clone, Debug, Args)]
pub struct BrokeredArgs {
    /// Verify the pacts that the contract broker selects, pending ones too, instead of those in the directory. SELECTOR is
    /// a consumer version selector as JSON (may be repeated) [default: main branches, and what is deployed or released].
    #[arg(long, value_name = "SELECTOR", num_args = 0..=1, default_missing_value = "")]
    pub from_broker: Vec<String>,
    /// With `--from-broker` also pacts of other branches, published since then and not honoured yet; they fail nobody.
    #[arg(long, value_name = "DATE", requires_all = ["from_broker", "branch"])]
    pub include_wip_since: Option<String>,
    /// Publish the result of each pact that was verified as a whole.
    #[arg(long, requires = "provider_version")]
    pub publish: bool,
    /// Version of the providers, a commit for example.
    #[arg(long, value_name = "VERSION")]
    pub provider_version: Option<String>,
    /// Branch of the providers; without it no pact of the broker is pending.
    #[arg(long)]
    pub branch: Option<String>,
    /// Page of the build.
    #[arg(long, value_name = "URL", requires = "publish")]
    pub build_url: Option<String>,
    /// Whom to ask and tell.
    #[command(flatten)]
    pub address: BrokerAddressArgs,
}

/// Which interactions are replayed, in which order and how often.
#[derive(Clone, Debug, Args)]
pub struct SelectionArgs {
    /// Only interactions of this consumer; whatever is left out makes the result a partial one.
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
    /// Only interactions with this provider.
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Only interactions whose description contains this text.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Only interactions with a provider state that contains this text.
    #[arg(long, value_name = "TEXT")]
    pub state: Option<String>,
    /// Replay in another order: by `--seed`, else by a new seed that is printed.
    #[arg(long)]
    pub shuffle: bool,
    /// Replay everything so many times; with `--shuffle` in as many orders.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub repeat: u16,
}

/// Where a contract broker keeps what it knows when nothing is said.
pub const DATABASE: &str = "sqlite://shakedown-broker.db";

/// Where the contract broker is. The variables are those of the official clients.
#[derive(Clone, Debug, Args)]
pub struct BrokerAddressArgs {
    /// Contract broker: its address, `https://...`, or its database without a server, `sqlite://FILE` or `postgres://...`
    /// [default: BROKER_DATABASE, or else sqlite://shakedown-broker.db].
    #[arg(
        long,
        visible_alias = "broker-base-url",
        env = "PACT_BROKER_BASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub broker: Option<String>,
    /// Token for an address.
    #[arg(long, env = "PACT_BROKER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub broker_token: Option<String>,
    /// Name for basic authentication.
    #[arg(long, env = "PACT_BROKER_USERNAME", value_name = "NAME")]
    pub broker_username: Option<String>,
    /// Its password.
    #[arg(long, env = "PACT_BROKER_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub broker_password: Option<String>,
}

/// Choices of `contract publish`.
#[derive(Clone, Debug, Args)]
pub struct PublishArgs {
    /// Directory of the pacts [default: the one in shakedown.toml].
    pub pacts: Option<PathBuf>,
    /// Version of the consumers, a commit for example.
    #[arg(long, value_parser = named)]
    pub version: String,
    /// Branch they were built from.
    #[arg(long)]
    pub branch: Option<String>,
    /// Tag they get (may be repeated).
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Page of the build.
    #[arg(long, value_name = "URL")]
    pub build_url: Option<String>,
    /// Where to.
    #[command(flatten)]
    pub address: BrokerAddressArgs,
}

/// Choices of `contract can-i-deploy`.
#[derive(Clone, Debug, Args)]
pub struct CanIDeployArgs {
    /// Consumer or provider.
    #[arg(long, value_parser = named)]
    pub pacticipant: String,
    /// Its version.
    #[arg(long, value_parser = named)]
    pub version: String,
    /// Environment that it is to go to.
    #[arg(long, visible_alias = "to-environment", value_name = "ENVIRONMENT", value_parser = named)]
    pub to: String,
    /// Leave pacts with this pacticipant out (may be repeated).
    #[arg(long, value_name = "PACTICIPANT", value_parser = named)]
    pub ignore: Vec<String>,
    /// Ask again, so many times, while somebody has not verified yet.
    #[arg(long, value_name = "TIMES", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub retry_while_unknown: u16,
    /// Seconds between two questions.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub retry_interval: u16,
    /// Whom to ask.
    #[command(flatten)]
    pub address: BrokerAddressArgs,
}

/// Choices of `contract record-deployment`.
#[derive(Clone, Debug, Args)]
pub struct DeploymentArgs {
    /// Consumer or provider.
    #[arg(long, value_parser = named)]
    pub pacticipant: String,
    /// Its version.
    #[arg(long, value_parser = named)]
    pub version: String,
    /// Environment that it is in now.
    #[arg(long, visible_alias = "to-environment", value_name = "ENVIRONMENT", value_parser = named)]
    pub to: String,
    /// Which of several instances there.
    #[arg(long)]
    pub target: Option<String>,
    /// Released to users beside earlier versions, instead of deployed in the place of the one before.
    #[arg(long, conflicts_with = "target")]
    pub released: bool,
    /// Make the environment when there is none of this name.
    #[arg(long)]
    pub create_environment: bool,
    /// Where to.
    #[command(flatten)]
    pub address: BrokerAddressArgs,
}

/// Choices of `contract coverage`.
#[derive(Clone, Debug, Args)]
pub struct CoverageArgs {
    /// Directory of the pacts [default: the one in shakedown.toml].
    pub pacts: Option<PathBuf>,
    /// Fail when fewer of all documented operations are covered.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min_operations: Option<u8>,
    /// Fail when fewer of all documented events are covered.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min_events: Option<u8>,
}

/// Choices of `contract diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// Document as it was.
    #[arg(required_unless_present = "explain")]
    pub before: Option<PathBuf>,
    /// Document as it is to be.
    #[arg(required_unless_present = "explain")]
    pub after: Option<PathBuf>,
    /// Directory of the pacts, which say who uses what [default: the one in shakedown.toml].
    #[arg(long, value_name = "DIR")]
    pub pacts: Option<PathBuf>,
    /// Whose document it is, by the name in the pacts [default: whose it is in shakedown.toml, else its title].
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Say what a rule looks for, why, and how to mend what it finds; `all` for every rule.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["before", "after"])]
    pub explain: Option<String>,
}

/// Choices of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// Directory of the run.
    #[arg(default_value = "target/shakedown/latest")]
    pub dir: PathBuf,
}

/// Choices of `collector`.
#[derive(Clone, Debug, Args)]
pub struct CollectorArgs {
    /// Address for OTLP over HTTP.
    #[arg(long, default_value = "127.0.0.1:4318")]
    pub http: SocketAddr,
    /// Address for OTLP over gRPC.
    #[arg(long, default_value = "127.0.0.1:4317")]
    pub grpc: SocketAddr,
    /// Directory that receives traces.jsonl, metrics.jsonl and logs.jsonl at the end.
    #[arg(long, default_value = "telemetry")]
    pub out: PathBuf,
}

/// Choices of `proxy`.
#[derive(Clone, Debug, Args)]
pub struct ProxyArgs {
    /// Address to listen on; port 0 takes a free one. The address goes to standard output.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Address to connect to.
    #[arg(long)]
    pub upstream: SocketAddr,
    /// Delay added to each direction, such as `200ms`.
    #[arg(long)]
    pub latency: Option<String>,
    /// Random addition to the delay.
    #[arg(long)]
    pub jitter: Option<String>,
    /// Bytes per second.
    #[arg(long)]
    pub bandwidth: Option<u64>,
}

/// Choices of `amqp`.
#[derive(Clone, Debug, Args)]
pub struct AmqpArgs {
    /// Address for AMQP.
    #[arg(long, default_value = "127.0.0.1:5672")]
    pub listen: SocketAddr,
    /// Address of the management API.
    #[arg(long, value_name = "HOST:PORT")]
    pub management: Option<SocketAddr>,
    /// Directory that keeps durable queues; without it they live in memory only.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Choices of `broker`.
#[derive(Clone, Debug, Args)]
pub struct BrokerArgs {
    /// Address for HTTP.
    #[arg(long, default_value = "127.0.0.1:9292")]
    pub listen: SocketAddr,
    /// What it keeps its knowledge in: `sqlite://FILE` or `postgres://...`.
    #[arg(
        long,
        env = "BROKER_DATABASE",
        hide_env_values = true,
        default_value = DATABASE,
        value_name = "URL"
    )]
    pub database: String,
    /// Where clients reach it, when that is not the host they ask for.
    #[arg(long, env = "BROKER_BASE_URL", value_name = "URL")]
    pub base_url: Option<String>,
    /// Who may publish: `basic:USER:PASSWORD` or `bearer:TOKEN` (may be repeated; separated by spaces in the variable).
    #[arg(
        long = "writer",
        env = "BROKER_WRITERS",
        hide_env_values = true,
        value_delimiter = ' ',
        value_name = "CREDENTIAL"
    )]
    pub writers: Vec<String>,
    /// Who may read only.
    #[arg(
        long = "reader",
        env = "BROKER_READERS",
        hide_env_values = true,
        value_delimiter = ' ',
        value_name = "CREDENTIAL"
    )]
    pub readers: Vec<String>,
    /// Everybody may read.
    #[arg(long)]
    pub public_read: bool,
    /// Host that webhooks may reach, such as `ci.example` or `127.0.0.1:8080` (may be repeated); without any, nobody.
    #[arg(long = "webhook-host", env = "BROKER_WEBHOOK_HOSTS", value_delimiter = ' ', value_name = "HOST")]
    pub webhook_hosts: Vec<String>,
}

/// Choices of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Name of the system.
    #[arg(long, default_value = "my-system")]
    pub name: String,
    /// File to write.
    #[arg(long, default_value = "shakedown.toml")]
    pub file: PathBuf,
}

/// Choices of the hidden watchdog.
#[derive(Clone, Debug, Args)]
pub struct WatchdogArgs {
    /// Run whose processes it guards.
    #[arg(long)]
    pub run_id: String,
    /// Undo journal of the run.
    #[arg(long)]
    pub journal: PathBuf,
}

/// A name that a variable of a pipeline may have left empty: without it another question would be asked.
fn named(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty, expected a name".to_owned()) } else { Ok(text.to_owned()) }
}
