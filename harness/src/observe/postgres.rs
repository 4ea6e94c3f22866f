//! Tables from PostgreSQL.

use std::str::FromStr;
use std::time::Duration;

use chaos::invariants::Row;
use futures_util::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{MOST_ROWS, Reason};

/// Time for a connection: a database that a fault holds up must not hold up the observer.
const CONNECT: Duration = Duration::from_secs(5);

/// Time for a query: a frozen server or a table that somebody has locked must not keep a run from its end.
const QUERY: Duration = Duration::from_secs(30);

/// Rows of a query, in a session that cannot write. The database makes them JSON itself, so that every type of its has the
/// form that it would have there.
pub(super) async fn rows(database: &str, query: &str) -> Result<Vec<Row>, Reason> {
    let failed = |doing| move |source| Reason::Sql { doing, database: without_password(database), source };
    let options = PgConnectOptions::from_str(database).map_err(failed("open"))?;
    let options = options
        .options([("default_transaction_read_only", "on"), ("statement_timeout", "30s")])
        .disable_statement_logging();
    let connected = tokio::time::timeout(CONNECT, options.connect()).await;
    let connected = connected.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
    let mut connection = connected.map_err(failed("open"))?;
    let query = query.trim().trim_end_matches(';');
    // The query is the user's own configuration; a comment at its end must not swallow the parenthesis.
    let wrapped = format!("SELECT row_to_json(observed)::text FROM (\n{query}\n) AS observed");
    let read = async {
        let mut rows = Vec::new();
        let mut found = sqlx::query_scalar::<_, String>(AssertSqlSafe(wrapped)).fetch(&mut connection);
        while let Some(text) = found.try_next().await.map_err(failed("query"))? {
            if rows.len() == MOST_ROWS {
                return Err(Reason::TooLarge(MOST_ROWS));
            }
            let row = serde_json::from_str(&text);
            rows.push(row.map_err(|error| failed("query")(sqlx::Error::Decode(error.into())))?);
        }
        Ok(rows)
    };
    // By a clock of our own too: a server that is frozen does not look at its own.
    let read = tokio::time::timeout(QUERY, read).await;
    let rows = read.unwrap_or_else(|_| Err(failed("query")(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))))?;
    // The rows are complete; a connection that does not close well changes nothing about them.
    let _ = connection.close().await;
    Ok(rows)
}

/// The URL for messages, which end up in reports.
fn without_password(database: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(database) else { return database.to_owned() };
    if url.password().is_some() {
        // A URL that has a password can have another one.
        let _ = url.set_password(Some("..."));
    }
    if url.query_pairs().any(|(name, _)| name == "password") {
        url.set_query(Some("..."));
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_told() {
        assert_eq!(without_password("postgres://u:p@h/d"), "postgres://u:...@h/d");
        assert_eq!(without_password("postgres://u@h/d?application_name=a"), "postgres://u@h/d?application_name=a");
        assert_eq!(without_password("postgres://h/d?user=u&password=p"), "postgres://h/d?...");
    }

    #[tokio::test]
    async fn server_that_is_not_there_is_named() {
        let free = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).and_then(|taken| taken.local_addr());
        let url = format!("postgres://u:secret@{}/d", free.expect("an address"));
        let error = rows(&url, "SELECT 1").await.expect_err("nobody listens").to_string();
        assert!(error.starts_with("cannot open `postgres://u:...@127.0.0.1:"), "{error}");
    }
}
