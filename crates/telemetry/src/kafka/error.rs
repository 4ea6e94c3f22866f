//! What can go wrong with Kafka, as `error.type`: librdkafka's name of the error, of which there are some hundred.

use std::borrow::Cow;

use rdkafka::error::KafkaError;

pub(super) fn error_type(error: &KafkaError) -> Cow<'static, str> {
    match (error, error.rdkafka_error_code()) {
        (_, Some(code)) => format!("{code:?}").into(),
        (KafkaError::Canceled, None) => "Canceled".into(),
        _ => "kafka_error".into(),
    }
}
