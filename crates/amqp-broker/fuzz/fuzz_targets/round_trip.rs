//! What decodes as a method encodes to something that decodes as the same method.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| amqp_broker::fuzzing::round_trip(data));
