//! One page of a list, newest first: `?before=<id>&size=<number>`.

use platform::ApiError;
use serde::Deserialize;
use utoipa::IntoParams;

/// Most entries of a page, and their number when none is asked for.
const MOST: u32 = 200;
/// Longest id in a query, in bytes.
const MAX_ID: usize = 64;

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only what is older than the entry with this id.
    #[param(min_length = 1, max_length = 64)]
    before: Option<String>,
    /// How many entries at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 200)]
    size: Option<u32>,
}

/// A page that was found sensible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Only ids that sort before this one.
    pub(crate) before: String,
    /// How many entries at most.
    pub(crate) size: i64,
}

impl Page {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// 400 `invalid_page` for a size out of range or an id that is none.
    pub(crate) fn part(self) -> Result<Part, ApiError> {
        let size = self.size.unwrap_or(MOST);
        if !(1..=MOST).contains(&size) {
            let message = format!("`size` is `{size}`: expected 1 to {MOST}");
            return Err(ApiError::bad_request("invalid_page", message));
        }
        // Sorts after every UUID.
        let before = self.before.unwrap_or_else(|| "g".to_owned());
        if before.is_empty() || before.len() > MAX_ID {
            let message = format!("`before` has {} bytes: expected an id of the list", before.len());
            return Err(ApiError::bad_request("invalid_page", message));
        }
        Ok(Part { before, size: size.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_bounded() {
        let page = |before: Option<&str>, size| Page { before: before.map(str::to_owned), size }.part();
        assert_eq!(page(None, None).unwrap(), Part { before: "g".into(), size: 200 });
        assert_eq!(page(Some("m-1"), Some(1)).unwrap(), Part { before: "m-1".into(), size: 1 });
        for (before, size) in [(None, Some(0)), (None, Some(201)), (Some(""), None), (Some(&*"x".repeat(65)), None)] {
            assert_eq!(page(before, size).unwrap_err().code(), "invalid_page");
        }
    }
}
