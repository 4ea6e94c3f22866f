//! The methods of a channel.

use std::sync::Arc;

use crate::{
    bindings::{Binding, ExchangeDeclaration},
    declare::{Consume, Declaration},
    error::{Code, Failure},
    exchange::Destination,
    method::Method,
    session::Session,
    settle::Settlement,
    value::ShortStr,
    vhost::Vhost,
};

impl Session {
    pub(crate) fn on_channel_method(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        let Some(local) = self.channels.get_mut(&channel) else {
            return match method {
                Method::ChannelOpen { .. } => self.open_channel(vhost, channel),
                // Answers to a close may cross it.
                Method::ChannelCloseOk {} => Ok(()),
                _ => Err(Failure::new(Code::ChannelError, "expected 'channel.open'")),
            };
        };
        if local.closing {
            match method {
                Method::ChannelCloseOk {} => {
                    self.channels.remove(&channel);
                }
                Method::ChannelClose { .. } => self.outbox.push_method(channel, &Method::ChannelCloseOk {}),
                _ => {}
            }
            return Ok(());
        }
        self.check_no_partial(channel)?;
        let key = (self.id, channel);
        match method {
            Method::BasicPublish { immediate: true, .. } => Err(Failure::new(Code::NotImplemented, "immediate=true")),
            Method::BasicPublish { exchange, routing_key, mandatory, .. } => {
                self.begin_publish(channel, exchange, routing_key, mandatory);
                Ok(())
            }
            Method::BasicAck { delivery_tag, multiple } => vhost.settle(key, delivery_tag, multiple, Settlement::Ack),
            Method::BasicNack { delivery_tag, multiple, requeue } => vhost.settle(
                key,
                delivery_tag,
                multiple,
                if requeue { Settlement::Requeue } else { Settlement::Reject },
            ),
            Method::BasicReject { delivery_tag, requeue } => {
                vhost.settle(key, delivery_tag, false, if requeue { Settlement::Requeue } else { Settlement::Reject })
            }
            method => {
                // What was published or settled earlier takes effect before anything that can be observed.
                vhost.run();
                let result = self.on_synchronous_method(vhost, channel, method);
                vhost.run();
                result
            }
        }
    }

    fn on_synchronous_method(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        match method.id().0 {
            20 => self.on_channel_class(vhost, channel, method),
            40 => self.on_exchange_class(vhost, channel, method),
            50 => self.on_queue_class(vhost, channel, method),
            60 => self.on_basic_class(vhost, channel, method),
            _ => self.on_other_class(channel, method),
        }
    }

    fn reply(&self, channel: u16, nowait: bool, method: &Method) {
        if !nowait {
            self.outbox.push_method(channel, method);
        }
    }

    fn open_channel(&mut self, vhost: &mut Vhost, channel: u16) -> Result<(), Failure> {
        self.check_channel_number(channel)?;
        self.channels.insert(channel, Default::default());
        vhost.open_channel((self.id, channel), Arc::clone(&self.outbox));
        self.outbox.push_method(channel, &Method::ChannelOpenOk { channel_id: bytes::Bytes::new() });
        Ok(())
    }

    /// Ends one channel with an error.
    pub(crate) fn fail_channel(
        &mut self,
        vhost: &mut Vhost,
        channel: u16,
        failure: &Failure,
        (class, method): (u16, u16),
    ) {
        self.send_confirms();
        self.drop_partial(channel);
        let text = ShortStr::truncated(&failure.to_string());
        self.outbox.push_method(channel, &Method::ChannelClose { code: failure.code as u16, text, class, method });
        if let Some(local) = self.channels.get_mut(&channel) {
            local.closing = true;
        }
        vhost.close_channel((self.id, channel));
        vhost.run();
    }

    fn on_channel_class(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        match method {
            Method::ChannelOpen { .. } => Err(Failure::new(Code::ChannelError, "second 'channel.open' seen")),
            Method::ChannelClose { .. } => {
                self.send_confirms();
                self.channels.remove(&channel);
                vhost.close_channel((self.id, channel));
                self.outbox.push_method(channel, &Method::ChannelCloseOk {});
                Ok(())
            }
            Method::ChannelFlow { active: true } => {
                self.outbox.push_method(channel, &Method::ChannelFlowOk { active: true });
                Ok(())
            }
            Method::ChannelFlow { active: false } => Err(Failure::new(Code::NotImplemented, "active=false")),
            Method::ChannelCloseOk {} => Ok(()),
            method => Err(out_of_place(&method)),
        }
    }

    fn on_exchange_class(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        match method {
            Method::ExchangeDeclare {
                exchange,
                kind,
                passive,
                durable,
                auto_delete,
                internal,
                nowait,
                arguments,
                ..
            } => {
                let name = exchange;
                vhost.declare_exchange(ExchangeDeclaration {
                    name,
                    kind,
                    passive,
                    durable,
                    auto_delete,
                    internal,
                    arguments,
                })?;
                self.reply(channel, nowait, &Method::ExchangeDeclareOk {});
            }
            Method::ExchangeDelete { exchange, if_unused, nowait, .. } => {
                vhost.delete_exchange(&exchange, if_unused)?;
                self.reply(channel, nowait, &Method::ExchangeDeleteOk {});
            }
            Method::ExchangeBind { destination, source, routing_key, nowait, arguments, .. } => {
                let destination = Destination::Exchange(destination);
                vhost.bind(Binding { source, destination, key: routing_key, arguments })?;
                self.reply(channel, nowait, &Method::ExchangeBindOk {});
            }
            Method::ExchangeUnbind { destination, source, routing_key, nowait, arguments, .. } => {
                let destination = Destination::Exchange(destination);
                vhost.unbind(Binding { source, destination, key: routing_key, arguments })?;
                self.reply(channel, nowait, &Method::ExchangeUnbindOk {});
            }
            method => return Err(out_of_place(&method)),
        }
        Ok(())
    }

    /// An empty name stands for the queue that this channel declared last.
    fn queue_name(&self, channel: u16, name: ShortStr) -> Result<ShortStr, Failure> {
        if !name.is_empty() {
            return Ok(name);
        }
        let last = self.channels.get(&channel).and_then(|local| local.last_queue.clone());
        last.ok_or_else(|| Failure::new(Code::NotFound, "no previously declared queue"))
    }

    fn on_queue_class(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        match method {
            Method::QueueDeclare { queue, passive, durable, exclusive, auto_delete, nowait, arguments, .. } => {
                let name = if passive { self.queue_name(channel, queue)? } else { queue };
                let wanted = Declaration { name, passive, durable, exclusive, auto_delete, table: arguments };
                let id = vhost.declare_queue(wanted, self.id)?;
                if let Some(queue) = vhost.queues.get(&id) {
                    if let Some(local) = self.channels.get_mut(&channel) {
                        local.last_queue = Some(queue.name.clone());
                    }
                    let ok = Method::QueueDeclareOk {
                        queue: queue.name.clone(),
                        messages: u32::try_from(queue.ready.len()).unwrap_or(u32::MAX),
                        consumers: u32::try_from(queue.consumers.len()).unwrap_or(u32::MAX),
                    };
                    self.reply(channel, nowait, &ok);
                }
            }
            Method::QueueBind { queue, exchange, routing_key, nowait, arguments, .. } => {
                let binding = self.queue_binding(vhost, channel, queue, exchange, routing_key, arguments)?;
                vhost.bind(binding)?;
                self.reply(channel, nowait, &Method::QueueBindOk {});
            }
            Method::QueueUnbind { queue, exchange, routing_key, arguments, .. } => {
                match self.queue_binding(vhost, channel, queue, exchange, routing_key, arguments) {
                    Ok(binding) => vhost.unbind(binding)?,
                    Err(failure) if failure.code == Code::NotFound => {}
                    Err(failure) => return Err(failure),
                }
                self.reply(channel, false, &Method::QueueUnbindOk {});
            }
            Method::QueuePurge { queue, nowait, .. } => {
                let name = self.queue_name(channel, queue)?;
                let id = vhost.queue_for(&name, self.id)?;
                let messages = vhost.purge(id);
                self.reply(channel, nowait, &Method::QueuePurgeOk { messages });
            }
            Method::QueueDelete { queue, if_unused, if_empty, nowait, .. } => {
                let name = self.queue_name(channel, queue)?;
                let messages = vhost.delete_queue(&name, self.id, if_unused, if_empty)?;
                self.reply(channel, nowait, &Method::QueueDeleteOk { messages });
            }
            method => return Err(out_of_place(&method)),
        }
        Ok(())
    }

    fn queue_binding(
        &self,
        vhost: &Vhost,
        channel: u16,
        queue: ShortStr,
        source: ShortStr,
        mut key: ShortStr,
        arguments: crate::value::FieldTable,
    ) -> Result<Binding, Failure> {
        let unnamed = queue.is_empty();
        let name = self.queue_name(channel, queue)?;
        vhost.queue_for(&name, self.id)?;
        if unnamed && key.is_empty() {
            // The specification's shorthand: neither is given, both are the last declared queue's name.
            key = name.clone();
        }
        Ok(Binding { source, destination: Destination::Queue(name), key, arguments })
    }

    fn on_basic_class(&mut self, vhost: &mut Vhost, channel: u16, method: Method) -> Result<(), Failure> {
        let key = (self.id, channel);
        match method {
            Method::BasicQos { prefetch_size, prefetch_count, global } => {
                if prefetch_size != 0 {
                    let text = format!("prefetch_size!=0 ({prefetch_size})");
                    return Err(Failure::new(Code::NotImplemented, text));
                }
                vhost.set_prefetch(key, prefetch_count, global);
                self.outbox.push_method(channel, &Method::BasicQosOk {});
            }
            Method::BasicConsume { queue, consumer_tag, no_ack, exclusive, nowait, .. } => {
                let name = self.queue_name(channel, queue)?;
                let id = vhost.queue_for(&name, self.id)?;
                let consumer_tag = vhost.consume(key, id, Consume { tag: consumer_tag, no_ack, exclusive })?;
                self.reply(channel, nowait, &Method::BasicConsumeOk { consumer_tag });
            }
            Method::BasicCancel { consumer_tag, nowait } => {
                vhost.cancel(key, &consumer_tag);
                self.reply(channel, nowait, &Method::BasicCancelOk { consumer_tag });
            }
            Method::BasicGet { queue, no_ack, .. } => {
                let name = self.queue_name(channel, queue)?;
                let id = vhost.queue_for(&name, self.id)?;
                vhost.get(key, id, no_ack);
            }
            Method::BasicRecover { requeue: true } => {
                vhost.recover(key);
                self.outbox.push_method(channel, &Method::BasicRecoverOk {});
            }
            Method::BasicRecoverAsync { requeue: true } => vhost.recover(key),
            Method::BasicRecover { .. } | Method::BasicRecoverAsync { .. } => {
                return Err(Failure::new(Code::NotImplemented, "requeue=false"));
            }
            method => return Err(out_of_place(&method)),
        }
        Ok(())
    }

    fn on_other_class(&mut self, channel: u16, method: Method) -> Result<(), Failure> {
        match method {
            Method::ConfirmSelect { nowait } => {
                if let Some(local) = self.channels.get_mut(&channel) {
                    local.confirm.get_or_insert(0);
                }
                self.reply(channel, nowait, &Method::ConfirmSelectOk {});
                Ok(())
            }
            Method::AccessRequest { .. } => {
                self.outbox.push_method(channel, &Method::AccessRequestOk { ticket: 1 });
                Ok(())
            }
            Method::TxSelect {} | Method::TxCommit {} | Method::TxRollback {} => {
                Err(Failure::new(Code::NotImplemented, "transactions; use publisher confirms"))
            }
            method => Err(out_of_place(&method)),
        }
    }
}

fn out_of_place(method: &Method) -> Failure {
    let (class, id) = method.id();
    Failure::new(Code::CommandInvalid, format!("method {class}.{id} is not for a client to send on a channel"))
}
