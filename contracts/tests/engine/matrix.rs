//! Results of a whole system.

use contracts::matrix::Matrix;
use contracts::result::{ContractsResult, Verdict};
use serde_json::json;

use crate::shop::{Shop, order, pact, paid, reply};

fn half_right() -> axum::response::Response {
    reply(200, &[("x-page", "1")], &json!({ "total": 1, "currency": "USD", "lines": [{ "title": "a" }] }))
}

#[tokio::test]
async fn matrix_shows_every_pair_with_its_versions() {
    let mut shop = Shop::start(half_right).await;
    shop.provider.version = "0123456789abcdef".into();
    let mut pacts = vec![pact(json!([order(), paid()]))];
    pacts[0].hash = "feedc0de00".into();
    let verification = shop.verify(&pacts).await;
    let result = ContractsResult::new(&pacts, &[verification]);
    assert_eq!((result.verdict, result.expected, result.verified), (Verdict::Fail, 2, 1));
    assert_eq!(
        result.matrix.to_string(),
        "\
CONSUMER  EXPECTS   PROVIDER  VERSION   HTTP  MESSAGES  VERIFIED  VERDICT
mail      feedc0de  shop      01234567     1         1       1/2  fail
  not verified: an order was paid
"
    );
    assert_eq!(Matrix::from(&result), result.matrix);
    assert!(result.failed[0].starts_with("fail `mail` -> `shop`: `an order was paid`; "), "{:?}", result.failed);
}

#[tokio::test]
async fn provider_that_was_left_out_fails_the_whole() {
    let shop = Shop::start(half_right).await;
    let mut other = crate::shop::document(json!([paid()]));
    other["provider"]["name"] = json!("stock");
    let dir = tempfile::tempdir().unwrap();
    let path = crate::shop::write(dir.path(), "x.json", &other);
    let pacts = [pact(json!([order()])), contracts::store::load_file(&path).unwrap()];
    let verification = shop.verify(&pacts).await;
    assert_eq!(verification.verdict, Verdict::Pass, "{verification:?}");
    let result = ContractsResult::new(&pacts, &[verification]);
    assert_eq!((result.verdict, result.expected, result.verified), (Verdict::Fail, 2, 1));
    assert_eq!(result.failed, ["fail `mail` -> `stock`: `an order was paid`; not replayed on provider `stock`"]);
}

#[test]
fn nothing_at_all_fails() {
    let result = ContractsResult::new(&[], &[]);
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(result.failed, ["no interaction was expected: nothing was verified"]);
}

#[tokio::test]
async fn result_survives_json() {
    let shop = Shop::start(half_right).await;
    let pacts = [pact(json!([order(), paid()]))];
    let result = ContractsResult::new(&pacts, &[shop.verify(&pacts).await]);
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(json["verdict"], "fail");
    assert_eq!(json["interactions"][1]["kind"], "http");
    assert_eq!(json["interactions"][0]["mismatches"][0]["part"], "metadata");
    assert_eq!(serde_json::from_value::<ContractsResult>(json).unwrap(), result);
}
