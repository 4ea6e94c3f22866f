//! The real servers, found or started once for each test binary.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::{containers, postgres, rabbitmq, report, variables};

/// How long servers may take from their start to their first answer.
const START: Duration = Duration::from_secs(120);

/// What to do when there is no real pair.
const ADVICE: &str = "run `cargo xtask test`, which prepares the machine; or start a Docker engine; or set \
    TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_RABBITMQ_API_URL to running servers; or set TEST_EMBEDDED_ONLY=1 \
    (`cargo xtask test --embedded-only`) to leave the real pair out";

/// Where the real servers are.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    /// With the login of a user who may create databases.
    pub(crate) postgres_url: String,
    /// Without a virtual host.
    pub(crate) amqp_url: String,
    /// With the login of an administrator.
    pub(crate) rabbitmq_api_url: String,
    /// What the servers run in, for people.
    pub(crate) place: String,
}

/// The servers of this run.
pub(crate) fn servers() -> anyhow::Result<&'static Servers> {
    static SERVERS: OnceLock<Result<Servers, String>> = OnceLock::new();
    // One test waits for the servers, the others wait for it; what failed for one of them has failed for all.
    let servers = SERVERS.get_or_init(|| aside(obtain()).map_err(|error| format!("{error:#}\n{ADVICE}")));
    servers.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

async fn obtain() -> anyhow::Result<Servers> {
    let servers = match named()? {
        Some(servers) => servers,
        None => containers::start().await?,
    };
    let database = answer("PostgreSQL", || postgres::version(&servers.postgres_url)).await?;
    let broker = answer("RabbitMQ", || rabbitmq::version(&servers.rabbitmq_api_url)).await?;
    report::real(&format!("{database}, {broker}"), &servers.place);
    Ok(servers)
}

/// Servers that somebody else has started.
fn named() -> anyhow::Result<Option<Servers>> {
    let names = [variables::POSTGRES_URL, variables::AMQP_URL, variables::RABBITMQ_API_URL];
    let values = names.map(variables::get);
    if values.iter().all(Option::is_none) {
        return Ok(None);
    }
    let [Some(postgres_url), Some(amqp_url), Some(rabbitmq_api_url)] = values else {
        anyhow::bail!("of {} some are set and some are not: expected all or none", names.join(", "));
    };
    let place = "servers named by the environment".to_owned();
    Ok(Some(Servers { postgres_url, amqp_url, rabbitmq_api_url, place }))
}

/// Asks until there is an answer.
async fn answer<F, Fut>(what: &str, ask: F) -> anyhow::Result<String>
where
    F: Fn() -> Fut,
    Fut: Future<Output = anyhow::Result<String>>,
{
    let end = Instant::now() + START;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if Instant::now() >= end => {
                return Err(error.context(format!("{what} was not ready within {START:?}")));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Runs `work` to its end on a thread and a runtime of its own: the caller's may be about to end, as in `Drop`.
pub(crate) fn aside<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let thread = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("a runtime")?.block_on(work)
    });
    thread.join().unwrap_or_else(|_| anyhow::bail!("panicked"))
}
