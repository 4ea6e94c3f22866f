//! Published content: a header frame and body frames become one message.

use bytes::{Bytes, BytesMut};

use crate::{
    error::{Code, Failure},
    message::Message,
    method::Method,
    session::Session,
    value::ShortStr,
    vhost::Vhost,
    wire::Decoder,
};

/// Bodies are given no more than this before their octets arrive, whatever their header announces.
const PREALLOCATE: u64 = 128 * 1024;

/// How many largest bodies may be incomplete at a time on one connection.
const PARTIAL_BODIES: u64 = 4;

/// The publishing side of a channel.
#[derive(Debug, Default)]
pub(crate) struct LocalChannel {
    /// `channel.close` has been sent; everything but its answer is ignored.
    pub(crate) closing: bool,
    /// The queue it declared last, for which an empty name stands.
    pub(crate) last_queue: Option<ShortStr>,
    partial: Option<Partial>,
    /// The number of the last publish, in confirm mode.
    pub(crate) confirm: Option<u64>,
    /// The last number told to the publisher.
    confirmed: u64,
}

/// A publish whose content is not complete.
#[derive(Debug)]
struct Partial {
    exchange: ShortStr,
    key: ShortStr,
    mandatory: bool,
    header: Option<Header>,
}

#[derive(Debug)]
struct Header {
    size: u64,
    properties: Bytes,
    body: BytesMut,
}

fn unexpected(what: &str, expected: &str) -> Failure {
    Failure::new(Code::UnexpectedFrame, format!("expected {expected}, got {what} instead"))
}

impl Session {
    /// `basic.publish`: content follows.
    pub(crate) fn begin_publish(&mut self, channel: u16, exchange: ShortStr, key: ShortStr, mandatory: bool) {
        if let Some(local) = self.channels.get_mut(&channel) {
            local.partial = Some(Partial { exchange, key, mandatory, header: None });
        }
    }

    /// A method may not come between a publish and the end of its content.
    pub(crate) fn check_no_partial(&self, channel: u16) -> Result<(), Failure> {
        match self.channels.get(&channel).and_then(|local| local.partial.as_ref()) {
            Some(Partial { header: None, .. }) => Err(unexpected("a method frame", "content header for class 60")),
            Some(_) => Err(unexpected("a method frame", "content body")),
            None => Ok(()),
        }
    }

    /// What had arrived of a message is dropped with its channel.
    pub(crate) fn drop_partial(&mut self, channel: u16) {
        if let Some(local) = self.channels.get_mut(&channel)
            && let Some(Partial { header: Some(header), .. }) = local.partial.take()
        {
            self.partial_octets -= header.body.len() as u64;
        }
    }

    fn partial(&mut self, channel: u16, what: &str) -> Result<Option<&mut Partial>, Failure> {
        match self.channels.get_mut(&channel) {
            None => Err(Failure::new(Code::ChannelError, format!("{what} on channel {channel}, which is not open"))),
            Some(local) if local.closing => Ok(None),
            Some(local) => local.partial.as_mut().map(Some).ok_or_else(|| unexpected(what, "a method frame")),
        }
    }

    pub(crate) fn on_header(&mut self, vhost: &mut Vhost, channel: u16, payload: &[u8]) -> Result<(), Failure> {
        let content_max = self.shared.config.limits.content_max;
        let Some(partial) = self.partial(channel, "a content header")? else {
            return Ok(());
        };
        if partial.header.is_some() {
            return Err(unexpected("a content header", "content body"));
        }
        let mut from = Decoder::new(payload, 0);
        let (class, _weight, size) = (from.u16()?, from.u16()?, from.u64()?);
        if class != 60 {
            return Err(unexpected("a content header of another class", "content header for class 60"));
        }
        if size > content_max {
            let text = format!("message size {size} is larger than configured max size {content_max}");
            return Err(Failure::new(Code::PreconditionFailed, text));
        }
        partial.header = Some(Header {
            size,
            properties: Bytes::copy_from_slice(from.rest()),
            body: BytesMut::with_capacity(size.min(PREALLOCATE) as usize),
        });
        if size == 0 { self.finish_publish(vhost, channel) } else { Ok(()) }
    }

    pub(crate) fn on_body(&mut self, vhost: &mut Vhost, channel: u16, payload: &[u8]) -> Result<(), Failure> {
        let bound = self.shared.config.limits.content_max.saturating_mul(PARTIAL_BODIES);
        let incomplete = self.partial_octets + payload.len() as u64;
        let Some(partial) = self.partial(channel, "a content body")? else {
            return Ok(());
        };
        let Some(header) = &mut partial.header else {
            return Err(unexpected("a content body", "content header for class 60"));
        };
        if header.body.len() as u64 + payload.len() as u64 > header.size {
            let text = format!("content body is larger than the {} octets its header announced", header.size);
            return Err(Failure::new(Code::FrameError, text));
        }
        if incomplete > bound {
            let text = format!("incomplete messages of this connection take more than {bound} octets");
            return Err(Failure::new(Code::ResourceError, text));
        }
        header.body.extend_from_slice(payload);
        let complete = header.body.len() as u64 == header.size;
        self.partial_octets = incomplete;
        if complete { self.finish_publish(vhost, channel) } else { Ok(()) }
    }

    fn finish_publish(&mut self, vhost: &mut Vhost, channel: u16) -> Result<(), Failure> {
        let Some(Partial { exchange, key, mandatory, header: Some(header) }) =
            self.channels.get_mut(&channel).and_then(|local| local.partial.take())
        else {
            return Ok(());
        };
        self.partial_octets -= header.body.len() as u64;
        self.published = true;
        let depth = self.shared.config.limits.table_depth;
        let body = header.body.freeze();
        let message = Message::new(exchange, key, header.properties, body, depth, Some(&self.user))?;
        let (published, message) = vhost.publish(message)?;
        let returned = mandatory && !published.routed;
        if returned {
            // Earlier publishes are confirmed first, so that the return is next to the confirm of its own message.
            self.send_confirms_of(channel);
            let method = Method::BasicReturn {
                code: Code::NoRoute as u16,
                text: ShortStr::truncated("NO_ROUTE"),
                exchange: message.exchange.clone(),
                routing_key: message.key.clone(),
            };
            self.outbox.push_content(channel, &method, &message.properties, &message.body);
        }
        self.confirm(channel, published.accepted);
        if returned {
            self.send_confirms_of(channel);
        }
        Ok(())
    }

    /// Numbers a publish; its confirm is sent with those of its batch, a refusal at once.
    fn confirm(&mut self, channel: u16, accepted: bool) {
        let Some(local) = self.channels.get_mut(&channel) else {
            return;
        };
        let Some(number) = local.confirm else {
            return;
        };
        if accepted {
            if number == local.confirmed {
                self.confirming.push(channel);
            }
            local.confirm = Some(number + 1);
        } else {
            self.send_confirms_of(channel);
            self.outbox
                .push_method(channel, &Method::BasicNack { delivery_tag: number + 1, multiple: false, requeue: false });
            if let Some(local) = self.channels.get_mut(&channel) {
                local.confirm = Some(number + 1);
                local.confirmed = number + 1;
            }
        }
    }

    /// Confirms everything published so far. The journal is written before these octets leave.
    pub(crate) fn send_confirms(&mut self) {
        for channel in std::mem::take(&mut self.confirming) {
            self.send_confirms_of(channel);
        }
    }

    fn send_confirms_of(&mut self, channel: u16) {
        if let Some(local) = self.channels.get_mut(&channel)
            && let Some(number) = local.confirm
            && number > local.confirmed
            && !local.closing
        {
            let multiple = number - local.confirmed > 1;
            local.confirmed = number;
            self.outbox.push_method(channel, &Method::BasicAck { delivery_tag: number, multiple });
        }
    }
}
