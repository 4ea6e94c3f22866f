//! What went through a link and what was done to it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Figures of a link since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes written towards the far end.
    pub bytes_up: u64,
    /// Bytes written back.
    pub bytes_down: u64,
    /// Bytes that were held back by a latency.
    pub delayed_bytes: u64,
    /// Longest time that any of them was held, in microseconds.
    pub longest_delay_us: u64,
    /// Bytes that had to wait for bandwidth.
    pub throttled_bytes: u64,
    /// Connections reset by a fault.
    pub resets: u64,
    /// Connections that were held still by a black hole.
    pub held: u64,
    /// Live connections closed by a cut.
    pub cut: u64,
    /// Connections reset because the far end could not be reached.
    pub unreachable: u64,
}

macro_rules! shared {
    ($($field:ident),*) => {
        /// The same figures, shared between the tasks of a link.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $field: AtomicU64,)*
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> LinkCounters {
                LinkCounters { $($field: self.$field.load(Ordering::Relaxed),)* }
            }
        }

        impl LinkCounters {
            /// What was added since an earlier state. Figures that are no sums (`open`, `longest_delay_us`) are those of now.
            #[must_use]
            pub fn since(&self, earlier: &Self) -> Self {
                let mut difference = Self { $($field: self.$field.saturating_sub(earlier.$field),)* };
                difference.open = self.open;
                difference.longest_delay_us = self.longest_delay_us;
                difference
            }
        }
    };
}

shared!(
    connections,
    open,
    bytes_up,
    bytes_down,
    delayed_bytes,
    longest_delay_us,
    throttled_bytes,
    resets,
    held,
    cut,
    unreachable
);

pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
