//! A consumer put together as in production, for the length of one test and without a broker.

use anyhow::Context as _;
use contracts::consumer::Message;
use platform::consumer::Outcome;
use platform::env::Env;
use platform::{App, Consumer, Context, Database, Event};
use tempfile::TempDir;

pub(crate) struct Inbox {
    consumer: Consumer,
    database: Database,
    _dir: TempDir,
}

impl Inbox {
    /// The service `name`, built by its own `app` on a database of its own; `variables` are what else it reads.
    pub(crate) async fn open<F, R>(name: &'static str, variables: &[(&str, &str)], app: F) -> anyhow::Result<Self>
    where
        F: FnOnce(Context) -> R,
        R: Future<Output = anyhow::Result<App>>,
    {
        let dir = tempfile::tempdir()?;
        let url = format!("sqlite://{}/{name}.db", dir.path().display());
        let mut all = vec![
            ("DATABASE_URL", url.as_str()),
            ("AMQP_URL", "amqp://nobody.example:1/"),
            ("INTERNAL_TOKEN_SECRET", "a secret for contract tests, nothing else"),
        ];
        all.extend(variables);
        let mut app = app(Context::new(name, Env::from_pairs(&all))).await?;
        let consumer = app.consumers.pop().with_context(|| format!("`{name}` consumes nothing"))?;
        Ok(Self { consumer, database: app.database.context("no database")?, _dir: dir })
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Lets the service handle the message as a delivery, twice: the second one must be known as the same.
    pub(crate) async fn hear(&self, message: &Message) -> anyhow::Result<Event> {
        let header = |name: &str| message.metadata.get(name).map(String::as_str);
        let event = Event::from_parts(header, &message.body)?;
        for expected in [Outcome::Applied, Outcome::Duplicate] {
            let outcome = self.consumer.apply(&self.database, &event).await;
            let outcome = outcome.map_err(|error| anyhow::anyhow!("{error}"))?;
            anyhow::ensure!(outcome == expected, "the event was {outcome:?}, expected {expected:?}");
        }
        Ok(event)
    }

    /// The one number that `sql` finds for `id`.
    pub(crate) async fn number(&self, sql: &'static str, id: &str) -> anyhow::Result<i64> {
        let (number,) = sqlx::query_as(sql).bind(id).fetch_one(self.database.pool()).await?;
        Ok(number)
    }

    /// The one text that `sql` finds for `id`.
    pub(crate) async fn text(&self, sql: &'static str, id: &str) -> anyhow::Result<String> {
        let (text,) = sqlx::query_as(sql).bind(id).fetch_one(self.database.pool()).await?;
        Ok(text)
    }
}
