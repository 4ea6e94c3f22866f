//! The body of an answer: carries the measurement of its call to where it ends.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::ResponseBuilderExt;

use super::call::Call;
use crate::work::Work;

/// A body that ends `work` when it ends, breaks or is dropped.
struct Answer {
    inner: reqwest::Body,
    work: Option<Work<Call>>,
    /// Whether anybody has asked for it.
    read: bool,
}

/// `response`, carrying `work` to the end of its body.
pub(super) fn observed(response: reqwest::Response, work: Work<Call>) -> reqwest::Response {
    // What reqwest keeps beside the parts of a response would be lost on the way.
    let url = http::Response::builder().url(response.url().clone()).body(());
    let (mut parts, inner) = http::Response::from(response).into_parts();
    if let Ok(url) = url {
        parts.extensions.extend(url.into_parts().0.extensions);
    }
    let mut answer = Answer { inner, work: Some(work), read: false };
    // An empty body may never be polled.
    if answer.inner.is_end_stream() {
        answer.complete();
    }
    http::Response::from_parts(parts, reqwest::Body::wrap(answer)).into()
}

impl Answer {
    fn complete(&mut self) {
        if let Some(work) = self.work.take() {
            let verdict = work.report.verdict();
            work.finish(verdict);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        self.read = true;
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Err(error)) => {
                if let Some(mut work) = self.work.take() {
                    let failure = work.report.failed(error);
                    let verdict = work.report.verdict();
                    work.finish(verdict.or(failure));
                }
            }
            // A body of known length may not be polled again after its last frame.
            Some(Ok(_)) if !self.inner.is_end_stream() => {}
            Some(Ok(_)) | None => self.complete(),
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

impl Drop for Answer {
    fn drop(&mut self) {
        // Whoever asked for the status only has got what they wanted; half a body is one given up.
        if !self.read {
            self.complete();
        }
    }
}
