//! A reusable buffer for metric attributes, so that recording a measurement allocates nothing.

use std::cell::RefCell;

use opentelemetry::KeyValue;

thread_local! {
    static BUFFER: RefCell<Vec<KeyValue>> = const { RefCell::new(Vec::new()) };
}

/// Lends an empty buffer to `record`; a nested call gets a buffer of its own.
pub(crate) fn with_attributes<T>(record: impl FnOnce(&mut Vec<KeyValue>) -> T) -> T {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.clear();
            record(&mut buffer)
        }
        Err(_) => record(&mut Vec::new()),
    })
}
