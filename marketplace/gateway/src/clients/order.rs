//! The order service.

use platform::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallError, Service};

/// An order, as its buyer and its seller see it. Addresses are left out: mails are the marketplace's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The payment.
    pub payment_intent_id: String,
    /// What was ordered.
    pub gig_id: String,
    /// Its title at that time.
    pub gig_title: String,
    /// What the buyer wants.
    pub description: String,
    /// How many.
    #[schema(minimum = 1, maximum = 1000)]
    pub quantity: i64,
    /// Who buys.
    pub buyer_id: String,
    /// Their name.
    pub buyer_username: String,
    /// Who sells.
    pub seller_id: String,
    /// Their name.
    pub seller_username: String,
    /// Price of the work in minor units.
    #[schema(minimum = 1)]
    pub amount: i64,
    /// The marketplace's fee, paid by the buyer on top.
    #[schema(minimum = 0)]
    pub fee: i64,
    /// What the buyer pays in all.
    #[schema(minimum = 1)]
    pub total: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub delivery_due: String,
    /// Number of facts so far.
    #[schema(minimum = 1)]
    pub version: i64,
    /// `pending`, `in_progress`, `delivered`, `completed`, `cancelled` or `failed`.
    #[schema(pattern = "^(in_progress|delivered|completed|cancelled)$")]
    pub status: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub requested_at: String,
    /// RFC 3339; none before it is paid.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub placed_at: Option<String>,
    /// The work.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// A wish for more time that waits for an answer.
    #[serde(default)]
    pub extension: Option<OpenExtension>,
    /// RFC 3339; none before the buyer approves.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
    /// How it was given up.
    #[serde(default)]
    pub cancellation: Option<Cancellation>,
    /// Why it was never paid.
    #[serde(default)]
    pub failure: Option<String>,
    /// The buyer's review of the seller.
    #[serde(default)]
    pub seller_review: Option<OrderReview>,
    /// The seller's review of the buyer.
    #[serde(default)]
    pub buyer_review: Option<OrderReview>,
}

/// Work handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// What the seller says about it.
    pub message: String,
    /// Where the work is.
    #[serde(default)]
    pub file_url: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub delivered_at: String,
}

/// A wish for more time that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenExtension {
    /// How many days more.
    #[schema(minimum = 1, maximum = 90)]
    pub days: i64,
    /// Why.
    pub reason: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub new_delivery_due: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub requested_at: String,
}

/// How an order was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// `buyer`, `seller` or `system`.
    #[schema(pattern = "^(buyer|seller|system)$")]
    pub by: String,
    /// Why.
    pub reason: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub cancelled_at: String,
}

/// A review as an order shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderReview {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// In words.
    pub text: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A payment that can be captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentIntent {
    /// The payment provider's id.
    pub payment_intent_id: String,
    /// What the buyer's browser confirms the payment with.
    pub client_secret: String,
    /// The one order that it may pay.
    #[schema(format = "uuid")]
    pub order_id: String,
    /// Price of the work in minor units.
    #[schema(minimum = 1)]
    pub amount: i64,
    /// The marketplace's fee.
    #[schema(minimum = 0)]
    pub fee: i64,
    /// What the buyer pays in all.
    #[schema(minimum = 1)]
    pub total: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

/// What is to be paid, as the gig service says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewIntent {
    /// What is to be ordered.
    pub gig_id: String,
    /// Who sells.
    pub seller_id: String,
    /// Price of the work in minor units, for all pieces.
    pub amount: i64,
    /// How many pieces.
    pub quantity: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// An order to be, with what the gig and users services say about it. Its price is that of the payment intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewOrder {
    /// The payment.
    pub payment_intent_id: String,
    /// What is ordered.
    pub gig_id: String,
    /// Its title.
    pub gig_title: String,
    /// Who sells.
    pub seller_id: String,
    /// Their name.
    pub seller_username: String,
    /// Their address, for mails.
    pub seller_email: String,
    /// How many.
    pub quantity: i64,
    /// What the buyer wants.
    pub description: String,
    /// Days until delivery.
    pub delivery_days: i64,
}

/// Why an order is cancelled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cancel {
    /// The reason.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub reason: String,
}

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from 1.
    #[schema(minimum = 1)]
    pub version: i64,
    /// What happened.
    pub fact: String,
    /// The order's status after it.
    pub state: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A request for more time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Extension {
    /// How many days more.
    #[schema(minimum = 1, maximum = 90)]
    pub days: i64,
    /// Why.
    #[schema(max_length = 4000)]
    pub reason: String,
}

/// What is delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deliver {
    /// A word to the buyer.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub message: String,
    /// Where the work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4000, pattern = "^(https?://.*)?$")]
    pub file_url: Option<String>,
}

/// Something that a user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Who should know.
    pub user_to: String,
    /// Who caused it.
    pub sender_username: String,
    /// The order.
    #[schema(format = "uuid")]
    pub order_id: String,
    /// What happened.
    pub message: String,
    /// Whether they know.
    pub is_read: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Which notification has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MarkNotificationAsRead)]
pub struct MarkAsRead {
    /// The notification.
    pub notification_id: String,
}

#[derive(Deserialize)]
struct OrdersAnswer {
    orders: Vec<Order>,
}

#[derive(Deserialize)]
struct TimelineAnswer {
    timeline: Vec<Entry>,
}

#[derive(Deserialize)]
struct NotificationAnswer {
    notification: Notification,
}

#[derive(Deserialize)]
struct NotificationsAnswer {
    notifications: Vec<Notification>,
}

/// The order service.
#[derive(Clone, Debug)]
pub struct OrderClient(Service);

impl OrderClient {
    /// Wraps `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self(service)
    }

    /// An order of the caller.
    ///
    /// # Errors
    /// 403 or 404 when it is somebody else's or nobody's.
    pub async fn order(&self, order_id: &str, caller: &Caller) -> Result<Order, CallError> {
        let call = self.0.get("/api/v1/order/{orderId}", &[order_id]);
        call.send(caller).await
    }

    /// What happened to an order of the caller, oldest first.
    ///
    /// # Errors
    /// 403 or 404 when it is somebody else's or nobody's.
    pub async fn timeline(&self, order_id: &str, caller: &Caller) -> Result<Vec<Entry>, CallError> {
        let call = self.0.get("/api/v1/order/timeline/{orderId}", &[order_id]);
        let answer: TimelineAnswer = call.send(caller).await?;
        Ok(answer.timeline)
    }

    /// The caller's orders as a seller; `query` may name a `status` and a page.
    ///
    /// # Errors
    /// 403 when they are somebody else's.
    pub async fn of_seller(
        &self,
        seller_id: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Order>, CallError> {
        let call = self.0.get("/api/v1/order/seller/{sellerId}", &[seller_id]);
        let answer: OrdersAnswer = call.query(query).send(caller).await?;
        Ok(answer.orders)
    }

    /// The caller's orders as a buyer; `query` may name a `status` and a page.
    ///
    /// # Errors
    /// 403 when they are somebody else's.
    pub async fn of_buyer(
        &self,
        buyer_id: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Order>, CallError> {
        let call = self.0.get("/api/v1/order/buyer/{buyerId}", &[buyer_id]);
        let answer: OrdersAnswer = call.query(query).send(caller).await?;
        Ok(answer.orders)
    }

    /// Prepares a payment.
    ///
    /// # Errors
    /// 400 for what is not valid, 402 when the provider declines, 503 when it does not answer.
    pub async fn create_payment_intent(
        &self,
        intent: &NewIntent,
        idempotency_key: Option<&str>,
        caller: &Caller,
    ) -> Result<PaymentIntent, CallError> {
        let call = self.0.post("/api/v1/order/create-payment-intent", &[]);
        let call = call.json(intent).idempotency_key(idempotency_key);
        call.send(caller).await
    }

    /// Places an order and captures its payment.
    ///
    /// # Errors
    /// 400 for what is not valid, 402 when the payment is declined, 409 when the payment was used.
    pub async fn create(
        &self,
        order: &NewOrder,
        idempotency_key: Option<&str>,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        let call = self.0.post("/api/v1/order", &[]).json(order);
        call.idempotency_key(idempotency_key).send(caller).await
    }

    /// Cancels an order and gives the money back.
    ///
    /// # Errors
    /// 403 when it is somebody else's, 409 when it cannot be cancelled any more.
    pub async fn cancel(&self, order_id: &str, body: &Cancel, caller: &Caller) -> Result<Order, CallError> {
        self.change("/api/v1/order/cancel/{orderId}", order_id, body, caller).await
    }

    /// Asks the buyer for more time.
    ///
    /// # Errors
    /// 403 when the caller is not the seller, 409 when it is too late.
    pub async fn request_extension(
        &self,
        order_id: &str,
        body: &Extension,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        self.change("/api/v1/order/extension/{orderId}", order_id, body, caller).await
    }

    /// Grants (`approve`) or refuses (`reject`) more time.
    ///
    /// # Errors
    /// 403 when the caller is not the buyer, 409 when nobody asked.
    pub async fn decide_extension(&self, decision: &str, order_id: &str, caller: &Caller) -> Result<Order, CallError> {
        let values = [decision, order_id];
        let call = self.0.put("/api/v1/order/gig/{type}/{orderId}", &values);
        call.json(&serde_json::json!({})).send(caller).await
    }

    /// Delivers the work.
    ///
    /// # Errors
    /// 403 when the caller is not the seller, 409 when it is too late.
    pub async fn deliver(&self, order_id: &str, body: &Deliver, caller: &Caller) -> Result<Order, CallError> {
        self.change("/api/v1/order/deliver-order/{orderId}", order_id, body, caller).await
    }

    /// Accepts the work.
    ///
    /// # Errors
    /// 403 when the caller is not the buyer, 409 when nothing was delivered.
    pub async fn approve(&self, order_id: &str, caller: &Caller) -> Result<Order, CallError> {
        let body = serde_json::json!({});
        self.change("/api/v1/order/approve-order/{orderId}", order_id, &body, caller).await
    }

    async fn change(
        &self,
        template: &'static str,
        order_id: &str,
        body: &impl Serialize,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        let call = self.0.put(template, &[order_id]).json(body);
        call.send(caller).await
    }

    /// What the caller should know, newest first; `query` may name a page.
    ///
    /// # Errors
    /// 403 when it is somebody else's.
    pub async fn notifications(
        &self,
        user_to: &str,
        query: Option<&str>,
        caller: &Caller,
    ) -> Result<Vec<Notification>, CallError> {
        let call = self.0.get("/api/v1/order/notification/{userTo}", &[user_to]);
        let answer: NotificationsAnswer = call.query(query).send(caller).await?;
        Ok(answer.notifications)
    }

    /// Marks a notification of the caller as read.
    ///
    /// # Errors
    /// 404 when there is no such notification of the caller.
    pub async fn mark_as_read(&self, body: &MarkAsRead, caller: &Caller) -> Result<Notification, CallError> {
        let call = self.0.put("/api/v1/order/notification/mark-as-read", &[]);
        let answer: NotificationAnswer = call.json(body).send(caller).await?;
        Ok(answer.notification)
    }
}
