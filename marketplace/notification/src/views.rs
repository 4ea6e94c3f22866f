//! This service's own view of the events that it hears: only the fields that mails need.

use platform::EventType;
use serde::{Deserialize, Serialize};

macro_rules! event {
    ($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl EventType for $name {
            const TYPE: &'static str = $kind;
        }
    };
}

/// What every event of an order says about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderFacts {
    /// The order.
    pub order_id: String,
    /// Title of its gig.
    pub gig_title: String,
    /// Name of the buyer.
    pub buyer_username: String,
    /// Address of the buyer.
    pub buyer_email: String,
    /// Name of the seller.
    pub seller_username: String,
    /// Address of the seller.
    pub seller_email: String,
    /// Price of the work in minor units.
    pub amount: i64,
    /// The marketplace's fee in minor units.
    pub fee: i64,
    /// ISO 4217 code.
    pub currency: String,
}

macro_rules! order_event {
    ($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// What every event of an order says.
            #[serde(flatten)]
            pub order: OrderFacts,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl EventType for $name {
            const TYPE: &'static str = $kind;
        }
    };
}

event! {
    /// Somebody signed up.
    UserRegistered = "auth.user_registered.v1" {
        /// Name of the account.
        username: String,
        /// Its address.
        email: String,
    }
}

event! {
    /// An address is to be verified.
    VerificationRequested = "auth.verification_requested.v1" {
        /// Name of the account.
        username: String,
        /// Its address.
        email: String,
        /// The token for the link.
        token: String,
    }
}

event! {
    /// Somebody forgot a password.
    PasswordResetRequested = "auth.password_reset_requested.v1" {
        /// Name of the account.
        username: String,
        /// Its address.
        email: String,
        /// The token for the link.
        token: String,
    }
}

event! {
    /// A password was set.
    PasswordChanged = "auth.password_changed.v1" {
        /// Name of the account.
        username: String,
        /// Its address.
        email: String,
    }
}

event! {
    /// A seller made a custom offer.
    OfferMade = "chat.offer_made.v1" {
        /// Title of the gig.
        gig_title: String,
        /// Name of the buyer.
        buyer_username: String,
        /// Address of the buyer.
        buyer_email: String,
        /// Name of the seller.
        seller_username: String,
        /// What is offered.
        description: String,
        /// Price in minor units.
        price: i64,
        /// ISO 4217 code.
        currency: String,
        /// Days until delivery.
        delivery_in_days: i64,
    }
}

order_event! {
    /// An order was placed.
    OrderPlaced = "order.placed.v1" {
        /// When it is due: RFC 3339.
        delivery_due: String,
    }
}

order_event! {
    /// The work was delivered.
    OrderDelivered = "order.delivered.v1" {
        /// What the seller says about it.
        message: String,
    }
}

order_event! {
    /// The seller asks for more time.
    OrderExtensionRequested = "order.extension_requested.v1" {
        /// How many days more.
        days: i64,
        /// Why.
        reason: String,
    }
}

order_event! {
    /// The buyer decided on more time.
    OrderExtensionDecided = "order.extension_decided.v1" {
        /// Whether it was granted.
        approved: bool,
        /// When the order is due now: RFC 3339.
        delivery_due: String,
    }
}

order_event! {
    /// The buyer approved the work.
    OrderCompleted = "order.completed.v1" {}
}

order_event! {
    /// The order was cancelled.
    OrderCancelled = "order.cancelled.v1" {
        /// Why.
        reason: String,
        /// What the buyer gets back, in minor units.
        refunded: i64,
    }
}
