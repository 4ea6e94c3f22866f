//! The committed pacts are those that the consumers record now.

use std::path::{Path, PathBuf};

use contracts::consumer::Recorder;
use contracts::store::{drift, load_dir};

use super::{
    gateway_auth, gateway_chat, gateway_gig, gateway_order, gateway_review, gateway_users, gig_users,
    notification_auth, notification_chat, notification_order, operator, order_review, users_auth, users_gig,
    users_order, users_review, web,
};

async fn record_everything(dir: &Path) -> Result<(), contracts::Error> {
    let recorder = Recorder::into_dir(dir);
    gateway_auth::record(&recorder).await?;
    gateway_chat::record(&recorder).await?;
    gateway_gig::record(&recorder).await?;
    gateway_order::record(&recorder).await?;
    gateway_review::record(&recorder).await?;
    gateway_users::record(&recorder).await?;
    gig_users::record(&recorder).await?;
    notification_auth::record(&recorder).await?;
    notification_chat::record(&recorder).await?;
    notification_order::record(&recorder).await?;
    operator::record(&recorder).await?;
    order_review::record(&recorder).await?;
    users_auth::record(&recorder).await?;
    users_gig::record(&recorder).await?;
    users_order::record(&recorder).await?;
    users_review::record(&recorder).await?;
    web::record(&recorder).await?;
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

/// Everything at once, the last first, each part as a process of its own would: with a recorder that knows no other.
async fn record_everything_at_once(dir: &Path) -> Result<(), contracts::Error> {
    let recorders = [(); 16].map(|()| Recorder::into_dir(dir));
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = &recorders;
    tokio::try_join!(
        web::record(a),
        users_review::record(b),
        users_order::record(c),
        users_gig::record(d),
        users_auth::record(e),
        order_review::record(f),
        operator::record(g),
        notification_order::record(h),
        notification_chat::record(i),
        notification_auth::record(j),
        gig_users::record(k),
        gateway_users::record(l),
        gateway_review::record(m),
        gateway_order::record(n),
        gateway_gig::record(o),
        async {
            gateway_chat::record(p).await?;
            gateway_auth::record(p).await
        },
    )?;
    Ok(())
}

#[tokio::test]
async fn recording_everything_at_once_gives_the_same_bytes() {
    let (in_order, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorded = record_everything(in_order.path()).await;
    if let Err(error) = recorded.and(record_everything_at_once(at_once.path()).await) {
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
    if let Err(error) = record_everything(recorded.path()).await {
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
