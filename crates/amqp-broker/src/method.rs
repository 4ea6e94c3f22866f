//! Every method of AMQP 0-9-1 and of RabbitMQ's extensions, with its arguments in wire order.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    value::{FieldTable, ShortStr},
    wire::{Decoder, Encoder, Field, WireError},
};

macro_rules! methods {
    ($($class:literal $id:literal $name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {
        /// One method with its arguments.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Method {
            $($name { $($field: $ty),* },)*
        }

        impl Method {
            /// Class and method number.
            pub(crate) fn id(&self) -> (u16, u16) {
                match self {
                    $(Self::$name { .. } => ($class, $id),)*
                }
            }

            pub(crate) fn decode(payload: &[u8], max_depth: usize) -> Result<Self, WireError> {
                let mut from = Decoder::new(payload, max_depth);
                match (from.u16()?, from.u16()?) {
                    $(($class, $id) => Ok(Self::$name { $($field: <$ty>::decode(&mut from)?),* }),)*
                    (class, id) => Err(WireError::Method(class, id)),
                }
            }

            pub(crate) fn encode(&self, out: &mut BytesMut) {
                let (class, id) = self.id();
                out.put_u16(class);
                out.put_u16(id);
                let mut to = Encoder::new(out);
                match self {
                    $(Self::$name { $($field),* } => { $($field.encode(&mut to);)* })*
                }
                let _ = to.octets();
            }

            /// Every method once, with any arguments.
            #[cfg(test)]
            pub(crate) fn samples(source: &mut crate::value::Sampler) -> Vec<Self> {
                let _ = &source;
                vec![$(Self::$name { $($field: <$ty>::sample(source)),* }),*]
            }
        }
    };
}

methods! {
    10 10 ConnectionStart { major: u8, minor: u8, properties: FieldTable, mechanisms: Bytes, locales: Bytes }
    10 11 ConnectionStartOk { properties: FieldTable, mechanism: ShortStr, response: Bytes, locale: ShortStr }
    10 20 ConnectionSecure { challenge: Bytes }
    10 21 ConnectionSecureOk { response: Bytes }
    10 30 ConnectionTune { channel_max: u16, frame_max: u32, heartbeat: u16 }
    10 31 ConnectionTuneOk { channel_max: u16, frame_max: u32, heartbeat: u16 }
    10 40 ConnectionOpen { vhost: ShortStr, capabilities: ShortStr, insist: bool }
    10 41 ConnectionOpenOk { known_hosts: ShortStr }
    10 50 ConnectionClose { code: u16, text: ShortStr, class: u16, method: u16 }
    10 51 ConnectionCloseOk {}
    10 60 ConnectionBlocked { reason: ShortStr }
    10 61 ConnectionUnblocked {}
    10 70 ConnectionUpdateSecret { secret: Bytes, reason: ShortStr }
    10 71 ConnectionUpdateSecretOk {}
    20 10 ChannelOpen { out_of_band: ShortStr }
    20 11 ChannelOpenOk { channel_id: Bytes }
    20 20 ChannelFlow { active: bool }
    20 21 ChannelFlowOk { active: bool }
    20 40 ChannelClose { code: u16, text: ShortStr, class: u16, method: u16 }
    20 41 ChannelCloseOk {}
    30 10 AccessRequest { realm: ShortStr, exclusive: bool, passive: bool, active: bool, write: bool, read: bool }
    30 11 AccessRequestOk { ticket: u16 }
    40 10 ExchangeDeclare {
        ticket: u16, exchange: ShortStr, kind: ShortStr, passive: bool, durable: bool, auto_delete: bool,
        internal: bool, nowait: bool, arguments: FieldTable,
    }
    40 11 ExchangeDeclareOk {}
    40 20 ExchangeDelete { ticket: u16, exchange: ShortStr, if_unused: bool, nowait: bool }
    40 21 ExchangeDeleteOk {}
    40 30 ExchangeBind {
        ticket: u16, destination: ShortStr, source: ShortStr, routing_key: ShortStr, nowait: bool, arguments: FieldTable,
    }
    40 31 ExchangeBindOk {}
    40 40 ExchangeUnbind {
        ticket: u16, destination: ShortStr, source: ShortStr, routing_key: ShortStr, nowait: bool, arguments: FieldTable,
    }
    40 51 ExchangeUnbindOk {}
    50 10 QueueDeclare {
        ticket: u16, queue: ShortStr, passive: bool, durable: bool, exclusive: bool, auto_delete: bool, nowait: bool,
        arguments: FieldTable,
    }
    50 11 QueueDeclareOk { queue: ShortStr, messages: u32, consumers: u32 }
    50 20 QueueBind {
        ticket: u16, queue: ShortStr, exchange: ShortStr, routing_key: ShortStr, nowait: bool, arguments: FieldTable,
    }
    50 21 QueueBindOk {}
    50 30 QueuePurge { ticket: u16, queue: ShortStr, nowait: bool }
    50 31 QueuePurgeOk { messages: u32 }
    50 40 QueueDelete { ticket: u16, queue: ShortStr, if_unused: bool, if_empty: bool, nowait: bool }
    50 41 QueueDeleteOk { messages: u32 }
    50 50 QueueUnbind { ticket: u16, queue: ShortStr, exchange: ShortStr, routing_key: ShortStr, arguments: FieldTable }
    50 51 QueueUnbindOk {}
    60 10 BasicQos { prefetch_size: u32, prefetch_count: u16, global: bool }
    60 11 BasicQosOk {}
    60 20 BasicConsume {
        ticket: u16, queue: ShortStr, consumer_tag: ShortStr, no_local: bool, no_ack: bool, exclusive: bool,
        nowait: bool, arguments: FieldTable,
    }
    60 21 BasicConsumeOk { consumer_tag: ShortStr }
    60 30 BasicCancel { consumer_tag: ShortStr, nowait: bool }
    60 31 BasicCancelOk { consumer_tag: ShortStr }
    60 40 BasicPublish { ticket: u16, exchange: ShortStr, routing_key: ShortStr, mandatory: bool, immediate: bool }
    60 50 BasicReturn { code: u16, text: ShortStr, exchange: ShortStr, routing_key: ShortStr }
    60 60 BasicDeliver {
        consumer_tag: ShortStr, delivery_tag: u64, redelivered: bool, exchange: ShortStr, routing_key: ShortStr,
    }
    60 70 BasicGet { ticket: u16, queue: ShortStr, no_ack: bool }
    60 71 BasicGetOk {
        delivery_tag: u64, redelivered: bool, exchange: ShortStr, routing_key: ShortStr, messages: u32,
    }
    60 72 BasicGetEmpty { cluster_id: ShortStr }
    60 80 BasicAck { delivery_tag: u64, multiple: bool }
    60 90 BasicReject { delivery_tag: u64, requeue: bool }
    60 100 BasicRecoverAsync { requeue: bool }
    60 110 BasicRecover { requeue: bool }
    60 111 BasicRecoverOk {}
    60 120 BasicNack { delivery_tag: u64, multiple: bool, requeue: bool }
    85 10 ConfirmSelect { nowait: bool }
    85 11 ConfirmSelectOk {}
    90 10 TxSelect {}
    90 11 TxSelectOk {}
    90 20 TxCommit {}
    90 21 TxCommitOk {}
    90 30 TxRollback {}
    90 31 TxRollbackOk {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::Sampler;

    proptest! {
        #[test]
        fn every_method_survives_a_round_trip(seed: u64) {
            for method in Method::samples(&mut Sampler(seed)) {
                let mut out = BytesMut::new();
                method.encode(&mut out);
                prop_assert_eq!(Method::decode(&out, 16), Ok(method));
            }
        }

        #[test]
        fn truncated_methods_are_refused_without_panic(seed: u64, cut: u16) {
            for method in Method::samples(&mut Sampler(seed)) {
                let mut out = BytesMut::new();
                method.encode(&mut out);
                let kept = usize::from(cut) % out.len();
                prop_assert_eq!(Method::decode(&out[..kept], 16), Err(WireError::Short));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(class in prop::sample::select(vec![10u8, 20, 40, 50, 60, 85, 90]), id: u8, data: Vec<u8>) {
            let mut payload = vec![0, class, 0, id];
            payload.extend(data);
            let _ = Method::decode(&payload, 16);
        }
    }

    #[test]
    fn bits_share_one_octet_lowest_first() {
        let mut out = BytesMut::new();
        Method::BasicNack { delivery_tag: 1, multiple: false, requeue: true }.encode(&mut out);
        assert_eq!(&out[..], [0, 60, 0, 120, 0, 0, 0, 0, 0, 0, 0, 1, 0b10]);
    }
}
