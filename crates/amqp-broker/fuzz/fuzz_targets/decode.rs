//! Arbitrary bytes as frames, methods, properties and journal records: none may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| amqp_broker::fuzzing::decode(data));
