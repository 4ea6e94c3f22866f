//! The committed pacts are those that the consumers record now.

use std::path::{Path, PathBuf};

use contracts::consumer::Recorder;
use contracts::store::{drift, load_dir};
use tokio::task::JoinSet;

use super::{
    Expectation, gateway_auth, gateway_chat, gateway_gig, gateway_order, gateway_review, gateway_users, gig_users,
    notification_auth, notification_chat, notification_order, operator, order_review, users_auth, users_gig,
    users_order, users_review, web,
};

fn everything() -> Vec<Expectation> {
    let modules = [
        gateway_auth::all(),
        gateway_chat::all(),
        gateway_gig::all(),
        gateway_order::all(),
        gateway_review::all(),
        gateway_users::all(),
        gig_users::all(),
        notification_auth::all(),
        notification_chat::all(),
        notification_order::all(),
        operator::all(),
        order_review::all(),
        users_auth::all(),
        users_gig::all(),
        users_order::all(),
        users_review::all(),
        web::all(),
    ];
    modules.into_iter().flatten().collect()
}

/// One after the other.
async fn record_in_order(dir: &Path) -> Result<(), contracts::Error> {
    let recorder = Recorder::into_dir(dir);
    for expectation in everything() {
        expectation(&recorder).await?;
    }
    Ok(())
}

/// Expectations that are recorded at once: more would keep clients waiting for longer than they are patient.
const AT_ONCE: usize = 8;

/// Many at once, the last first, each as a process of its own would: with a recorder that knows of no other.
async fn record_at_once(dir: &Path) -> Result<(), contracts::Error> {
    let mut running = JoinSet::new();
    for expectation in everything().into_iter().rev() {
        let recorder = Recorder::into_dir(dir);
        running.spawn(async move { expectation(&recorder).await });
        if running.len() == AT_ONCE
            && let Some(recorded) = running.join_next().await
        {
            recorded.unwrap()?;
        }
    }
    while let Some(recorded) = running.join_next().await {
        recorded.unwrap()?;
    }
    Ok(())
}

fn files(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_name().unwrap().into(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recording_in_any_order_and_at_once_gives_the_same_bytes() {
    let (in_order, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorded = record_in_order(in_order.path()).await;
    if let Err(error) = recorded.and(record_at_once(at_once.path()).await) {
        panic!("{error}");
    }
    let (in_order, at_once) = (files(in_order.path()), files(at_once.path()));
    for (one, other) in in_order.iter().zip(&at_once) {
        assert_eq!(one.0, other.0);
        assert!(one.1 == other.1, "`{}` has other bytes when everything is recorded at once", one.0.display());
    }
    assert_eq!(in_order.len(), at_once.len());
}

#[tokio::test]
async fn committed_pacts_are_the_recorded_ones() {
    let recorded = tempfile::tempdir().unwrap();
    if let Err(error) = record_in_order(recorded.path()).await {
        panic!("{error}");
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("pacts");
    if std::env::var_os("UPDATE_PACTS").is_some() {
        for (name, _) in files(&committed) {
            std::fs::remove_file(committed.join(name)).unwrap();
        }
        std::fs::create_dir_all(&committed).unwrap();
        for (name, text) in files(recorded.path()) {
            std::fs::write(committed.join(name), text).unwrap();
        }
    }
    let drift: Vec<String> = drift(&load_dir(recorded.path()).unwrap(), &load_dir(&committed).unwrap())
        .iter()
        .map(ToString::to_string)
        .collect();
    let hint = "look at what changed, then run: UPDATE_PACTS=1 cargo test -p contracts --test consumer";
    assert!(drift.is_empty(), "{}\n{hint}", drift.join("\n"));
    assert_eq!(files(&committed), files(recorded.path()), "same content, other bytes; {hint}");
}
