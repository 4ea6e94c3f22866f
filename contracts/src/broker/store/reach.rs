//! One look at a database before it is opened, so that what is wrong with it has its name and its end.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::broker::BrokerError;

/// Connects and asks something.
///
/// It is done on a thread of its own: the reader of a server that talks without end never gets round to a time-out. What is
/// refused only for now is no error here; the pool tries again.
///
/// # Errors
///
/// What speaks no SQL, or does not answer in time.
pub(super) async fn reach(url: &str, sqlite: bool, patience: Duration) -> Result<(), BrokerError> {
    let url = url.to_owned();
    let question = if sqlite { "PRAGMA schema_version" } else { "SELECT 1" };
    let (tell, told) = oneshot::channel();
    let failed = |reason: String| BrokerError::Invalid(format!("the broker's database cannot be reached: {reason}"));
    thread::Builder::new()
        .name("database".into())
        .spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let asked = runtime.map_err(sqlx::Error::Io).and_then(|runtime| {
                runtime.block_on(async {
                    let mut connection = AnyConnection::connect(&url).await?;
                    sqlx::query(question).execute(&mut connection).await?;
                    connection.close().await
                })
            });
            // Nobody listens when it took too long.
            let _ = tell.send(asked);
        })
        .map_err(|error| failed(error.to_string()))?;
    match tokio::time::timeout(patience, told).await {
        Ok(Ok(Err(error))) if !is_for_now(&error) => Err(BrokerError::Database(error)),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(failed("its driver broke down over what it was told".into())),
        Err(_) => Err(failed(format!("nothing that can be understood came within {patience:?}"))),
    }
}

fn is_for_now(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => {
            matches!(
                error.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
            )
        }
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}
