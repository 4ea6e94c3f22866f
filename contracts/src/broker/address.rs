//! Addresses within the broker.

/// The address of `parts` below `base`, each part percent-encoded.
pub(super) fn address(base: &str, parts: &[&str]) -> String {
    let mut url = base.to_owned();
    for part in parts {
        url.push('/');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    url
}
