//! The rules of an order: which fact may follow which, and who may cause it.
//!
//! `pending -> in_progress -> delivered -> completed`, `in_progress -> cancelled`; `pending` (not paid yet) may also end as
//! `failed`. Nothing here touches a database or a clock: commands take the time and return the fact that they cause.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most days that a delivery may take or be extended by.
pub const MAX_DAYS: i64 = 90;

/// Longest free text, in characters.
pub const MAX_TEXT: usize = 4000;

/// The marketplace's fee on an amount: 5 %, rounded up to the next minor unit.
///
/// # Examples
///
/// ```
/// assert_eq!(order::domain::fee(5000), 250);
/// assert_eq!(order::domain::fee(1), 1);
/// ```
#[must_use]
pub fn fee(amount: i64) -> i64 {
    amount / 20 + i64::from(amount % 20 != 0)
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStatus)]
pub enum Status {
    /// Asked for, the payment not captured yet. Nobody but the buyer's own request knows of it.
    Pending,
    /// Paid; the seller works.
    InProgress,
    /// The seller has delivered.
    Delivered,
    /// The buyer has approved.
    Completed,
    /// Given up and refunded.
    Cancelled,
    /// Never paid, so it never became an order.
    Failed,
}

impl Status {
    /// As stored and sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Delivered => "delivered",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Who acts on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Who ordered.
    Buyer,
    /// Who delivers.
    Seller,
    /// The marketplace itself, when a payment timed out.
    System,
}

/// What a buyer asks for. Money in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Id of the order.
    #[schema(format = "uuid")]
    pub order_id: String,
    /// The intent that pays it.
    pub payment_intent_id: String,
    /// The gig ordered.
    pub gig_id: String,
    /// Its title at the time.
    pub gig_title: String,
    /// What the buyer wants done.
    pub description: String,
    /// How many of it.
    #[schema(minimum = 1, maximum = 1000)]
    pub quantity: i64,
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
    /// The marketplace's fee, on top.
    #[schema(minimum = 0)]
    pub fee: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// When the work is due.
    pub delivery_due: DateTime<Utc>,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "fact", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Fact {
    /// The buyer asked for it.
    Requested(Box<Terms>),
    /// The payment was captured.
    Placed,
    /// The payment was declined or timed out.
    PaymentFailed {
        /// The provider's word for it.
        reason: String,
    },
    /// The seller delivered.
    Delivered {
        /// What the seller says about it.
        message: String,
        /// Where the work is.
        file_url: Option<String>,
    },
    /// The seller asked for more time.
    ExtensionRequested {
        /// How much.
        days: i64,
        /// Why.
        reason: String,
        /// The new date.
        new_delivery_due: DateTime<Utc>,
    },
    /// The buyer answered.
    ExtensionDecided {
        /// Yes or no.
        approved: bool,
        /// How much was asked for.
        days: i64,
        /// The date that holds from now on.
        delivery_due: DateTime<Utc>,
    },
    /// The buyer approved the work.
    Completed,
    /// It was given up.
    Cancelled {
        /// By whom.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// One side reviewed the other.
    Reviewed {
        /// Who was reviewed.
        reviewed: Actor,
        /// 1 to 5.
        rating: i64,
        /// What they wrote.
        text: String,
    },
}

impl Fact {
    /// As stored and shown in the timeline.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested(_) => "requested",
            Self::Placed => "placed",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::Delivered { .. } => "delivered",
            Self::ExtensionRequested { .. } => "extension_requested",
            Self::ExtensionDecided { .. } => "extension_decided",
            Self::Completed => "completed",
            Self::Cancelled { .. } => "cancelled",
            Self::Reviewed { .. } => "reviewed",
        }
    }
}

/// Work handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// What the seller says about it.
    pub message: String,
    /// Where the work is.
    pub file_url: Option<String>,
    /// When.
    pub delivered_at: DateTime<Utc>,
}

/// A wish for more time that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpenExtension)]
pub struct Extension {
    /// How much.
    #[schema(minimum = 1, maximum = 90)]
    pub days: i64,
    /// Why.
    pub reason: String,
    /// The new date.
    pub new_delivery_due: DateTime<Utc>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
}

/// How an order ended without work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// By whom.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When.
    pub cancelled_at: DateTime<Utc>,
}

/// A review as the order shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderReview)]
pub struct Review {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// What they wrote.
    pub text: String,
    /// When it arrived here.
    pub at: DateTime<Utc>,
}

/// An order: the fold of its timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fold)]
pub struct Order {
    /// What was asked for; `delivery_due` moves with extensions.
    #[serde(flatten)]
    pub terms: Terms,
    /// Number of facts so far.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it was paid.
    pub placed_at: Option<DateTime<Utc>>,
    /// The work.
    pub delivery: Option<Delivery>,
    /// An open wish for more time.
    pub extension: Option<Extension>,
    /// When the buyer approved.
    pub completed_at: Option<DateTime<Utc>>,
    /// How it was given up.
    pub cancellation: Option<Cancellation>,
    /// Why it was never paid.
    pub failure: Option<String>,
    /// The buyer's review of the seller.
    pub seller_review: Option<Review>,
    /// The seller's review of the buyer.
    pub buyer_review: Option<Review>,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order's state forbids it.
    #[error("an order that is `{}` cannot be {attempted}", status.name())]
    IllegalTransition {
        /// Where the order stands.
        status: Status,
        /// What was attempted.
        attempted: &'static str,
    },
    /// Somebody else's business.
    #[error("only the {0} may do this")]
    NotYours(&'static str),
    /// One wish at a time.
    #[error("an extension was already asked for and waits for the buyer")]
    ExtensionOpen,
    /// Nothing to decide.
    #[error("no extension was asked for")]
    NoExtension,
    /// A value out of its range.
    #[error("{0}")]
    Invalid(String),
}

impl Order {
    /// The order that a timeline begins with.
    #[must_use]
    pub fn requested(terms: Terms, at: DateTime<Utc>) -> Self {
        Self {
            terms,
            version: 1,
            status: Status::Pending,
            requested_at: at,
            placed_at: None,
            delivery: None,
            extension: None,
            completed_at: None,
            cancellation: None,
            failure: None,
            seller_review: None,
            buyer_review: None,
        }
    }

    /// What the buyer pays in all.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.terms.amount + self.terms.fee
    }

    /// Which side `user_id` is on.
    #[must_use]
    pub fn side_of(&self, user_id: &str) -> Option<Actor> {
        if user_id == self.terms.buyer_id {
            Some(Actor::Buyer)
        } else if user_id == self.terms.seller_id {
            Some(Actor::Seller)
        } else {
            None
        }
    }

    /// The seller hands the work over.
    ///
    /// # Errors
    ///
    /// Refused to others, in another state than `in_progress`, with an overlong text, and with a link to no web page.
    pub fn deliver(&self, by: Actor, message: &str, file_url: Option<String>) -> Result<Fact, Refusal> {
        allowed(by, Actor::Seller)?;
        self.expect(Status::InProgress, "delivered")?;
        text("message", message)?;
        link("fileUrl", file_url.as_deref().unwrap_or_default())?;
        Ok(Fact::Delivered { message: message.to_owned(), file_url })
    }

    /// The seller asks for more time.
    ///
    /// # Errors
    ///
    /// Refused to others, in another state than `in_progress`, while another wish is open, and out of 1 to 90 days.
    pub fn request_extension(&self, by: Actor, days: i64, reason: &str) -> Result<Fact, Refusal> {
        allowed(by, Actor::Seller)?;
        self.expect(Status::InProgress, "extended")?;
        if self.extension.is_some() {
            return Err(Refusal::ExtensionOpen);
        }
        text("reason", reason)?;
        let new_delivery_due = self.terms.delivery_due + span(days)?;
        Ok(Fact::ExtensionRequested { days, reason: reason.to_owned(), new_delivery_due })
    }

    /// The buyer answers a wish for more time.
    ///
    /// # Errors
    ///
    /// Refused to others, in another state than `in_progress`, and when nothing was asked for.
    pub fn decide_extension(&self, by: Actor, approved: bool) -> Result<Fact, Refusal> {
        allowed(by, Actor::Buyer)?;
        self.expect(Status::InProgress, "extended")?;
        let open = self.extension.as_ref().ok_or(Refusal::NoExtension)?;
        let delivery_due = if approved { open.new_delivery_due } else { self.terms.delivery_due };
        Ok(Fact::ExtensionDecided { approved, days: open.days, delivery_due })
    }

    /// The buyer approves the work.
    ///
    /// # Errors
    ///
    /// Refused to others, and in another state than `delivered`.
    pub fn approve(&self, by: Actor) -> Result<Fact, Refusal> {
        allowed(by, Actor::Buyer)?;
        self.expect(Status::Delivered, "approved")?;
        Ok(Fact::Completed)
    }

    /// Either side gives it up.
    ///
    /// # Errors
    ///
    /// Refused in another state than `in_progress`, and with an overlong text.
    pub fn cancel(&self, by: Actor, reason: &str) -> Result<Fact, Refusal> {
        self.expect(Status::InProgress, "cancelled")?;
        text("reason", reason)?;
        Ok(Fact::Cancelled { by, reason: reason.to_owned() })
    }

    fn expect(&self, status: Status, attempted: &'static str) -> Result<(), Refusal> {
        if self.status == status { Ok(()) } else { Err(Refusal::IllegalTransition { status: self.status, attempted }) }
    }
}

fn allowed(by: Actor, only: Actor) -> Result<(), Refusal> {
    match only {
        _ if by == only => Ok(()),
        Actor::Buyer => Err(Refusal::NotYours("buyer")),
        Actor::Seller => Err(Refusal::NotYours("seller")),
        Actor::System => Err(Refusal::NotYours("marketplace")),
    }
}

fn text(name: &str, value: &str) -> Result<(), Refusal> {
    if value.chars().count() <= MAX_TEXT {
        Ok(())
    } else {
        Err(Refusal::Invalid(format!("`{name}` is too long: expected at most {MAX_TEXT} characters")))
    }
}

/// Browsers follow links, so that one leads to a file and is no script.
fn link(name: &str, value: &str) -> Result<(), Refusal> {
    text(name, value)?;
    if value.is_empty() || value.starts_with("https://") || value.starts_with("http://") {
        Ok(())
    } else {
        let expected = "expected a URL that starts with `https://` or `http://`";
        Err(Refusal::Invalid(format!("`{name}` is not valid: {expected}")))
    }
}

/// A number of days as a span of time.
///
/// # Errors
///
/// Refused out of 1 to 90 days.
pub fn span(days: i64) -> Result<Duration, Refusal> {
    if (1..=MAX_DAYS).contains(&days) {
        Ok(Duration::days(days))
    } else {
        Err(Refusal::Invalid(format!("`{days}` days: expected 1 to {MAX_DAYS}")))
    }
}
