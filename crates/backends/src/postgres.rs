//! Databases in a PostgreSQL server.

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use uuid::Uuid;

use crate::servers::aside;

/// A database that goes, with whoever is still connected to it, when this is dropped.
#[derive(Debug)]
pub(crate) struct Fresh {
    server: String,
    name: String,
    url: String,
}

impl Fresh {
    pub(crate) async fn create(server: &str) -> anyhow::Result<Self> {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let mut admin = connect(server).await?;
        // The name is made here, of letters and digits.
        admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.context("CREATE DATABASE")?;
        admin.close().await?;
        let mut url: reqwest::Url = server.parse().context("URL of PostgreSQL")?;
        url.set_path(&name);
        Ok(Self { server: server.to_owned(), name, url: url.into() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        // What cannot be removed goes with the server.
        _ = aside(async move {
            let mut admin = connect(&server).await?;
            admin.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
            admin.close().await?;
            anyhow::Ok(())
        });
    }
}

async fn connect(server: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = server.parse().context("URL of PostgreSQL")?;
    options.disable_statement_logging().connect().await.context("PostgreSQL does not answer")
}

/// Name and version of the server, such as `PostgreSQL 15.12`.
pub(crate) async fn version(server: &str) -> anyhow::Result<String> {
    let mut admin = connect(server).await?;
    let (version,): (String,) = sqlx::query_as("SHOW server_version").fetch_one(&mut admin).await?;
    admin.close().await?;
    Ok(format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()))
}
