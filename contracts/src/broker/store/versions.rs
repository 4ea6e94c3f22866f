//! Pacticipants, their versions, and the branches and tags of these.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::Row as _;

use super::{Store, Tx, now};
use crate::broker::BrokerError;

/// Longest name or version, in characters.
const MAX_NAME: usize = 255;

/// Who takes part in contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pacticipant {
    /// Its name.
    pub name: String,
    /// Its main branch; when none is set, `main`, `master` or `develop`, the first that has versions.
    pub main_branch: Option<String>,
    /// Where its code is.
    pub repository_url: Option<String>,
}

/// Branches and tags of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Branches, by name.
    pub branches: Vec<String>,
    /// Tags, by name.
    pub tags: Vec<String>,
}

/// A name or version as somebody sent it.
pub(super) fn named<'a>(what: &str, text: &'a str) -> Result<&'a str, BrokerError> {
    let fits =
        (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text;
    fits.then_some(text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        BrokerError::Invalid(format!(
            "`{shown}` is no {what}: expected 1 to {MAX_NAME} characters, none of them a control character"
        ))
    })
}

/// The next position: writers take turns, so it is nobody else's.
async fn next(tx: &mut Tx) -> Result<i64, BrokerError> {
    let last = "SELECT COALESCE(MAX(position), 0) + 1 FROM (SELECT MAX(position) AS position FROM versions \
                UNION ALL SELECT MAX(position) FROM branch_versions UNION ALL SELECT MAX(position) FROM tags) AS positions";
    Ok(sqlx::query(last).fetch_one(&mut **tx).await?.try_get(0)?)
}

impl Tx {
    /// Makes sure of a pacticipant.
    pub(super) async fn pacticipant(&mut self, name: &str) -> Result<(), BrokerError> {
        named("pacticipant", name)?;
        sqlx::query("INSERT INTO pacticipants (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(now())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Makes sure of a version.
    pub(super) async fn version(
        &mut self,
        pacticipant: &str,
        number: &str,
        build_url: Option<&str>,
    ) -> Result<(), BrokerError> {
        named("version", number)?;
        self.pacticipant(pacticipant).await?;
        let position = next(self).await?;
        sqlx::query(
            "INSERT INTO versions (position, pacticipant, number, build_url, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (pacticipant, number) DO NOTHING",
        )
        .bind(position)
        .bind(pacticipant)
        .bind(number)
        .bind(build_url)
        .bind(now())
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Puts a version at the head of a branch.
    pub(super) async fn branch(&mut self, pacticipant: &str, number: &str, branch: &str) -> Result<(), BrokerError> {
        named("branch", branch)?;
        let position = next(self).await?;
        sqlx::query(
            "INSERT INTO branch_versions (pacticipant, branch, number, position) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (pacticipant, branch, number) DO UPDATE SET position = excluded.position",
        )
        .bind(pacticipant)
        .bind(branch)
        .bind(number)
        .bind(position)
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Gives a version a tag.
    pub(super) async fn tag(&mut self, pacticipant: &str, number: &str, tag: &str) -> Result<(), BrokerError> {
        named("tag", tag)?;
        let position = next(self).await?;
        sqlx::query(
            "INSERT INTO tags (pacticipant, tag, number, position) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (pacticipant, tag, number) DO UPDATE SET position = excluded.position",
        )
        .bind(pacticipant)
        .bind(tag)
        .bind(number)
        .bind(position)
        .execute(&mut **self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Everybody, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pacticipants(&self) -> Result<Vec<Pacticipant>, BrokerError> {
        let rows = sqlx::query("SELECT name, main_branch, repository_url FROM pacticipants ORDER BY name")
            .fetch_all(self.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Pacticipant {
                    name: row.try_get("name")?,
                    main_branch: row.try_get("main_branch")?,
                    repository_url: row.try_get("repository_url")?,
                })
            })
            .collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When nobody has this name, or the database fails.
    pub async fn pacticipant(&self, name: &str) -> Result<Pacticipant, BrokerError> {
        let found = self.pacticipants().await?.into_iter().find(|each| each.name == name);
        found.ok_or_else(|| BrokerError::NotFound(format!("no pacticipant is called `{name}`")))
    }

    /// Makes a pacticipant, or changes what is known of it: what is `None` stays.
    ///
    /// # Errors
    /// When the name cannot be one, or the database fails.
    pub async fn describe_pacticipant(
        &self,
        name: &str,
        main_branch: Option<&str>,
        repository_url: Option<&str>,
    ) -> Result<Pacticipant, BrokerError> {
        let mut tx = self.begin().await?;
        tx.pacticipant(name).await?;
        for (column, value) in [("main_branch", main_branch), ("repository_url", repository_url)] {
            let Some(value) = value else { continue };
            let update = match column {
                "main_branch" => "UPDATE pacticipants SET main_branch = $1 WHERE name = $2",
                _ => "UPDATE pacticipants SET repository_url = $1 WHERE name = $2",
            };
            sqlx::query(update).bind(value).bind(name).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        self.pacticipant(name).await
    }

    /// Makes a version, unless it is there.
    ///
    /// # Errors
    /// When a name cannot be one, or the database fails.
    pub async fn add_version(&self, pacticipant: &str, number: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        tx.version(pacticipant, number, None).await?;
        tx.commit().await
    }

    /// Puts a version, made if need be, at the head of a branch.
    ///
    /// # Errors
    /// When a name cannot be one, or the database fails.
    pub async fn add_to_branch(&self, pacticipant: &str, number: &str, branch: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        tx.version(pacticipant, number, None).await?;
        tx.branch(pacticipant, number, branch).await?;
        tx.commit().await
    }

    /// Gives a version, made if need be, a tag.
    ///
    /// # Errors
    /// When a name cannot be one, or the database fails.
    pub async fn add_tag(&self, pacticipant: &str, number: &str, tag: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        tx.version(pacticipant, number, None).await?;
        tx.tag(pacticipant, number, tag).await?;
        tx.commit().await
    }

    /// Versions of a pacticipant, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn versions(&self, pacticipant: &str) -> Result<Vec<String>, BrokerError> {
        let select = "SELECT number FROM versions WHERE pacticipant = $1 ORDER BY position DESC";
        let rows = sqlx::query(select).bind(pacticipant).fetch_all(self.pool()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Its branches with the version at the head of each, the branch that moved last first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn branches(&self, pacticipant: &str) -> Result<Vec<(String, String)>, BrokerError> {
        self.heads(
            "SELECT branch, number FROM branch_versions WHERE pacticipant = $1 ORDER BY position DESC",
            pacticipant,
        )
        .await
    }

    /// Its tags with the version that got each last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tags(&self, pacticipant: &str) -> Result<Vec<(String, String)>, BrokerError> {
        self.heads("SELECT tag, number FROM tags WHERE pacticipant = $1 ORDER BY position DESC", pacticipant).await
    }

    /// Branches and tags of each of its versions that has any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn marks(&self, pacticipant: &str) -> Result<BTreeMap<String, Marks>, BrokerError> {
        let select = "SELECT number, branch AS name, 1 AS kind FROM branch_versions WHERE pacticipant = $1 \
                      UNION ALL SELECT number, tag AS name, 2 AS kind FROM tags WHERE pacticipant = $1 ORDER BY name";
        let mut marks: BTreeMap<String, Marks> = BTreeMap::new();
        for row in sqlx::query(select).bind(pacticipant).fetch_all(self.pool()).await? {
            let (number, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let marks = marks.entry(number).or_default();
            // A literal is an INT4 to PostgreSQL and an INTEGER of any size to SQLite.
            let branch = row.try_get::<i64, _>(2).or_else(|_| row.try_get::<i32, _>(2).map(i64::from))? == 1;
            if branch { marks.branches.push(name) } else { marks.tags.push(name) }
        }
        Ok(marks)
    }

    async fn heads(&self, select: &'static str, pacticipant: &str) -> Result<Vec<(String, String)>, BrokerError> {
        let mut heads: Vec<(String, String)> = Vec::new();
        for row in sqlx::query(select).bind(pacticipant).fetch_all(self.pool()).await? {
            let name: String = row.try_get(0)?;
            if heads.iter().all(|(known, _)| *known != name) {
                heads.push((name, row.try_get(1)?));
            }
        }
        Ok(heads)
    }

    /// The branch that counts as main: the one that was set, or else the first of `main`, `master` and `develop` that has
    /// versions.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn main_branch(&self, pacticipant: &str) -> Result<Option<String>, BrokerError> {
        match self.pacticipant(pacticipant).await {
            Ok(Pacticipant { main_branch: Some(branch), .. }) => return Ok(Some(branch)),
            Ok(_) | Err(BrokerError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let branches = self.branches(pacticipant).await?;
        let known = |name: &&str| branches.iter().any(|(branch, _)| branch == name);
        Ok(["main", "master", "develop"].into_iter().find(known).map(str::to_owned))
    }
}
