//! The environment variables by which a run tells its tests what to use.

/// `postgres://user:password@host:port/database` of a running server whose user may create databases.
pub const POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// `amqp://user:password@host:port` of a running RabbitMQ.
pub const AMQP_URL: &str = "TEST_AMQP_URL";

/// `http://user:password@host:port` of the same server's management API, by which virtual hosts are made.
pub const RABBITMQ_API_URL: &str = "TEST_RABBITMQ_API_URL";

/// `1` leaves the real pair out.
pub const EMBEDDED_ONLY: &str = "TEST_EMBEDDED_ONLY";

/// A file to which each suite appends what served it.
pub const REPORT: &str = "TEST_BACKENDS_REPORT";

/// Image of PostgreSQL; `.cargo/config.toml` has the default.
pub const IMAGE_POSTGRES: &str = "SHAKEDOWN_IMAGE_POSTGRES";

/// Image of RabbitMQ with its management plugin; `.cargo/config.toml` has the default.
pub const IMAGE_RABBITMQ: &str = "SHAKEDOWN_IMAGE_RABBITMQ";

/// What is set and not empty.
pub(crate) fn get(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether only what is embedded was asked for.
#[must_use]
pub fn embedded_only() -> bool {
    get(EMBEDDED_ONLY).is_some_and(|value| value == "1")
}
