//! Pacts on disk.

use contracts::drift::Change;
use contracts::store::{drift, load_dir, load_file};
use serde_json::{Value, json};

use crate::shop::{document, order, paid, write};

#[test]
fn directory_is_read_with_its_subdirectories_and_without_hidden_files() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.json", &document(json!([order()])));
    let mut other = document(json!([paid()]));
    other["consumer"]["name"] = json!("accounts");
    write(dir.path(), "deep/er/b.json", &other);
    write(dir.path(), ".hidden/c.json", &json!("not a pact"));
    write(dir.path(), "notes.txt", &json!("not a pact"));
    let pacts = load_dir(dir.path()).unwrap();
    let found: Vec<_> = pacts.iter().map(|pact| (pact.consumer.as_str(), pact.interactions.len())).collect();
    assert_eq!(found, [("accounts", 1), ("mail", 1)]);
}

#[test]
fn every_bad_file_is_named_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "good.json", &document(json!([order()])));
    std::fs::write(dir.path().join("broken.json"), "{ not json").unwrap();
    write(dir.path(), "list.json", &json!([]));
    let mut nameless = document(json!([]));
    nameless["provider"] = json!({});
    write(dir.path(), "nameless.json", &nameless);
    write(dir.path(), "described.json", &document(json!([{ "type": "Synchronous/HTTP" }])));
    let mut unknown = order();
    unknown["type"] = json!("Carrier/Pigeon");
    write(dir.path(), "unknown.json", &document(json!([unknown])));
    let mut states = order();
    states["providerStates"] = json!(["an order exists"]);
    write(dir.path(), "states.json", &document(json!([states])));
    let error = load_dir(dir.path()).unwrap_err().to_string();
    let lines: Vec<String> =
        error.lines().map(|line| line.replace(&format!("{}/", dir.path().display()), "")).collect();
    assert_eq!(lines.len(), 6, "{error}");
    assert!(lines[0].starts_with("`broken.json` is not JSON: key must be a string at line 1"), "{error}");
    assert_eq!(
        lines[1],
        "`described.json` is not a usable pact: `interactions[0]` has no `description`, expected a text that is unique with its states"
    );
    assert_eq!(
        lines[2],
        "`list.json` is not a usable pact: `consumer.name` is missing, expected the name of the consumer"
    );
    assert_eq!(
        lines[3],
        "`nameless.json` is not a usable pact: `provider.name` is missing, expected the name of the provider"
    );
    assert!(
        lines[4].starts_with("`states.json` is not a usable pact: `interactions[0]` has `providerStates`"),
        "{error}"
    );
    assert!(lines[5].starts_with("`unknown.json` is not a usable pact: "), "{error}");
}

#[test]
fn pact_that_needs_a_plugin_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut with_plugin = document(json!([order()]));
    with_plugin["metadata"]["plugins"] = json!([{ "name": "protobuf", "version": "0.3.0" }]);
    let path = write(dir.path(), "p.json", &with_plugin);
    let error = load_file(&path).unwrap_err().to_string();
    assert!(error.contains("p.json` needs the Pact plugin `protobuf`"), "{error}");
    let mut hidden = order();
    hidden["pluginConfiguration"] = json!({ "avro": {} });
    let path = write(dir.path(), "q.json", &document(json!([hidden])));
    assert!(load_file(&path).unwrap_err().to_string().contains("`avro`"));
}

#[test]
fn empty_and_missing_directories_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    assert!(load_dir(dir.path()).unwrap_err().to_string().contains("it holds no `*.json`"));
    let missing = load_dir(&dir.path().join("missing")).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read `"), "{missing}");
}

#[test]
fn two_files_that_contradict_each_other_are_an_error_naming_both() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "one.json", &document(json!([order()])));
    write(dir.path(), "same.json", &document(json!([order()])));
    assert_eq!(load_dir(dir.path()).unwrap().len(), 2);
    let mut other = order();
    other["response"]["status"] = json!(201);
    write(dir.path(), "two.json", &document(json!([other])));
    let error = load_dir(dir.path()).unwrap_err().to_string();
    assert!(error.contains("`the order` is recorded twice for `mail` -> `shop`"), "{error}");
    assert!(
        error.contains("at `$.response.status`")
            && error.contains("same.json` (200)")
            && error.contains("two.json` (201)"),
        "{error}"
    );
}

#[test]
fn hash_is_of_the_content_whatever_its_layout() {
    let dir = tempfile::tempdir().unwrap();
    let one = write(dir.path(), "one.json", &document(json!([order(), paid()])));
    let mut fetched = order();
    fetched["_id"] = json!("abc");
    let other = dir.path().join("other.json");
    std::fs::write(&other, format!("{:#}", document(json!([paid(), fetched])))).unwrap();
    let changed = write(dir.path(), "changed.json", &document(json!([order()])));
    let hash = |path| load_file(path).unwrap().hash;
    assert_eq!(hash(&one), hash(&other));
    assert_ne!(hash(&one), hash(&changed));
    assert_eq!(hash(&one).len(), 64);
}

#[test]
fn drift_names_what_was_added_removed_and_changed() {
    let dir = tempfile::tempdir().unwrap();
    let load = |name: &str, interactions: Value| load_file(&write(dir.path(), name, &document(interactions))).unwrap();
    let mut changed = order();
    changed["response"]["body"]["content"]["total"] = json!(5);
    let mut gone = order();
    gone["description"] = json!("a lost order");
    gone["providerStates"] = json!([{ "name": "all is lost" }]);
    let committed = [load("committed.json", json!([order(), gone]))];
    let recorded = [load("recorded.json", json!([changed, paid()]))];
    assert!(drift(&committed, &committed).is_empty());
    let found: Vec<String> = drift(&recorded, &committed).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "`mail` -> `shop`: `a lost order` (given all is lost) is committed but no longer recorded",
            "`mail` -> `shop`: `an order was paid` is recorded but not committed",
            "`mail` -> `shop`: `the order` differs at `$.response.body.content.total`: recorded 5, committed 1200",
        ]
    );
    assert_eq!(drift(&recorded, &[]).iter().filter(|each| each.change == Change::Added).count(), 2);
}
