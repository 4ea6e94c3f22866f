//! Arbitrary text, as a text, as a key and as a part of the policy: nothing panics or hangs.
#![no_main]

use telemetry::redact::{Policy, is_secret_key, text};

libfuzzer_sys::fuzz_target!(|data: &str| {
    let policy = Policy::new().secret_key(data).allow_key(data);
    let _ = (text(data), is_secret_key(data), policy.text(data), policy.is_secret_key(data));
});
