//! A database of a test's own.

use tempfile::TempDir;

use crate::postgres;
use crate::servers::servers;

/// An empty database; it goes when this is dropped.
#[derive(Debug)]
pub struct Database {
    url: String,
    // Removes what the URL leads to.
    _place: Place,
}

#[derive(Debug)]
enum Place {
    Directory(#[expect(dead_code, reason = "removes the directory when it is dropped")] TempDir),
    Server(#[expect(dead_code, reason = "removes the database when it is dropped")] postgres::Fresh),
}

impl Database {
    pub(crate) fn embedded() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("backends-").tempdir()?;
        let url = format!("sqlite://{}", directory.path().join("test.db").display());
        Ok(Self { url, _place: Place::Directory(directory) })
    }

    pub(crate) async fn real() -> anyhow::Result<Self> {
        let fresh = postgres::Fresh::create(&servers()?.postgres_url).await?;
        Ok(Self { url: fresh.url().to_owned(), _place: Place::Server(fresh) })
    }

    /// Its URL, `sqlite://...` or `postgres://...`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
