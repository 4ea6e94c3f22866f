//! The response body of an observed request: counts what is sent and ends the request when the body ends.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use axum::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::in_flight::{InFlight, Outcome};
use super::unwinding::Unwinding;

pin_project! {
    /// A response body that carries the measurement of its request to the end.
    pub(super) struct ObservedBody<B> {
        #[pin]
        inner: B,
        in_flight: Option<InFlight>,
    }
}

/// `inner`, carrying `in_flight` to its end.
///
/// It is boxed here and now, which axum would do later anyway: until then a response would be a large thing to move.
pub(super) fn observed<B>(inner: B, mut in_flight: InFlight) -> axum::body::Body
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // An empty body may never be polled. An answer to HEAD is never polled either, whatever its size.
    if inner.is_end_stream() || in_flight.sends_no_body() {
        in_flight.finish(Outcome::Complete);
        return axum::body::Body::new(inner);
    }
    if inner.size_hint().exact().is_none() {
        in_flight.streams();
    }
    axum::body::Body::new(ObservedBody { inner, in_flight: Some(in_flight) })
}

impl<B: Body> Body for ObservedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(in_flight) = this.in_flight.as_mut() else {
            return this.inner.poll_frame(cx);
        };
        // Kept until the request is over, which is logged inside its context.
        let _guard = in_flight.context().clone().attach();
        let polled = {
            let _unwinding = Unwinding(&mut *this.in_flight);
            this.inner.as_mut().poll_frame(cx)
        };
        let Some(in_flight) = this.in_flight.as_mut() else { return polled };
        let frame = ready!(polled);
        let end = match &frame {
            None => Some(Outcome::Complete),
            Some(Err(_)) => Some(Outcome::BodyFailed),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    in_flight.sent(data.remaining());
                }
                // A body of known length is dropped after its last frame instead of being polled for the end.
                this.inner.is_end_stream().then_some(Outcome::Complete)
            }
        };
        if let Some(outcome) = end
            && let Some(in_flight) = this.in_flight.take()
        {
            in_flight.finish(outcome);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
