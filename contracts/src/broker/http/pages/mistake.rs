//! What went wrong, on a page for whoever reads in a browser.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use maud::html;
use serde_json::Value;

use super::accept::Reader;
use super::shell;
use crate::broker::http::Links;

/// Most bytes of an error.
const MOST: usize = 64 * 1024;

/// Shows refusals as pages to people. Whoever is asked for a password is asked for it all the same.
pub(in crate::broker::http) async fn for_people(
    links: Links,
    reader: Reader,
    request: Request<Body>,
    next: Next,
) -> Response {
    let answer = next.run(request).await;
    if reader == Reader::Program || !(answer.status().is_client_error() || answer.status().is_server_error()) {
        return answer;
    }
    let (head, body) = answer.into_parts();
    let said: Value = match to_bytes(body, MOST).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let said = said["errors"][0].as_str().unwrap_or("this cannot be shown");
    let body = html! {
        h1 { (head.status.canonical_reason().unwrap_or("Error")) }
        div.panel { p { (said) } }
    };
    let mut page = shell::page(&links, head.status, "Contract broker", &html! {}, &body);
    for name in [axum::http::header::WWW_AUTHENTICATE, axum::http::header::ALLOW] {
        if let Some(value) = head.headers.get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}
