//! Tables from JSON documents that services serve.

use std::collections::BTreeMap;
use std::time::Duration;

use chaos::invariants::Row;
use reqwest::Client;
use serde_json::Value;

use super::{Reason, pick};

/// Time for one document.
const ANSWER: Duration = Duration::from_secs(10);
/// Largest document that is read, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;

pub(super) fn client() -> Result<Client, Reason> {
    // Services are asked directly, whatever proxy the environment names.
    let client = Client::builder().no_proxy().timeout(ANSWER).build();
    client.map_err(|source| Reason::Http { url: "no address yet".to_owned(), source })
}

/// The rows of a document at `url`: the array at the pointer `rows`, of each element the values at `columns`.
pub(super) async fn rows(
    client: &Client,
    url: &str,
    headers: &[(String, String)],
    rows: &str,
    columns: &BTreeMap<String, String>,
) -> Result<Vec<Row>, Reason> {
    let failed = |source| Reason::Http { url: url.to_owned(), source };
    let answer =
        |found: String, expected: &str| Reason::Answer { url: url.to_owned(), found, expected: expected.to_owned() };
    let mut request = client.get(url).header("accept", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(answer(format!("more than {LARGEST} bytes"), "less"));
        }
    }
    if !status.is_success() {
        let body: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        return Err(answer(format!("{status} {body}"), "200"));
    }
    let document: Value =
        serde_json::from_slice(&body).map_err(|error| answer(format!("no JSON ({error})"), "a JSON document"))?;
    table(&document, rows, columns).map_err(|expected| answer("something else".to_owned(), &expected))
}

fn table(document: &Value, rows: &str, columns: &BTreeMap<String, String>) -> Result<Vec<Row>, String> {
    let place = if rows.is_empty() { "an array".to_owned() } else { format!("an array at `{rows}`") };
    let array = document.pointer(rows).and_then(Value::as_array).ok_or(place)?;
    array
        .iter()
        .map(|row| match row {
            _ if !columns.is_empty() => Ok(pick(row, columns)),
            Value::Object(row) => Ok(row.clone()),
            _ => Err("objects as rows, or `columns` that say where the values are".to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_found_by_pointer() {
        let document = json!({ "entries": [{ "id": 1, "metadata": { "order": "o" } }, { "id": 2 }] });
        let columns = BTreeMap::from([("order".to_owned(), "/metadata/order".to_owned())]);
        let picked = table(&document, "/entries", &columns).expect("rows");
        assert_eq!(json!(picked), json!([{ "order": "o" }, { "order": null }]));
        assert_eq!(json!(table(&document, "/entries", &BTreeMap::new()).expect("rows")), document["entries"]);
        assert_eq!(table(&document, "/nothing", &columns), Err("an array at `/nothing`".to_owned()));
        assert!(table(&json!([1]), "", &BTreeMap::new()).is_err());
        assert_eq!(table(&json!([]), "", &BTreeMap::new()), Ok(Vec::new()));
    }
}
