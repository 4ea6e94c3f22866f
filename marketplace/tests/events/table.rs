//! Who hears of what, and does what about it.

use serde_json::Value;

use super::effect::Effect::{self, Counts, Keeps, Mails};

/// An event and its consumers.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) event_type: &'static str,
    /// Tells the event that is looked at from others of its type.
    pub(crate) fits: fn(&Value) -> bool,
    pub(crate) consumers: &'static [(&'static str, Effect)],
}

const fn any(_: &Value) -> bool {
    true
}

fn of_ada(data: &Value) -> bool {
    data["username"] == "ada"
}

fn of_a_seller(data: &Value) -> bool {
    data["reviewed"] == "seller"
}

const fn counted(query: &'static str, of: &'static str) -> Effect {
    Counts { query, of }
}

const fn kept(query: &'static str, of: &'static str) -> Effect {
    Keeps { query, of }
}

const fn row(event_type: &'static str, consumers: &'static [(&'static str, Effect)]) -> Row {
    Row { event_type, fits: any, consumers }
}

pub(crate) const TABLE: &[Row] = &[
    Row {
        event_type: "auth.user_registered.v1",
        fits: of_ada,
        consumers: &[
            ("users", kept("SELECT COUNT(*) FROM buyers WHERE id = $1", "userId")),
            ("notification", Mails(&["user"])),
        ],
    },
    Row {
        event_type: "auth.verification_requested.v1",
        fits: of_ada,
        consumers: &[
            ("users", counted("SELECT verifications FROM account_activity WHERE account_id = $1", "userId")),
            ("notification", Mails(&["user"])),
        ],
    },
    Row {
        event_type: "auth.password_reset_requested.v1",
        fits: of_ada,
        consumers: &[
            ("users", counted("SELECT resets FROM account_activity WHERE account_id = $1", "userId")),
            ("notification", Mails(&["user"])),
        ],
    },
    Row {
        event_type: "auth.password_changed.v1",
        fits: of_ada,
        consumers: &[
            ("users", counted("SELECT password_changes FROM account_activity WHERE account_id = $1", "userId")),
            ("notification", Mails(&["user"])),
        ],
    },
    row("users.seller_created.v1", &[("gig", kept("SELECT COUNT(*) FROM sellers WHERE id = $1", "sellerId"))]),
    row("users.seller_updated.v1", &[("gig", kept("SELECT revision FROM sellers WHERE id = $1", "sellerId"))]),
    row("gig.created.v1", &[("users", counted("SELECT gigs FROM seller_counters WHERE seller_id = $1", "sellerId"))]),
    row("gig.deleted.v1", &[("users", counted("SELECT -gigs FROM seller_counters WHERE seller_id = $1", "sellerId"))]),
    row("chat.offer_made.v1", &[("notification", Mails(&["buyer"]))]),
    row(
        "order.placed.v1",
        &[
            ("users", counted("SELECT ongoing FROM seller_counters WHERE seller_id = $1", "sellerId")),
            ("notification", Mails(&["buyer", "seller"])),
        ],
    ),
    row(
        "order.delivered.v1",
        &[
            ("users", counted("SELECT deliveries FROM seller_work WHERE seller_id = $1", "sellerId")),
            ("notification", Mails(&["buyer"])),
        ],
    ),
    row(
        "order.extension_requested.v1",
        &[
            ("users", counted("SELECT extensions_requested FROM seller_work WHERE seller_id = $1", "sellerId")),
            ("notification", Mails(&["buyer"])),
        ],
    ),
    row(
        "order.extension_decided.v1",
        &[
            ("users", counted("SELECT extensions_granted FROM seller_work WHERE seller_id = $1", "sellerId")),
            ("notification", Mails(&["seller"])),
        ],
    ),
    row(
        "order.completed.v1",
        &[
            ("users", counted("SELECT completed FROM seller_counters WHERE seller_id = $1", "sellerId")),
            ("notification", Mails(&["buyer", "seller"])),
        ],
    ),
    row(
        "order.cancelled.v1",
        &[
            ("users", counted("SELECT cancelled FROM buyer_counters WHERE buyer_id = $1", "buyerId")),
            ("notification", Mails(&["buyer", "seller"])),
        ],
    ),
    Row {
        event_type: "review.submitted.v1",
        fits: of_a_seller,
        consumers: &[
            ("users", counted("SELECT rating_count FROM seller_counters WHERE seller_id = $1", "sellerId")),
            ("order", kept("SELECT COUNT(*) FROM order_facts WHERE order_id = $1 AND fact = 'reviewed'", "orderId")),
        ],
    },
];
