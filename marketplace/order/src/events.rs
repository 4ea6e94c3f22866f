//! The facts that this service tells others, and how they are built from an order.

use chrono::{DateTime, SecondsFormat, Utc};
use platform::document::{Document, Events};
use platform::{Event, EventError, EventType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Actor, Fact, Order};

/// What every event of an order carries. Money in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderFacts {
    /// The order.
    #[schema(format = "uuid")]
    pub order_id: String,
    /// The gig ordered.
    pub gig_id: String,
    /// Its title at the time.
    pub gig_title: String,
    /// Who ordered.
    pub buyer_id: String,
    /// Their name.
    pub buyer_username: String,
    /// Their address.
    #[schema(format = Email)]
    pub buyer_email: String,
    /// Who delivers.
    pub seller_id: String,
    /// Their name.
    pub seller_username: String,
    /// Their address.
    #[schema(format = Email)]
    pub seller_email: String,
    /// Price of the work.
    #[schema(minimum = 1)]
    pub amount: i64,
    /// The marketplace's fee, paid by the buyer on top.
    #[schema(minimum = 0)]
    pub fee: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

macro_rules! event {
    ($(#[$doc:meta])* $name:ident = $type:literal { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// What every event of an order carries.
            #[serde(flatten)]
            pub order: OrderFacts,
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl EventType for $name {
            const TYPE: &'static str = $type;
        }
    };
}

event! {
    /// An order was paid and placed.
    OrderPlaced = "order.placed.v1" {
        /// The intent that paid it.
        payment_intent_id: String,
        /// What the buyer wants done.
        description: String,
        /// How many of it.
        quantity: i64,
        /// When the work is due.
        #[schema(format = DateTime)]
        delivery_due: String,
        /// When it was placed.
        #[schema(format = DateTime)]
        placed_at: String,
    }
}

event! {
    /// The seller delivered.
    OrderDelivered = "order.delivered.v1" {
        /// What the seller says about it.
        message: String,
        /// Where the work is.
        file_url: Option<String>,
        /// When.
        #[schema(format = DateTime)]
        delivered_at: String,
    }
}

event! {
    /// The seller asked for more time.
    ExtensionRequested = "order.extension_requested.v1" {
        /// How much.
        days: i64,
        /// Why.
        reason: String,
        /// The new date.
        #[schema(format = DateTime)]
        new_delivery_due: String,
        /// When it was asked for.
        #[schema(format = DateTime)]
        requested_at: String,
    }
}

event! {
    /// The buyer answered the wish for more time.
    ExtensionDecided = "order.extension_decided.v1" {
        /// Yes or no.
        approved: bool,
        /// How much was asked for.
        days: i64,
        /// The date that holds from now on.
        #[schema(format = DateTime)]
        delivery_due: String,
        /// When.
        #[schema(format = DateTime)]
        decided_at: String,
    }
}

event! {
    /// The buyer approved the work.
    OrderCompleted = "order.completed.v1" {
        /// When.
        #[schema(format = DateTime)]
        completed_at: String,
    }
}

event! {
    /// The order was given up; the buyer gets everything back.
    OrderCancelled = "order.cancelled.v1" {
        /// Why.
        reason: String,
        /// By whom: `buyer`, `seller` or `system`.
        cancelled_by: Actor,
        /// What the buyer gets back.
        refunded: i64,
        /// When.
        #[schema(format = DateTime)]
        cancelled_at: String,
    }
}

/// This service's view of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewSubmitted {
    /// The order reviewed.
    pub order_id: String,
    /// Who was reviewed: `seller` or `buyer`.
    pub reviewed: Actor,
    /// Who wrote it.
    pub reviewer_id: String,
    /// 1 to 5.
    pub rating: i64,
    /// What they wrote.
    pub text: String,
}

impl EventType for ReviewSubmitted {
    const TYPE: &'static str = "review.submitted.v1";
}

/// The event that tells others of `fact`, which has just happened to `order`; some facts are nobody else's business.
///
/// # Errors
///
/// Never in practice: the data is always writable as JSON.
pub fn of(order: &Order, fact: &Fact, at: DateTime<Utc>) -> Result<Option<Event>, EventError> {
    let terms = &order.terms;
    let facts = OrderFacts {
        order_id: terms.order_id.clone(),
        gig_id: terms.gig_id.clone(),
        gig_title: terms.gig_title.clone(),
        buyer_id: terms.buyer_id.clone(),
        buyer_username: terms.buyer_username.clone(),
        buyer_email: terms.buyer_email.clone(),
        seller_id: terms.seller_id.clone(),
        seller_username: terms.seller_username.clone(),
        seller_email: terms.seller_email.clone(),
        amount: terms.amount,
        fee: terms.fee,
        currency: terms.currency.clone(),
    };
    let id = &terms.order_id;
    match fact {
        Fact::Placed => Event::new(
            id,
            &OrderPlaced {
                order: facts,
                payment_intent_id: terms.payment_intent_id.clone(),
                description: terms.description.clone(),
                quantity: terms.quantity,
                delivery_due: text(terms.delivery_due),
                placed_at: text(at),
            },
        ),
        Fact::Delivered { message, file_url } => Event::new(
            id,
            &OrderDelivered {
                order: facts,
                message: message.clone(),
                file_url: file_url.clone(),
                delivered_at: text(at),
            },
        ),
        Fact::ExtensionRequested { days, reason, new_delivery_due } => Event::new(
            id,
            &ExtensionRequested {
                order: facts,
                days: *days,
                reason: reason.clone(),
                new_delivery_due: text(*new_delivery_due),
                requested_at: text(at),
            },
        ),
        Fact::ExtensionDecided { approved, days, delivery_due } => Event::new(
            id,
            &ExtensionDecided {
                order: facts,
                approved: *approved,
                days: *days,
                delivery_due: text(*delivery_due),
                decided_at: text(at),
            },
        ),
        Fact::Completed => Event::new(id, &OrderCompleted { order: facts, completed_at: text(at) }),
        Fact::Cancelled { by, reason } => Event::new(
            id,
            &OrderCancelled {
                order: facts,
                reason: reason.clone(),
                cancelled_by: *by,
                refunded: order.total(),
                cancelled_at: text(at),
            },
        ),
        Fact::Requested(_) | Fact::PaymentFailed { .. } | Fact::Reviewed { .. } => return Ok(None),
    }
    .map(Some)
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The events that this service sends, as AsyncAPI 3.
#[must_use]
pub fn asyncapi() -> Document {
    Events::of("order", "What happens to orders.")
        .with::<OrderPlaced>()
        .with::<OrderDelivered>()
        .with::<ExtensionRequested>()
        .with::<ExtensionDecided>()
        .with::<OrderCompleted>()
        .with::<OrderCancelled>()
        .document()
}
