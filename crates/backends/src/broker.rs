//! A broker of a test's own.

use crate::rabbitmq;
use crate::servers::servers;

/// An empty broker: a server of its own when embedded, a virtual host of its own when real. It goes when this is dropped.
#[derive(Debug)]
pub struct Broker {
    /// `host:port`.
    address: String,
    /// As it stands in a URL.
    vhost: String,
    /// `user:password`.
    login: String,
    // Removes what the URL leads to.
    _place: Place,
}

#[derive(Debug)]
enum Place {
    Process(#[expect(dead_code, reason = "ends when it is dropped")] amqp_broker::Broker),
    Server(#[expect(dead_code, reason = "removes the virtual host when it is dropped")] rabbitmq::Vhost),
}

impl Broker {
    pub(crate) async fn embedded() -> anyhow::Result<Self> {
        let broker = amqp_broker::Broker::start(amqp_broker::Config::default()).await?;
        let address = broker.amqp_addr().to_string();
        let (vhost, login) = ("%2f".to_owned(), "guest:guest".to_owned());
        Ok(Self { address, vhost, login, _place: Place::Process(broker) })
    }

    pub(crate) async fn real() -> anyhow::Result<Self> {
        let servers = servers()?;
        let vhost = rabbitmq::Vhost::create(&servers.rabbitmq_api_url).await?;
        let url: reqwest::Url = servers.amqp_url.parse()?;
        let address = format!("{}:{}", url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or(5672));
        let login = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        Ok(Self { address, vhost: vhost.name().to_owned(), login, _place: Place::Server(vhost) })
    }

    /// Its URL, `amqp://...`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_through(&self.address)
    }

    /// Where it listens, as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its URL by another way, such as a proxy that listens on `address` (`host:port`).
    #[must_use]
    pub fn url_through(&self, address: &str) -> String {
        format!("amqp://{}@{address}/{}", self.login, self.vhost)
    }
}
