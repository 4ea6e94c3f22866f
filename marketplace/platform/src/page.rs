//! One page of a list, newest first: `?before=<id>&size=<number>`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::error::ApiError;
use crate::extract::Query;

/// Most entries of a page, and their number when none is asked for.
const MOST: i64 = 200;

/// Longest id in a query, in bytes.
const MAX_ID: usize = 64;

/// Which part of a list a request asks for; other parameters of its query are for others to read.
///
/// As an extractor it refuses (400 `invalid_page`) a size out of range and an id that is none.
///
/// # Examples
///
/// ```
/// use platform::Page;
///
/// async fn lamps(page: Page) -> String {
///     format!("{} lamps older than {:?}", page.size, page.before)
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(lamps));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than the entry with this id; the newest when there is none.
    pub before: Option<String>,
    /// How many entries at most, 1 to 200.
    pub size: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only what is older than the entry with this id.
    #[param(min_length = 1, max_length = 64)]
    before: Option<String>,
    /// How many entries at most.
    #[param(minimum = 1, maximum = 200, default = 200)]
    size: Option<i64>,
}

impl IntoParams for Page {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Asked::into_params(place)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(Asked { before, size }) = Query::from_request_parts(parts, state).await?;
        let size = size.unwrap_or(MOST);
        if !(1..=MOST).contains(&size) {
            let message = format!("`size` is `{size}`: expected 1 to {MOST}");
            return Err(ApiError::bad_request("invalid_page", message));
        }
        match &before {
            Some(id) if id.is_empty() || id.len() > MAX_ID => {
                let message = format!("`before` has {} bytes: expected an id of the list", id.len());
                Err(ApiError::bad_request("invalid_page", message))
            }
            _ => Ok(Self { before, size }),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn page(query: &str) -> Result<Page, ApiError> {
        let request = Request::builder().uri(format!("/lamps?{query}")).body(()).unwrap();
        Page::from_request_parts(&mut request.into_parts().0, &()).await
    }

    #[tokio::test]
    async fn page_is_bounded_and_leaves_other_parameters_alone() {
        assert_eq!(page("").await.unwrap(), Page { before: None, size: 200 });
        let second = Page { before: Some("l-1".into()), size: 1 };
        assert_eq!(page("before=l-1&size=1&status=lit").await.unwrap(), second);
        for query in ["size=0", "size=201", "size=-1", "before=", &format!("before={}", "x".repeat(65))] {
            assert_eq!(page(query).await.unwrap_err().code(), "invalid_page", "{query}");
        }
        assert_eq!(page("size=many").await.unwrap_err().code(), "invalid_query");
    }
}
