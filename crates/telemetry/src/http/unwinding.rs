//! Panics of handlers and bodies, noticed where they happen: whoever catches one above us drops the request later, in peace.

use super::in_flight::{InFlight, Outcome};

/// Ends the request as panicked when it is dropped by a panic.
pub(super) struct Unwinding<'a>(pub(super) &'a mut Option<InFlight>);

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(in_flight) = self.0.take()
        {
            in_flight.finish(Outcome::Panicked);
        }
    }
}
