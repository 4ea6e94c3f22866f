//! The journey file: a user story as HTTP requests, mails and expectations.
//!
//! ```yaml
//! journey: purchase
//! title: A buyer finds a gig, pays for it and gets it
//! setup: actors            # optional: a journey, or a list, run once before; their values are visible here
//! vars:                    # evaluated once per iteration
//!   buyer: "b${hex(8)}"
//! steps:
//!   - name: sign up
//!     post: /api/v1/gateway/auth/signup       # or get, put, delete, patch
//!     headers: { idempotency-key: "${uuid()}" }
//!     as: "${buyer_token}"                    # sent as `Authorization: Bearer`
//!     json: { username: "${buyer}", password: "Secr3t-pass" }
//!     expect: { status: 201, json: { /user/username: "${buyer}" } }
//!     save: { buyer_id: /user/id }            # JSON pointers into the response
//!   - name: read the link in the mail
//!     mail: { to: "${buyer}@example.test", subject: "erify" }
//!     within: 5s
//!     save: { token: 'verify-email\?token=([A-Za-z0-9_.-]+)' }   # first group of a regular expression
//!   - name: the gig can be found
//!     get: /api/v1/gateway/auth/search/gig/0/10/forward?query=${word}
//!     within: 5s                              # repeated until the expectations hold
//!     expect: { status: 200, json: { /gigs/0/id: "${gig_id}" } }
//! flow:                                       # judged on the telemetry of the whole journey
//!   - { span: 'span[service=notification kind=consumer]', at_least: 1 }
//! ```
//!
//! A value is a string with `${...}` in it: a variable, `hex(n)`, `uuid()`, `int(low, high)`, `iteration()`. A string
//! that is nothing but one `${...}` keeps the value's JSON type. All randomness comes from the run's seed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::assertions::Expectation;

/// A journey as written in its file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JourneyFile {
    /// Name, unique among the journeys of a system.
    pub journey: String,
    /// What it shows, as a sentence.
    #[serde(default)]
    pub title: String,
    /// Journeys that are run once before this one, one name or a list; what they saved is visible here.
    #[serde(default)]
    pub setup: Setups,
    /// Variables, evaluated once per iteration; they may read what `setup` saved, not each other.
    #[serde(default)]
    pub vars: BTreeMap<String, Value>,
    /// The steps, in order.
    pub steps: Vec<StepFile>,
    /// Expectations on the journey's telemetry.
    #[serde(default)]
    pub flow: Vec<Expectation>,
}

/// Names of the journeys that another one builds on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Setups(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the name of a journey or a list of names")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Setups {
    fn from(names: OneOrMany) -> Self {
        match names {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

/// One step: an HTTP request or the arrival of a mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Name; also the name of the operation in the history and in load results.
    pub name: Spanned<String>,
    /// Path of a GET request.
    #[serde(default)]
    pub get: Option<String>,
    /// Path of a POST request.
    #[serde(default)]
    pub post: Option<String>,
    /// Path of a PUT request.
    #[serde(default)]
    pub put: Option<String>,
    /// Path of a PATCH request.
    #[serde(default)]
    pub patch: Option<String>,
    /// Path of a DELETE request.
    #[serde(default)]
    pub delete: Option<String>,
    /// A mail to wait for.
    #[serde(default)]
    pub mail: Option<MailFile>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Bearer token of the caller.
    #[serde(default, rename = "as")]
    pub bearer: Option<String>,
    /// Request body.
    #[serde(default)]
    pub json: Option<Value>,
    /// What the response must be.
    #[serde(default)]
    pub expect: ExpectFile,
    /// Deadline (`5s`) until which the step is repeated until its expectations hold.
    #[serde(default)]
    pub within: Option<String>,
    /// Values to keep: JSON pointer into the response body, or for a mail a regular expression with one group.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// A mail, described by what it must contain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailFile {
    /// Recipient.
    pub to: String,
    /// Text that the subject contains.
    #[serde(default)]
    pub subject: Option<String>,
}

/// Expectations on a response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectFile {
    /// Status code; any 2xx when absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// JSON pointer to expected value.
    #[serde(default)]
    pub json: BTreeMap<String, Value>,
    /// Header name to expected value.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}
