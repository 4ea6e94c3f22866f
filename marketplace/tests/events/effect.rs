//! What an event does to a consumer, as far as it can be measured.

use crate::system::System;
use crate::tap::Heard;

/// An effect, and where it shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    /// Something grows by one: what the query finds about the aggregate that the field of the event names.
    Counts { query: &'static str, of: &'static str },
    /// Something is there, however often it is told.
    Keeps { query: &'static str, of: &'static str },
    /// One mail for each recipient.
    Mails(&'static [&'static str]),
}

impl Effect {
    pub(crate) async fn measure(&self, system: &System, consumer: &str, event: &Heard) -> i64 {
        match self {
            Self::Counts { query, of } | Self::Keeps { query, of } => {
                system.number(consumer, query, event.text(of)).await
            }
            Self::Mails(roles) => {
                let mails = roles.iter().map(|role| format!("{}.{role}@marketplace", event.id));
                // What no recipient may get twice is not made good by what another did not get.
                mails.map(|id| if system.mails.count(&id) == 1 { 1 } else { -100 }).sum()
            }
        }
    }

    /// Whether `measure` shows the effect of at least one event.
    pub(crate) fn is_there(&self, measure: i64) -> bool {
        match self {
            Self::Counts { .. } | Self::Keeps { .. } => measure != 0,
            Self::Mails(roles) => measure == roles.len() as i64,
        }
    }
}
