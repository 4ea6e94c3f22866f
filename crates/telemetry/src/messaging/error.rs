//! What can go wrong with the broker, in the few words that `error.type` may have.

use lapin::types::ShortString;

/// Few and stable, as `error.type` must be.
pub(super) fn error_type(error: &lapin::Error) -> &'static str {
    use lapin::ErrorKind;
    match error.kind() {
        ErrorKind::IOError(io) if io.kind() == std::io::ErrorKind::InvalidInput => "invalid_message",
        ErrorKind::IOError(_) => "io_error",
        ErrorKind::InvalidChannelState(..) | ErrorKind::InvalidChannel(_) => "channel_closed",
        ErrorKind::InvalidConnectionState(_) | ErrorKind::MissingHeartbeatError => "connection_closed",
        ErrorKind::ProtocolError(_) => "broker_error",
        _ => "amqp_error",
    }
}

/// lapin panics on longer texts; here they are an error.
pub(super) fn short(text: &str) -> Result<ShortString, lapin::Error> {
    ShortString::try_new(text).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        let reason = format!("`{shown}...` is {} bytes: AMQP names and ids have at most 255", text.len());
        lapin::Error::from(std::io::Error::new(std::io::ErrorKind::InvalidInput, reason))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_too_long_for_amqp_is_an_error() {
        let error = short(&"x".repeat(256)).unwrap_err();
        assert_eq!(error_type(&error), "invalid_message");
        assert!(error.to_string().contains("256 bytes"), "{error}");
    }
}
