//! Extractors whose rejections have the shape of every other error.

use axum::body::{Body, Bytes};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// JSON body in, JSON body out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

/// JSON body in; no body at all is the default value.
#[derive(Debug, Clone, Copy, Default)]
pub struct OptionalJson<T>(pub T);

/// Parameters of the path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

/// Parameters of the query.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let json = parts.headers.get(CONTENT_TYPE).cloned();
        let bytes = body_of(Request::from_parts(parts, body), state).await?;
        // Whether this is JSON at all is for axum to say.
        let mut request = Request::new(Body::from(bytes));
        request.headers_mut().extend(json.map(|json| (CONTENT_TYPE, json)));
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(json_rejection(&rejection)),
        }
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = body_of(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        axum::Json::from_bytes(&bytes).map(|axum::Json(value)| Self(value)).map_err(|error| json_rejection(&error))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        without_nul(parts.uri.path(), "invalid_path")?;
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(rejection)) => {
                Err(ApiError::bad_request("invalid_path", rejection.body_text()))
            }
            Err(rejection) => Err(ApiError::internal(rejection)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        without_nul(parts.uri.query().unwrap_or_default(), "invalid_query")?;
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(rejection)) => {
                Err(ApiError::bad_request("invalid_query", rejection.body_text()))
            }
            Err(rejection) => Err(ApiError::internal(rejection)),
        }
    }
}

/// The whole body, without a text that holds U+0000: PostgreSQL stores none.
async fn body_of<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
        let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let code = if too_large { "body_too_large" } else { "unreadable_body" };
        ApiError::new(rejection.status(), code, rejection.body_text())
    })?;
    if escapes_nul(&bytes) { Err(nul("invalid_body")) } else { Ok(bytes) }
}

/// Whether JSON holds the escape `\u0000`; a backslash that is itself escaped begins none.
fn escapes_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"u0000") {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

fn without_nul(encoded: &str, code: &'static str) -> Result<(), ApiError> {
    if encoded.contains("%00") { Err(nul(code)) } else { Ok(()) }
}

fn nul(code: &'static str) -> ApiError {
    ApiError::bad_request(code, "a text holds the character U+0000: expected none")
}

fn json_rejection(rejection: &JsonRejection) -> ApiError {
    let code = match rejection {
        JsonRejection::JsonSyntaxError(_) => "invalid_json",
        JsonRejection::JsonDataError(_) => "invalid_body",
        JsonRejection::MissingJsonContentType(_) => "json_expected",
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        _ => "unreadable_body",
    };
    ApiError::new(rejection.status(), code, rejection.body_text())
}

#[cfg(test)]
mod tests {
    use super::escapes_nul;

    #[test]
    fn only_an_escape_of_nul_is_one() {
        for json in [r#""\u0000""#, r#"{"a":"x\\\u0000"}"#, r#""\n\u0000""#] {
            assert!(escapes_nul(json.as_bytes()), "{json}");
        }
        for json in [r#""\\u0000""#, r#""\u0001""#, "\"u0000\"", "\\", ""] {
            assert!(!escapes_nul(json.as_bytes()), "{json}");
        }
    }
}
