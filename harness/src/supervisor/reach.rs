//! How a backend is reached: its URLs, and whether it answers.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::broker::BrokerApi;
use crate::config::{Backend, BackendKind, RunningServer};

/// Time for one answer.
const ANSWER: Duration = Duration::from_secs(2);
/// What an AMQP 0-9-1 client says first, and the server answers with a method frame.
const AMQP_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
const METHOD_FRAME: u8 = 1;

/// A server, wherever it runs.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) kind: BackendKind,
    scheme: String,
    /// `user:password@`, or nothing.
    login: String,
    /// `host:port`.
    pub(super) address: String,
    /// `?key=value`, or nothing.
    query: String,
    /// What the URL of a server of others names after its address: where one logs in to make room.
    place: String,
    /// RabbitMQ's management API.
    pub(super) api: Option<BrokerApi>,
}

impl Reach {
    /// A container that listens at `address`, with its management API at `management`.
    pub(super) fn container(backend: &Backend, address: String, management: Option<String>) -> Self {
        let of = |name: &str, usual: &str| backend.env.get(name).cloned().unwrap_or_else(|| usual.to_owned());
        let (scheme, place, user, password) = match backend.kind {
            BackendKind::Postgres => {
                let user = of("POSTGRES_USER", "postgres");
                ("postgres", of("POSTGRES_DB", &user), user, of("POSTGRES_PASSWORD", ""))
            }
            BackendKind::Rabbitmq => {
                ("amqp", String::new(), of("RABBITMQ_DEFAULT_USER", "guest"), of("RABBITMQ_DEFAULT_PASS", "guest"))
            }
        };
        let secret = if password.is_empty() { String::new() } else { format!(":{}", escape(&password)) };
        let api = management.map(|base| BrokerApi::new(&base, &user, &password));
        let (scheme, login) = (scheme.to_owned(), format!("{}{secret}@", escape(&user)));
        Self { kind: backend.kind, scheme, login, address, query: String::new(), place, api }
    }

    /// A server that somebody else has started. Nothing when its URL names no host.
    pub(super) fn running(kind: BackendKind, server: &RunningServer) -> Option<Self> {
        let url = reqwest::Url::parse(&server.url).ok()?;
        let port = url.port().unwrap_or(match kind {
            BackendKind::Postgres => 5432,
            BackendKind::Rabbitmq => 5672,
        });
        let login = match (url.username(), url.password()) {
            ("", None) => String::new(),
            (user, None) => format!("{user}@"),
            (user, Some(password)) => format!("{user}:{password}@"),
        };
        let api = match &server.management {
            Some(management) => Some(BrokerApi::at(management)?),
            None => None,
        };
        Some(Self {
            kind,
            scheme: url.scheme().to_owned(),
            login,
            address: format!("{}:{port}", url.host_str()?),
            query: url.query().map(|query| format!("?{query}")).unwrap_or_default(),
            place: url.path().trim_start_matches('/').to_owned(),
            api,
        })
    }

    /// Its URL by way of `address`, which may be a link, to what is there under the name `space`.
    pub(super) fn url(&self, address: &str, space: &str) -> String {
        format!("{}://{}{address}/{}{}", self.scheme, self.login, escape(space), self.query)
    }

    /// A connection as somebody who may make databases.
    pub(super) async fn administrator(&self) -> Result<PgConnection, sqlx::Error> {
        let url = format!("{}://{}{}/{}{}", self.scheme, self.login, self.address, self.place, self.query);
        let options: PgConnectOptions = url.parse()?;
        options.disable_statement_logging().connect().await
    }

    /// Whether it answers by its own protocol: behind the engine's ports somebody accepts connections before it does. The
    /// error says what was found instead.
    pub(super) async fn ask(&self) -> Result<(), String> {
        let late = |_| Err(format!("no answer within {} s", ANSWER.as_secs()));
        tokio::time::timeout(ANSWER, self.answers()).await.unwrap_or_else(late)
    }

    async fn answers(&self) -> Result<(), String> {
        match self.kind {
            BackendKind::Postgres => {
                let mut connection = self.administrator().await.map_err(|error| error.to_string())?;
                connection.execute("SELECT 1").await.map_err(|error| error.to_string())?;
                connection.close().await.map_err(|error| error.to_string())
            }
            BackendKind::Rabbitmq => {
                self.greets().await.map_err(|error| format!("{}: {error}", self.address))?;
                match &self.api {
                    Some(api) => api.answers().await.map_err(|error| error.to_string()),
                    None => Ok(()),
                }
            }
        }
    }

    /// Its version, as it says itself; nothing when it does not answer.
    pub(super) async fn version(&self) -> Option<String> {
        let asked = async {
            match self.kind {
                BackendKind::Postgres => {
                    let mut connection = self.administrator().await.ok()?;
                    let version = sqlx::query_scalar::<_, String>("SELECT current_setting('server_version')");
                    let version = version.fetch_one(&mut connection).await.ok()?;
                    // The version is known; how the connection ends changes nothing about it.
                    let _ = connection.close().await;
                    // Packagers add their own after a blank.
                    version.split_whitespace().next().map(str::to_owned)
                }
                BackendKind::Rabbitmq => self.api.as_ref()?.version().await.ok().flatten(),
            }
        };
        tokio::time::timeout(ANSWER, asked).await.ok().flatten()
    }

    async fn greets(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(AMQP_HEADER).await?;
        match stream.read_u8().await? {
            METHOD_FRAME => Ok(()),
            other => Err(std::io::Error::other(format!("the answer to AMQP's greeting began with {other}"))),
        }
    }

    /// What readiness means, for messages.
    pub(super) fn condition(&self) -> String {
        match self.kind {
            BackendKind::Postgres => format!("PostgreSQL at {} answers a query", self.address),
            BackendKind::Rabbitmq => {
                format!("RabbitMQ at {} speaks AMQP, and its management API answers", self.address)
            }
        }
    }
}

/// A name as one part of a URL.
fn escape(name: &str) -> String {
    super::broker::escape(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, management: Option<&str>) -> RunningServer {
        let management = management.map(str::to_owned);
        RunningServer { variable: "X".to_owned(), url: url.to_owned(), management }
    }

    #[test]
    fn url_of_a_server_is_taken_apart_and_put_together_again() {
        let url = "postgres://me:p%40ss@db:5433/postgres?sslmode=disable";
        let reach = Reach::running(BackendKind::Postgres, &server(url, None)).expect("a server");
        assert_eq!((&*reach.address, &*reach.place), ("db:5433", "postgres"));
        assert_eq!(reach.url("127.0.0.1:9", "mine"), "postgres://me:p%40ss@127.0.0.1:9/mine?sslmode=disable");

        let server = server("amqp://mq", Some("http://u:p@mq:15672"));
        let reach = Reach::running(BackendKind::Rabbitmq, &server).expect("a server");
        assert_eq!(reach.url(&reach.address, "a b"), "amqp://mq:5672/a%20b");
        assert_eq!(reach.api.expect("an API").base(), "http://mq:15672");
    }
}
