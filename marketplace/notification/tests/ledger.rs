//! What is known of mails after the process that sent them is gone.

use backends::Pair;
use notification::ledger::{Ledger, SCHEMA};
use platform::Database;

/// A ledger as a process that just started has it.
async fn started(url: &str) -> Ledger {
    Ledger::new(Database::open(url, SCHEMA).await.unwrap())
}

async fn mail_that_was_sent_is_not_sent_by_the_next_process(pair: Pair) {
    let place = pair.database().await;
    let ledger = started(place.url()).await;
    assert!(ledger.begin("1.buyer@marketplace").await.unwrap());
    ledger.sent("1.buyer@marketplace").await.unwrap();
    let next = started(place.url()).await;
    assert!(!next.begin("1.buyer@marketplace").await.unwrap());
    assert!(next.begin("1.seller@marketplace").await.unwrap(), "the other recipient still gets theirs");
}

async fn mail_that_was_cut_off_is_sent_again_and_known_for_it(pair: Pair) {
    let place = pair.database().await;
    assert!(started(place.url()).await.begin("1.buyer@marketplace").await.unwrap());
    let database = Database::open(place.url(), SCHEMA).await.unwrap();
    assert!(Ledger::new(database.clone()).begin("1.buyer@marketplace").await.unwrap());
    let attempts: i64 = sqlx::query_scalar("SELECT attempts FROM mails").fetch_one(database.pool()).await.unwrap();
    assert_eq!(attempts, 2);
}

backends::on_each_pair!(
    mail_that_was_sent_is_not_sent_by_the_next_process,
    mail_that_was_cut_off_is_sent_again_and_known_for_it,
);
