//! Who reads: a person with a browser, or a program.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;

/// Who reads the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker::http) enum Reader {
    /// A browser.
    Person,
    /// Everything else, above all the official clients.
    Program,
}

impl Reader {
    /// Who sent this: a browser prefers HTML to JSON, and says so; a program that takes anything gets JSON.
    pub(in crate::broker::http) fn of(headers: &HeaderMap) -> Self {
        let accepted: Vec<&str> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let wish = |kind: &str| {
            let named = accepted.iter().filter_map(|range| weight(range, kind)).max();
            named.unwrap_or_default().1
        };
        let html = wish("text/html");
        if html > wish("application/hal+json") && html > wish("application/json") {
            Self::Person
        } else {
            Self::Program
        }
    }
}

/// How closely a range such as `text/*;q=0.8` names `kind`, and how much it is wished for, in thousandths.
fn weight(range: &str, kind: &str) -> Option<(u8, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let (main, _) = kind.split_once('/')?;
    let closeness = match name.as_str() {
        "*/*" => 0,
        name if name == kind => 2,
        name if name.strip_suffix("/*") == Some(main) => 1,
        _ => return None,
    };
    let q = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
    // Between 0 and 1000, so it fits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some((closeness, (q.clamp(0.0, 1.0) * 1000.0) as u16))
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(accept: &str) -> Reader {
        let mut headers = HeaderMap::new();
        if let Ok(value) = accept.parse() {
            headers.insert(ACCEPT, value);
        }
        Reader::of(&headers)
    }

    #[test]
    fn browsers_get_pages_and_programs_documents() {
        for browser in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
            "text/html",
            "text/html;q=0.9, application/json;q=0.5",
            "text/*",
        ] {
            assert_eq!(reader(browser), Reader::Person, "{browser}");
        }
        for program in [
            "",
            "*/*",
            "application/hal+json",
            "application/hal+json, application/json, */*; q=0.1",
            "application/json, text/plain, */*",
            "text/html;q=0.5, application/hal+json",
            "text/html, application/json",
            "text/html;q=0, */*",
        ] {
            assert_eq!(reader(program), Reader::Program, "{program}");
        }
    }

    proptest! {
        #[test]
        fn any_header_has_a_reader(accept in "[ -~]{0,60}") {
            reader(&accept);
        }
    }
}
