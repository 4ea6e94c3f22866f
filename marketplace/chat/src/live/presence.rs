//! Rows of who has an open socket on which gateway.

use std::collections::{BTreeSet, HashSet};

use platform::{Database, Tx};

/// Makes `usernames` the people of `gateway`.
pub(super) async fn sync(
    database: &Database,
    gateway: &str,
    usernames: &[String],
    now: i64,
) -> Result<(), sqlx::Error> {
    let mut tx = database.begin().await?;
    sqlx::query("INSERT INTO gateways (id, seen_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seen_at = $2")
        .bind(gateway)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    let known: Vec<(String,)> =
        sqlx::query_as("SELECT username FROM presence WHERE gateway = $1").bind(gateway).fetch_all(&mut *tx).await?;
    let known: HashSet<String> = known.into_iter().map(|(username,)| username).collect();
    let online: HashSet<&String> = usernames.iter().collect();
    let came = online.iter().filter(|username| !known.contains(**username)).map(|username| username.as_str());
    let went = known.iter().filter(|username| !online.contains(username)).map(String::as_str);
    apply(&mut tx, gateway, came, went).await?;
    tx.commit().await
}

/// Adds and removes people of `gateway`.
pub(super) async fn change(
    database: &Database,
    gateway: &str,
    online: &[String],
    offline: &[String],
) -> Result<(), sqlx::Error> {
    let mut tx = database.begin().await?;
    apply(&mut tx, gateway, online.iter().map(String::as_str), offline.iter().map(String::as_str)).await?;
    tx.commit().await
}

async fn apply(
    tx: &mut Tx,
    gateway: &str,
    online: impl Iterator<Item = &str>,
    offline: impl Iterator<Item = &str>,
) -> Result<(), sqlx::Error> {
    let mut changes = 0;
    for username in online {
        let sql = "INSERT INTO presence (gateway, username) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        changes += sqlx::query(sql).bind(gateway).bind(username).execute(&mut **tx).await?.rows_affected();
    }
    for username in offline {
        let sql = "DELETE FROM presence WHERE gateway = $1 AND username = $2";
        changes += sqlx::query(sql).bind(gateway).bind(username).execute(&mut **tx).await?.rows_affected();
    }
    if changes > 0 { count(tx).await } else { Ok(()) }
}

/// Counts one more change.
async fn count(tx: &mut Tx) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE presence_version SET version = version + 1 WHERE id = 1").execute(&mut **tx).await.map(drop)
}

/// Notes that `gateway` is alive; false when it had been given up.
pub(super) async fn seen(database: &Database, gateway: &str, now: i64) -> Result<bool, sqlx::Error> {
    let mut tx = database.begin().await?;
    let done =
        sqlx::query("UPDATE gateways SET seen_at = $2 WHERE id = $1").bind(gateway).bind(now).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected() > 0)
}

/// Removes `gateway`, which says that it goes.
pub(super) async fn leave(database: &Database, gateway: &str) -> Result<(), sqlx::Error> {
    let mut tx = database.begin().await?;
    sqlx::query("DELETE FROM gateways WHERE id = $1").bind(gateway).execute(&mut *tx).await?;
    remove_orphans(&mut tx).await?;
    tx.commit().await
}

/// Removes gateways that were not seen since `oldest`; returns how many.
pub(super) async fn expire(database: &Database, oldest: i64) -> Result<u64, sqlx::Error> {
    let dead: Option<(String,)> = sqlx::query_as("SELECT id FROM gateways WHERE seen_at < $1 LIMIT 1")
        .bind(oldest)
        .fetch_optional(database.pool())
        .await?;
    // Looked up first, so that nobody waits for a write lock that is not needed.
    if dead.is_none() {
        return Ok(0);
    }
    let mut tx = database.begin().await?;
    let done = sqlx::query("DELETE FROM gateways WHERE seen_at < $1").bind(oldest).execute(&mut *tx).await?;
    remove_orphans(&mut tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

async fn remove_orphans(tx: &mut Tx) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM presence WHERE gateway NOT IN (SELECT id FROM gateways)";
    let gone = sqlx::query(sql).execute(&mut **tx).await?.rows_affected();
    if gone > 0 { count(tx).await } else { Ok(()) }
}

/// Number of changes so far.
pub(super) async fn version(database: &Database) -> Result<i64, sqlx::Error> {
    let (version,): (i64,) =
        sqlx::query_as("SELECT version FROM presence_version WHERE id = 1").fetch_one(database.pool()).await?;
    Ok(version)
}

/// Everybody who is online. What a gateway said after it had been given up does not count: it must sync again.
pub(super) async fn online(database: &Database) -> Result<BTreeSet<String>, sqlx::Error> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT DISTINCT username FROM presence WHERE gateway IN (SELECT id FROM gateways)")
            .fetch_all(database.pool())
            .await?;
    Ok(rows.into_iter().map(|(username,)| username).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::testing;

    async fn names(database: &Database) -> Vec<String> {
        online(database).await.unwrap().into_iter().collect()
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[tokio::test]
    async fn person_is_online_while_any_gateway_has_them() {
        let (database, _guard) = testing::database(crate::SCHEMA).await.unwrap();
        sync(&database, "g-1", &list(&["ada", "bob"]), 10).await.unwrap();
        sync(&database, "g-2", &list(&["ada"]), 10).await.unwrap();
        change(&database, "g-1", &[], &list(&["ada"])).await.unwrap();
        assert_eq!(names(&database).await, ["ada", "bob"]);
        change(&database, "g-2", &list(&["eve"]), &list(&["ada"])).await.unwrap();
        assert_eq!(names(&database).await, ["bob", "eve"]);
        sync(&database, "g-1", &list(&["ada"]), 11).await.unwrap();
        assert_eq!(names(&database).await, ["ada", "eve"]);
        leave(&database, "g-1").await.unwrap();
        assert_eq!(names(&database).await, ["eve"]);
    }

    #[tokio::test]
    async fn dead_gateway_takes_its_people_along() {
        let (database, _guard) = testing::database(crate::SCHEMA).await.unwrap();
        sync(&database, "g-1", &list(&["ada"]), 10).await.unwrap();
        sync(&database, "g-2", &list(&["bob"]), 10).await.unwrap();
        assert!(seen(&database, "g-2", 20).await.unwrap());
        assert_eq!(expire(&database, 15).await.unwrap(), 1);
        assert_eq!(names(&database).await, ["bob"]);
        change(&database, "g-1", &list(&["eve"]), &[]).await.unwrap();
        assert_eq!(names(&database).await, ["bob"]);
        assert!(!seen(&database, "g-1", 20).await.unwrap(), "it must sync again");
        assert_eq!(expire(&database, 15).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn only_changes_are_counted() {
        let (database, _guard) = testing::database(crate::SCHEMA).await.unwrap();
        sync(&database, "g-1", &list(&["ada"]), 10).await.unwrap();
        let before = version(&database).await.unwrap();
        sync(&database, "g-1", &list(&["ada"]), 11).await.unwrap();
        change(&database, "g-1", &list(&["ada"]), &list(&["bob"])).await.unwrap();
        assert_eq!(version(&database).await.unwrap(), before);
        change(&database, "g-1", &[], &list(&["ada"])).await.unwrap();
        assert_eq!(version(&database).await.unwrap(), before + 1);
    }
}
