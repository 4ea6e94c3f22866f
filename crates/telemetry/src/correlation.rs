//! The business correlation id: one value that follows a request through every hop, log line and message.
//!
//! It lives in the OpenTelemetry [`Context`], so it travels with the trace, across `await` and across threads, and it is
//! written to HTTP and message headers as [`HEADER`] and as the baggage entry [`BAGGAGE_KEY`].

use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use arrayvec::ArrayString;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::context::{FutureExt, WithContext};
use uuid::fmt::Hyphenated;

use crate::trace;

/// HTTP and message header that carries the id.
pub const HEADER: &str = "x-correlation-id";

/// [`HEADER`], ready to be looked up.
pub(crate) static HEADER_NAME: HeaderName = HeaderName::from_static(HEADER);

/// Baggage entry that carries the id to systems that only propagate W3C baggage.
pub const BAGGAGE_KEY: &str = "correlation_id";

/// Span attribute that carries the id.
pub const ATTRIBUTE: &str = "app.correlation_id";

/// Longest accepted id, in characters.
pub const MAX_LEN: usize = 128;

/// An id that names one business operation.
///
/// # Examples
///
/// ```
/// use telemetry::correlation::CorrelationId;
///
/// let given: CorrelationId = "order-42".parse()?;
/// assert_eq!(given.as_str(), "order-42");
/// assert!("not a valid id".parse::<CorrelationId>().is_err());
/// assert_ne!(CorrelationId::generate(), CorrelationId::generate());
/// # Ok::<(), telemetry::correlation::InvalidCorrelationId>(())
/// ```
#[derive(Clone)]
pub struct CorrelationId(Text);

/// Short ids, generated ones among them, are copied instead of shared: that is cheaper than counting who shares.
#[derive(Clone)]
enum Text {
    Inline(ArrayString<INLINE>),
    Shared(HeaderValue),
}

/// Longest text kept inline: a UUID fits.
const INLINE: usize = 39;

/// Header values are cut from blocks of this size: at most one allocation for about a hundred of them.
const BLOCK: usize = 4096;

thread_local! {
    static BLOCKS: RefCell<BytesMut> = RefCell::default();
}

/// Why a text is no correlation id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCorrelationId {
    /// The text is empty or longer than [`MAX_LEN`].
    #[error("correlation id of {0} characters: expected 1 to {MAX_LEN}")]
    Length(usize),
    /// The text holds a character that headers, logs and queries could not carry safely.
    #[error("correlation id with `{0}`: expected only letters, digits, `.`, `_` and `-`")]
    Character(char),
    /// The text looks like a token or the number of an account, which must not be passed on. Log lines and spans would hide it
    /// in different places, and could not be joined.
    #[error("correlation id that looks like a secret: expected one that means nothing elsewhere, such as a UUID")]
    Secret,
}

impl CorrelationId {
    /// A new id: a UUIDv7, so that ids sort by the time they were made.
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_at(trace::Moment::now())
    }

    /// [`CorrelationId::generate`] for who knows the time.
    pub(crate) fn generate_at(moment: trace::Moment) -> Self {
        let mut buffer = [0; Hyphenated::LENGTH];
        Self::store(trace::uuid_v7(moment).hyphenated().encode_lower(&mut buffer))
    }

    /// Text that was found to be valid.
    fn store(text: &str) -> Self {
        Self(ArrayString::from(text).map_or_else(|_| Text::Shared(header(text)), Text::Inline))
    }

    /// Accepts 1 to 128 characters of `[A-Za-z0-9._-]`, unless they look like a secret: a JWT, a card number, an IBAN.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the text; callers that received it from outside generate a new id instead.
    pub fn parse(text: &str) -> Result<Self, InvalidCorrelationId> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(InvalidCorrelationId::Length(text.chars().count()));
        }
        match text.chars().find(|c| !u8::try_from(*c).is_ok_and(is_allowed)) {
            Some(bad) => Err(InvalidCorrelationId::Character(bad)),
            None if is_secret(text.as_bytes()) => Err(InvalidCorrelationId::Secret),
            None => Ok(Self::store(text)),
        }
    }

    /// The id in a header, sharing its memory; `None` when it is not a valid one.
    pub(crate) fn from_header(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let valid = (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(is_allowed) && !is_secret(text.as_bytes());
        let short = || ArrayString::from(text).map(Text::Inline);
        valid.then(|| Self(short().unwrap_or_else(|_| Text::Shared(value.clone()))))
    }

    /// The id as a header value.
    pub(crate) fn into_header(self) -> HeaderValue {
        match self.0 {
            Text::Inline(text) => header(&text),
            Text::Shared(value) => value,
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline(text) => text,
            // Only ASCII gets in, so the fallback is unreachable.
            Text::Shared(value) => value.to_str().unwrap_or_default(),
        }
    }

    /// The id as an attribute value.
    pub(crate) fn value(&self) -> opentelemetry::Value {
        opentelemetry::Value::from(self.as_str().to_owned())
    }
}

/// A header value in the thread's block; the memory lives as long as any value of that block.
fn header(text: &str) -> HeaderValue {
    let bytes: Bytes = BLOCKS.with_borrow_mut(|block| {
        if block.capacity() == 0 {
            *block = BytesMut::with_capacity(BLOCK);
        }
        // Starts over in the same block when none of its values is left, else in a new one.
        block.reserve(text.len());
        block.extend_from_slice(text.as_bytes());
        block.split().freeze()
    });
    // Whatever comes here is made of characters that every header may hold.
    HeaderValue::from_maybe_shared(bytes).unwrap_or(HeaderValue::from_static("invalid"))
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Whether redaction would hide something of `id`, whose characters are valid. A UUID in small letters is no reason to look
/// closer: a card number has twelve digits and more, a JWT and an IBAN have capitals.
fn is_secret(id: &[u8]) -> bool {
    let mut digits = 0;
    let mut longest = 0;
    let mut capitals = false;
    for byte in id {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'-' => {}
            _ => digits = 0,
        }
        longest = longest.max(digits);
        capitals |= byte.is_ascii_uppercase();
    }
    (capitals || longest >= 12)
        && str::from_utf8(id).is_ok_and(|id| matches!(crate::redact::text(id), std::borrow::Cow::Owned(_)))
}

impl PartialEq for CorrelationId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for CorrelationId {}

impl PartialOrd for CorrelationId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CorrelationId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for CorrelationId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CorrelationId({})", self.as_str())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CorrelationId {
    type Err = InvalidCorrelationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The correlation id of the code that is running, if it runs on behalf of somebody.
#[must_use]
pub fn current() -> Option<CorrelationId> {
    Context::map_current(of)
}

/// The correlation id of `context`: the one of [`scope`], else that of the operation whose span is current in it.
#[must_use]
pub fn of(context: &Context) -> Option<CorrelationId> {
    context.get::<CorrelationId>().cloned().or_else(|| trace::correlation_of(context))
}

/// Runs `future` with `id` as its correlation id; everything else of the current context stays.
///
/// # Examples
///
/// ```
/// use telemetry::correlation::{self, CorrelationId};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let id = CorrelationId::generate();
/// let seen = correlation::scope(id.clone(), async { correlation::current() }).await;
/// assert_eq!(seen, Some(id));
/// # }
/// ```
pub fn scope<F: Future>(id: CorrelationId, future: F) -> WithContext<F> {
    future.with_context(Context::current_with_value(id))
}

/// `context` with a correlation id in it (made now when there was none), and that id.
pub(crate) fn ensure(context: Context) -> (Context, CorrelationId) {
    match of(&context) {
        Some(id) => (context, id),
        None => {
            let id = CorrelationId::generate();
            (context.with_value(id.clone()), id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn generated_id_is_a_uuid_v7_and_is_accepted() {
        let id = CorrelationId::generate();
        assert_eq!(Uuid::parse_str(id.as_str()).unwrap().get_version_num(), 7);
        assert_eq!(CorrelationId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn rejection_names_the_offending_part() {
        assert_eq!(CorrelationId::parse(""), Err(InvalidCorrelationId::Length(0)));
        assert_eq!(CorrelationId::parse(&"a".repeat(129)), Err(InvalidCorrelationId::Length(129)));
        assert_eq!(CorrelationId::parse("a\nb"), Err(InvalidCorrelationId::Character('\n')));
    }

    #[test]
    fn secret_is_no_id() {
        for secret in [
            "4111111111111111",
            "4111-1111-1111-1111",
            "order.eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJl",
            "eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJl",
            "DE89370400440532013000",
        ] {
            assert_eq!(CorrelationId::parse(secret), Err(InvalidCorrelationId::Secret), "{secret}");
            assert_eq!(CorrelationId::from_header(&HeaderValue::from_static(secret)), None, "{secret}");
        }
        for harmless in ["0190d2f1-1111-7111-8111-111111111111", "ORD-20261121-000042", "1795242862000000"] {
            assert!(CorrelationId::parse(harmless).is_ok(), "{harmless}");
        }
    }

    #[tokio::test]
    async fn scope_ends_with_its_future() {
        let id = CorrelationId::generate();
        assert_eq!(scope(id.clone(), async { current() }).await, Some(id));
        assert_eq!(current(), None);
    }

    proptest! {
        #[test]
        fn exactly_the_documented_texts_are_accepted(text in "\\PC{0,140}") {
            let hidden = crate::redact::text(&text) != text.as_str();
            let documented = !hidden && (1..=MAX_LEN).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            prop_assert_eq!(CorrelationId::parse(&text).is_ok(), documented);
        }
    }
}
