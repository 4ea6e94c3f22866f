//! `contract coverage` and `contract diff` on a shop with one document and one pact.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Ended, Program};

fn document(properties: Value) -> Value {
    let schema = json!({ "type": "object", "properties": properties });
    let content = json!({ "application/json": { "schema": schema } });
    let read = json!({ "get": { "responses": { "200": { "content": content } } } });
    json!({ "openapi": "3.1.0", "info": { "title": "shop" }, "paths": { "/things/{id}": read, "/health": read } })
}

fn write(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).expect("written");
}

/// A directory with a configuration, a document, the pact of `web`, and further versions of the document.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("pacts")).expect("made");
    let interaction = json!({
        "type": "Synchronous/HTTP", "description": "reading a thing",
        "request": { "method": "GET", "path": "/things/7" },
        "response": {
            "status": 200,
            "body": { "content": { "price": 3 }, "contentType": "application/json", "encoded": false },
        },
    });
    write(
        &at("pacts/web-shop.json"),
        &json!({
            "consumer": { "name": "web" }, "provider": { "name": "shop" }, "interactions": [interaction],
            "metadata": { "pactSpecification": { "version": "4.0" } },
        }),
    );
    write(&at("shop.json"), &document(json!({ "price": { "type": "integer" }, "tax": {} })));
    write(&at("taxless.json"), &document(json!({ "price": { "type": "integer" } })));
    write(&at("priceless.json"), &document(json!({ "cost": { "type": "integer" }, "tax": {} })));
    let config = "[system]\nname = \"shop\"\nentry = \"web\"\n[services.web]\ncommand = [\"true\"]\n\
                  ready = { tcp = true }\n\
                  [contracts]\npacts = \"pacts\"\n[contracts.documents]\nshop = [\"shop.json\"]\n";
    fs::write(at("shakedown.toml"), config).expect("written");
    dir
}

fn contract<const N: usize>(dir: TempDir, words: [&str; N]) -> Ended {
    let config = dir.path().join("shakedown.toml");
    Program::within(dir).config(&config).args(["contract"]).args(words).run()
}

#[test]
fn coverage_counts_what_the_pacts_use_and_fails_below_what_is_asked() {
    let ended = contract(shop(), ["coverage", "--format", "json", "--min-operations", "50"]);
    ended.expect_code(0);
    let result: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(result["operations"], json!({ "covered": 1, "total": 2, "uncovered": ["shop GET /health"] }));
    assert_eq!(result["events"], json!({ "covered": 0, "total": 0, "uncovered": [] }));
    assert_eq!(result["providers"][0]["fields"]["uncovered"], json!(["GET /things/{id} 200: $.tax"]));
    let ended = contract(shop(), ["coverage", "--min-operations", "51"]);
    ended.expect_code(1);
    let verdict = "Failed: 1 of 2 operations are covered, expected at least 51 %";
    assert!(ended.stdout.trim_end().ends_with(verdict), "{}", ended.stdout);
    let ended = contract(shop(), ["coverage", "--min-events", "100"]);
    ended.expect_code(1);
    assert!(ended.stdout.contains("the documents promise no events"), "{}", ended.stdout);
}

#[test]
fn coverage_fails_where_a_pact_expects_what_no_document_promises() {
    let dir = shop();
    fs::copy(dir.path().join("priceless.json"), dir.path().join("shop.json")).expect("copied");
    let ended = contract(dir, ["coverage"]);
    ended.expect_code(1);
    let problem = "web-shop.json: `reading a thing`: response body `$.price`: the document promises no such field";
    assert!(ended.stdout.contains(problem), "{}", ended.stdout);
}

#[test]
fn coverage_without_documents_or_with_a_broken_one_is_a_mistake_of_the_configuration() {
    let dir = shop();
    fs::write(dir.path().join("shop.json"), "{").expect("written");
    contract(dir, ["coverage"]).expect_code(2).expect_no_result().expect_said(&["shop.json", "it is not JSON"]);
    let dir = shop();
    let config = dir.path().join("shakedown.toml");
    let text = fs::read_to_string(&config).expect("read").replace("shop = [\"shop.json\"]", "");
    fs::write(&config, text).expect("written");
    contract(dir, ["coverage"]).expect_code(2).expect_no_result().expect_said(&["no `[contracts.documents]`"]);
}

#[test]
fn diff_weighs_changes_by_what_the_pacts_use() {
    let ended = contract(shop(), ["diff", "shop.json", "taxless.json"]);
    ended.expect_code(0);
    assert!(ended.stdout.trim_end().ends_with("Passed: 2 warnings, no error"), "{}", ended.stdout);
    let ended = contract(shop(), ["diff", "shop.json", "priceless.json", "--format", "json"]);
    ended.expect_code(1);
    let result: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&result["passed"], &result["errors"], &result["warnings"]), (&json!(false), &json!(1), &json!(1)));
    assert_eq!(result["findings"][0]["rule"], "response-property-removed");
    assert_eq!(result["findings"][0]["used_by"][0]["consumer"], "web");
}

#[test]
fn diff_without_pacts_counts_everything_as_used() {
    let dir = shop();
    fs::remove_file(dir.path().join("shakedown.toml")).expect("removed");
    let ended = contract(dir, ["diff", "shop.json", "taxless.json"]);
    ended.expect_code(1);
    assert!(ended.stdout.starts_with("Without pacts, everything counts as used"), "{}", ended.stdout);
}

#[test]
fn diff_guesses_no_provider() {
    let dir = shop();
    for name in ["shop.json", "taxless.json"] {
        let path = dir.path().join(name);
        let text = fs::read_to_string(&path).expect("read").replace("\"title\":\"shop\"", "\"title\":\"Shop API\"");
        fs::write(dir.path().join(format!("copy-{name}")), text).expect("written");
    }
    let words = ["diff", "copy-shop.json", "copy-taxless.json"];
    contract(dir, words).expect_code(2).expect_no_result().expect_said(&["--provider NAME"]);
}

#[test]
fn rules_explain_themselves() {
    let ended = Program::new().args(["contract", "diff", "--explain", "response-property-removed"]).run();
    ended.expect_code(0);
    assert!(ended.stdout.contains("Go on sending it beside its successor"), "{}", ended.stdout);
    let ended = Program::new().args(["contract", "diff", "--explain", "no-such-rule"]).run();
    ended.expect_code(2).expect_no_result().expect_said(&["no rule named `no-such-rule`", "response-property-removed"]);
}
