//! Tables from SQLite.

use std::str::FromStr;
use std::time::Duration;

use chaos::invariants::Row;
use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row as _, TypeInfo, ValueRef};

use super::{MOST_ROWS, Reason};

/// Time to wait for a lock that the service holds.
const BUSY: Duration = Duration::from_secs(5);

/// Rows of a query on an SQLite database, which is opened for reading only.
pub(super) async fn rows(database: &str, query: &str) -> Result<Vec<Row>, Reason> {
    let failed = |doing| move |source| Reason::Sql { doing, database: database.to_owned(), source };
    let options = SqliteConnectOptions::from_str(database).map_err(failed("open"))?;
    let options = options.read_only(true).create_if_missing(false).busy_timeout(BUSY);
    let mut connection = options.connect().await.map_err(failed("open"))?;
    let mut rows = Vec::new();
    {
        // The query is the user's own configuration, on a connection that cannot write.
        let mut found = sqlx::query(AssertSqlSafe(query.to_owned())).fetch(&mut connection);
        while let Some(row) = found.try_next().await.map_err(failed("query"))? {
            if rows.len() == MOST_ROWS {
                return Err(Reason::TooLarge(MOST_ROWS));
            }
            rows.push(to_json(&row).map_err(failed("query"))?);
        }
    }
    // The rows are complete; a connection that does not close well changes nothing about them.
    let _ = connection.close().await;
    Ok(rows)
}

fn to_json(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    row.columns()
        .iter()
        .map(|column| {
            let at = column.ordinal();
            let raw = row.try_get_raw(at)?;
            let value = if raw.is_null() {
                Value::Null
            } else {
                match raw.type_info().name() {
                    "INTEGER" | "BOOLEAN" | "INT4" => Value::from(row.try_get_unchecked::<i64, _>(at)?),
                    "REAL" => Value::from(row.try_get_unchecked::<f64, _>(at)?),
                    "BLOB" => Value::from(hex::encode(row.try_get_unchecked::<Vec<u8>, _>(at)?)),
                    _ => Value::from(row.try_get_unchecked::<String, _>(at)?),
                }
            };
            Ok((column.name().to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sqlx::sqlite::SqliteJournalMode;

    #[tokio::test]
    async fn values_keep_their_types_and_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x.db");
        let url = format!("sqlite://{}", file.display());
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal);
        let mut writer = options.connect().await.expect("a database");
        let setup = "CREATE TABLE t (id TEXT, n BIGINT, r REAL, b BLOB, f BOOLEAN, z TEXT); \
            INSERT INTO t VALUES ('a', 7, 1.5, x'ff00', 1, NULL)";
        sqlx::raw_sql(setup).execute(&mut writer).await.expect("a table");
        let expected = json!([{ "id": "a", "n": 7, "r": 1.5, "b": "ff00", "f": 1, "z": null, "sum": 8 }]);
        let query = "SELECT *, n + 1 AS sum FROM t";
        // While the service has it open, and after it closed it.
        assert_eq!(json!(rows(&url, query).await.expect("rows")), expected);
        writer.close().await.expect("closed");
        assert_eq!(json!(rows(&url, query).await.expect("rows")), expected);
        let error = rows(&url, "DELETE FROM t").await.expect_err("read-only").to_string();
        assert!(error.contains("readonly"), "{error}");
    }

    #[tokio::test]
    async fn a_database_that_does_not_exist_is_named_and_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/none.db", folder.path().display());
        let error = rows(&url, "SELECT 1").await.expect_err("no database").to_string();
        assert!(error.starts_with(&format!("cannot open `{url}`")), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
    }
}
