//! Reads the tables of `[observe]`, on which invariants and rest are judged: from databases, services, captured mails,
//! queues and the clients' history. Reading changes nothing.

mod error;
mod history;
mod http;
mod mail;
mod postgres;
mod queues;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use chaos::History;
use chaos::invariants::{Row, Table, Tables};
use serde_json::Value;

use crate::config::Source;
use crate::config::placeholder::expand;
use crate::smtp::Sink;
use crate::supervisor::BrokerApi;

pub use error::{ObserveError, Reason};

/// Rows that one table may have: more would not fit into memory beside everything else.
const MOST_ROWS: usize = 2_000_000;

/// Gives placeholders their values.
pub type Resolve = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Reads tables of a running system.
pub struct Observer {
    sources: BTreeMap<String, Source>,
    resolve: Resolve,
    mail: Option<Arc<Sink>>,
    broker: Option<BrokerApi>,
    history_file: PathBuf,
    history: OnceLock<Arc<History>>,
    client: OnceLock<reqwest::Client>,
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("tables", &self.sources.keys()).finish_non_exhaustive()
    }
}

impl Observer {
    /// An observer of these tables. `resolve` gives `${...}` in them their values; `history_file` is where the clients'
    /// operations are.
    #[must_use]
    pub fn new(
        sources: BTreeMap<String, Source>,
        resolve: Resolve,
        mail: Option<Arc<Sink>>,
        broker: Option<BrokerApi>,
        history_file: PathBuf,
    ) -> Self {
        let (history, client) = (OnceLock::new(), OnceLock::new());
        Self { sources, resolve, mail, broker, history_file, history, client }
    }

    /// Reads the history from the file of this writer, whose buffer is written out before. The first call counts.
    pub fn set_history(&self, history: Arc<History>) {
        let _ = self.history.set(history);
    }

    /// Names of all tables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// When there is no such table, or its source does not yield it.
    pub async fn table(&self, name: &str) -> Result<Table, ObserveError> {
        let wrap = |reason| ObserveError { table: name.to_owned(), reason };
        let source = self.sources.get(name).ok_or_else(|| wrap(Reason::Unknown))?;
        let rows = self.rows(source).await.map_err(wrap)?;
        if rows.len() > MOST_ROWS {
            return Err(wrap(Reason::TooLarge(MOST_ROWS)));
        }
        Ok(Table::from_rows(name, rows))
    }

    /// Reads several tables, each once. What could not be read is told by its name.
    pub async fn tables<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> (Tables, BTreeMap<String, ObserveError>) {
        let names: BTreeSet<&str> = names.into_iter().collect();
        let (mut tables, mut failures) = (Tables::new(), BTreeMap::new());
        for name in names {
            match self.table(name).await {
                Ok(table) => drop(tables.insert(name.to_owned(), table)),
                Err(error) => drop(failures.insert(name.to_owned(), error)),
            }
        }
        (tables, failures)
    }

    async fn rows(&self, source: &Source) -> Result<Vec<Row>, Reason> {
        match source {
            Source::Sql { database, query } => {
                let database = self.fill(database)?;
                if database.starts_with("postgres") {
                    postgres::rows(&database, query).await
                } else {
                    sqlite::rows(&database, query).await
                }
            }
            Source::Http { url, path, headers, rows, columns } => {
                let url = self.fill(url)?.trim_end_matches('/').to_owned() + path;
                let headers = headers.iter().map(|(name, value)| Ok((name.clone(), self.fill(value)?)));
                let headers = headers.collect::<Result<Vec<_>, Reason>>()?;
                http::rows(self.client()?, &url, &headers, rows, columns).await
            }
            Source::Mail { columns } => {
                let sink = self.mail.as_ref().ok_or(Reason::Absent("mail sink"))?;
                Ok(mail::rows(&sink.all(), columns))
            }
            Source::Queues { pending, only, except } => {
                let broker = self.broker.as_ref().ok_or(Reason::Absent("broker"))?;
                queues::states(broker, *pending, only, except).await
            }
            Source::Messages { queues } => {
                let broker = self.broker.as_ref().ok_or(Reason::Absent("broker"))?;
                queues::messages(broker, queues).await
            }
            Source::History { operation, outcome, status, columns } => {
                let filter =
                    history::Filter { operation: operation.clone(), outcome: outcome.clone(), status: *status };
                let (writer, file, columns) = (self.history.get().cloned(), self.history_file.clone(), columns.clone());
                // A long history is worth a thread of its own.
                let read = move || history::rows(writer.as_deref(), &file, &filter, &columns);
                tokio::task::spawn_blocking(read).await.map_err(|_| Reason::Interrupted)?
            }
        }
    }

    fn fill(&self, text: &str) -> Result<String, Reason> {
        Ok(expand(text, |name| (self.resolve)(name))?)
    }

    fn client(&self) -> Result<&reqwest::Client, Reason> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = http::client()?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// The values at JSON pointers of a document; what is not there is null.
fn pick(document: &Value, columns: &BTreeMap<String, String>) -> Row {
    let value = |pointer: &String| document.pointer(pointer).cloned().unwrap_or(Value::Null);
    columns.iter().map(|(name, pointer)| (name.clone(), value(pointer))).collect()
}
