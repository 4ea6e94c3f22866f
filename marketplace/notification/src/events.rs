//! This service's view of what others tell: only what mails are made of.

use platform::EventType;
use serde::{Deserialize, Serialize};

macro_rules! view {
    ($(#[$doc:meta])* $name:ident = $type:literal { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(missing_docs, reason = "the fields are documented by their producer")]
        pub struct $name {
            $(pub $field: $kind,)*
        }

        impl EventType for $name {
            const TYPE: &'static str = $type;
        }
    };
}

view! {
    /// An address is to be verified.
    VerificationRequested = "auth.verification_requested.v1" { username: String, email: String, token: String }
}
view! {
    /// Somebody forgot a password.
    PasswordResetRequested = "auth.password_reset_requested.v1" { username: String, email: String, token: String }
}
view! {
    /// A password was set.
    PasswordChanged = "auth.password_changed.v1" { username: String, email: String }
}
view! {
    /// A seller made somebody a custom offer.
    OfferMade = "chat.offer_made.v1" {
        gig_title: String, buyer_username: String, buyer_email: String, seller_username: String, description: String,
        price: i64, currency: String, delivery_in_days: i64,
    }
}
view! {
    /// An order was placed.
    OrderPlaced = "order.placed.v1" {
        order_id: String, gig_title: String, buyer_username: String, buyer_email: String, seller_username: String,
        seller_email: String, amount: i64, fee: i64, currency: String, delivery_due: String,
    }
}
view! {
    /// The seller delivered.
    OrderDelivered = "order.delivered.v1" {
        order_id: String, gig_title: String, buyer_username: String, buyer_email: String, seller_username: String,
        message: String,
    }
}
view! {
    /// The seller asked for more time.
    ExtensionRequested = "order.extension_requested.v1" {
        order_id: String, gig_title: String, buyer_username: String, buyer_email: String, seller_username: String,
        days: i64, reason: String, new_delivery_due: String,
    }
}
view! {
    /// The buyer answered the wish for more time.
    ExtensionDecided = "order.extension_decided.v1" {
        order_id: String, gig_title: String, buyer_username: String, seller_username: String, seller_email: String,
        approved: bool, delivery_due: String,
    }
}
view! {
    /// The buyer approved the work.
    OrderCompleted = "order.completed.v1" {
        order_id: String, gig_title: String, buyer_username: String, buyer_email: String, seller_username: String,
        seller_email: String, amount: i64, currency: String,
    }
}
view! {
    /// The order was given up.
    OrderCancelled = "order.cancelled.v1" {
        order_id: String, gig_title: String, buyer_username: String, buyer_email: String, seller_username: String,
        seller_email: String, reason: String, refunded: i64, currency: String,
    }
}
