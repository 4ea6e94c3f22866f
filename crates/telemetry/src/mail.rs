//! Mails handed to a mail server: a CLIENT span and a measurement each, without addresses, subjects or texts.

use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use crate::late::{Late, duration};
use crate::metrics::{Histogram, with_attributes};
use crate::span::Outcome;
use crate::work::{Report, Work, open};

static DURATION: Late<Histogram> =
    Late::new(|meter| duration(meter, "app.smtp.send.duration", "Time until the mail server had taken a mail"));

/// A mail to be sent: CLIENT span `send mail` and `app.smtp.send.duration` (s).
///
/// Who it is from, for, or about is not asked for, so that it cannot be told.
///
/// # Examples
///
/// ```
/// use telemetry::mail::Mail;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let session = async { Ok::<_, std::io::Error>(()) };
/// Mail::via("smtp.internal", 587).kind("order confirmation").recipients(1).size(2048).send(session).await.unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it opens no span until something is sent"]
pub struct Mail {
    server: Cow<'static, str>,
    port: u16,
    kind: Option<Cow<'static, str>>,
    recipients: Option<usize>,
    size: Option<usize>,
}

/// Runs `session`, which hands one mail to a server; see [`Mail`] for what more can be told about it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// telemetry::mail::send("smtp.internal", 25, async { Ok::<_, std::io::Error>(()) }).await.unwrap();
/// # }
/// ```
pub async fn send<F>(server: impl Into<Cow<'static, str>>, port: u16, session: F) -> F::Output
where
    F: Future,
    F::Output: Outcome,
{
    Mail::via(server, port).send(session).await
}

impl Mail {
    /// A mail that goes to the server at this address: `server.address` and `server.port`.
    pub fn via(server: impl Into<Cow<'static, str>>, port: u16) -> Self {
        Self { server: server.into(), port, kind: None, recipients: None, size: None }
    }

    /// What kind of mail it is, such as the name of its template: `app.smtp.kind`, of low cardinality.
    pub fn kind(mut self, kind: impl Into<Cow<'static, str>>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// How many it goes to: `app.smtp.recipients`.
    pub fn recipients(mut self, count: usize) -> Self {
        self.recipients = Some(count);
        self
    }

    /// How large it is, in bytes: `app.smtp.size`.
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Runs `session`, which hands the mail to the server. Dropped or panicking, it is recorded as such.
    ///
    /// The text of an error becomes the span's status: it must not show addresses (what looks like one is redacted).
    pub async fn send<F>(self, session: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let opened = open("send mail", SpanKind::Client, Context::current(), Vec::new(), |_| {
            let mut attributes = Vec::with_capacity(7);
            self.describe(&mut attributes);
            attributes.push(KeyValue::new("network.protocol.name", "smtp"));
            let counted = [("app.smtp.recipients", self.recipients), ("app.smtp.size", self.size)];
            for (key, value) in counted {
                attributes.extend(value.map(|value| KeyValue::new(key, i64::try_from(value).unwrap_or(i64::MAX))));
            }
            attributes
        });
        Work::new(opened, self).run(session).await
    }

    /// What span and measurements have in common.
    fn describe(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new("server.address", self.server.clone()));
        attributes.push(KeyValue::new("server.port", i64::from(self.port)));
        attributes.extend(self.kind.as_ref().map(|kind| KeyValue::new("app.smtp.kind", kind.clone())));
    }
}

impl Report for Mail {
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
        with_attributes(|attributes| {
            self.describe(attributes);
            attributes.extend(error.map(|kind| KeyValue::new("error.type", kind.clone())));
            DURATION.get().record_in(elapsed.as_secs_f64(), attributes, context.span().span_context());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{capture, metric};

    #[tokio::test]
    async fn mail_is_a_client_span_that_names_only_the_server() {
        let capture = capture();
        let sent = Mail::via("smtp.mail-test", 587).kind("welcome").recipients(2).size(100);
        capture.run(sent.send(async { Ok::<_, std::fmt::Error>(()) })).await.unwrap();
        capture.run(send("smtp.mail-test", 587, async { Err::<(), _>(std::fmt::Error) })).await.unwrap_err();
        assert_eq!(capture.tree(), "client send mail\nclient send mail !core::fmt::Error\n");
        let span = &capture.spans()[0];
        assert_eq!(span.attribute("app.smtp.recipients"), "2");
        assert_eq!(span.attribute("server.port"), "587");
        let server = ("server.address", "smtp.mail-test");
        assert_eq!(metric("app.smtp.send.duration", &[server]), 2.0);
        assert_eq!(metric("app.smtp.send.duration", &[server, ("error.type", "core::fmt::Error")]), 1.0);
        assert_eq!(metric("app.smtp.send.duration", &[server, ("app.smtp.kind", "welcome")]), 1.0);
    }
}
