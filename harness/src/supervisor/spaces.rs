//! Room for one system in the servers that it needs: databases and virtual hosts of its own.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::reach::Reach;
use crate::config::{BackendKind, Config};

/// Longest name that PostgreSQL does not cut off, in bytes.
const LONGEST_NAME: usize = 63;

/// What a system has in a backend.
#[derive(Clone, Debug)]
pub(super) struct Spaces {
    pub(super) reach: Reach,
    /// Databases by service, or the one virtual host under no name.
    names: BTreeMap<String, String>,
    /// Whether the server outlives the system, so that what was made there must be removed.
    outlives: bool,
}

impl Spaces {
    /// Names, all of them with `mark` in it, which no other system has.
    pub(super) fn new(config: &Config, backend: &str, reach: Reach, mark: &str, outlives: bool) -> Self {
        let names = match reach.kind {
            BackendKind::Rabbitmq => BTreeMap::from([(String::new(), format!("shakedown-{mark}"))]),
            BackendKind::Postgres => {
                let users = config.services.values().filter(|service| service.uses_backend(backend));
                users
                    .enumerate()
                    .map(|(at, service)| (service.name.clone(), database(mark, at, &service.name)))
                    .collect()
            }
        };
        Self { reach, names, outlives }
    }

    /// What a service has there.
    pub(super) fn of(&self, service: &str) -> Option<&str> {
        self.names.get(service).or_else(|| self.names.get("")).map(String::as_str)
    }

    /// Makes the rooms, in a server that is ready.
    pub(super) async fn create(&self) -> Result<(), String> {
        match &self.reach.api {
            Some(api) => {
                for name in self.names.values() {
                    api.create_vhost(name).await.map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            None => self.each("CREATE DATABASE", "").await.map_err(|error| error.to_string()),
        }
    }

    /// Removes them, with whoever is still connected, where the server stays.
    pub(super) async fn remove(&self) -> Result<(), String> {
        if !self.outlives {
            return Ok(());
        }
        match &self.reach.api {
            Some(api) => {
                for name in self.names.values() {
                    api.delete_vhost(name).await.map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            None => self.each("DROP DATABASE IF EXISTS", " WITH (FORCE)").await.map_err(|error| error.to_string()),
        }
    }

    async fn each(&self, statement: &str, options: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.reach.administrator().await?;
        for name in self.names.values() {
            // The name is made here, of letters, digits and `_`.
            connection.execute(AssertSqlSafe(format!("{statement} \"{name}\"{options}"))).await?;
        }
        connection.close().await
    }
}

/// The number tells services apart whose names are alike once they are written as this server likes them.
fn database(mark: &str, number: usize, service: &str) -> String {
    let service = service.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let mut name = format!("shakedown_{mark}_{number}_{service}");
    name.truncate(LONGEST_NAME);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_have_names_of_their_own_within_the_limit() {
        assert_eq!(database("ab12", 3, "payments-sim"), "shakedown_ab12_3_payments_sim");
        let long = "x".repeat(64);
        assert_eq!(database("ab12", 3, &long).len(), LONGEST_NAME);
        assert_ne!(database("ab12", 3, &long), database("ab12", 4, &long));
    }
}
