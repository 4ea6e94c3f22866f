//! The order service.

use platform::Caller;
use serde::{Deserialize, Serialize};

use super::{CallError, Service};

/// An order, as its buyer and its seller see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Id.
    pub id: String,
    /// What was ordered.
    pub gig_id: String,
    /// Its title at that time.
    pub gig_title: String,
    /// Who buys.
    pub buyer_id: String,
    /// Their name.
    pub buyer_username: String,
    /// Who sells.
    pub seller_id: String,
    /// Their name.
    pub seller_username: String,
    /// Price of the work in minor units.
    pub amount: i64,
    /// The marketplace's fee, paid by the buyer on top.
    pub fee: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// How many.
    pub quantity: i64,
    /// What the buyer wants.
    pub description: String,
    /// `in_progress`, `delivered`, `completed` or `cancelled`.
    pub status: String,
    /// The payment.
    pub payment_intent_id: String,
    /// RFC 3339.
    pub delivery_due: String,
    /// RFC 3339.
    pub placed_at: String,
}

/// A payment that can be captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentIntent {
    /// The payment provider's id.
    pub payment_intent_id: String,
    /// What the buyer's browser confirms the payment with.
    pub client_secret: String,
    /// Price of the work in minor units.
    pub amount: i64,
    /// The marketplace's fee.
    pub fee: i64,
    /// ISO 4217 code.
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
    /// Price of the work in minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// An order to be, with what the gig and users services say about it.
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
    /// Price of the work in minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// How many.
    pub quantity: i64,
    /// What the buyer wants.
    pub description: String,
    /// Days until delivery.
    pub delivery_days: i64,
}

/// Why an order is cancelled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The reason.
    #[serde(default)]
    pub reason: String,
}

/// A request for more time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// How many days more.
    pub days: i64,
    /// Why.
    pub reason: String,
}

/// What is delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deliver {
    /// A word to the buyer.
    #[serde(default)]
    pub message: String,
    /// Where the work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_url: Option<String>,
}

/// Something that a user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Id.
    pub id: String,
    /// Who should know.
    pub user_to: String,
    /// The order.
    pub order_id: String,
    /// What happened.
    pub message: String,
    /// Whether they know.
    pub is_read: bool,
    /// RFC 3339.
    pub created_at: String,
}

/// Which notification has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarkAsRead {
    /// The notification.
    pub notification_id: String,
}

#[derive(Deserialize)]
struct OrderAnswer {
    order: Order,
}

#[derive(Deserialize)]
struct OrdersAnswer {
    orders: Vec<Order>,
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
        let answer: OrderAnswer = call.send(caller).await?;
        Ok(answer.order)
    }

    /// The caller's orders as a seller; `query` may name a `status`.
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

    /// The caller's orders as a buyer; `query` may name a `status`.
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
        let answer: OrderAnswer = call.idempotency_key(idempotency_key).send(caller).await?;
        Ok(answer.order)
    }

    /// Cancels an order and gives the money back.
    ///
    /// # Errors
    /// 403 when it is somebody else's, 409 when it cannot be cancelled any more.
    pub async fn cancel(
        &self,
        order_id: &str,
        body: &Cancel,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        self.change("/api/v1/order/cancel/{orderId}", order_id, body, caller)
            .await
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
        self.change("/api/v1/order/extension/{orderId}", order_id, body, caller)
            .await
    }

    /// Grants (`approve`) or refuses (`reject`) more time.
    ///
    /// # Errors
    /// 403 when the caller is not the buyer, 409 when nobody asked.
    pub async fn decide_extension(
        &self,
        decision: &str,
        order_id: &str,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        let values = [decision, order_id];
        let call = self.0.put("/api/v1/order/gig/{type}/{orderId}", &values);
        let answer: OrderAnswer = call.json(&serde_json::json!({})).send(caller).await?;
        Ok(answer.order)
    }

    /// Delivers the work.
    ///
    /// # Errors
    /// 403 when the caller is not the seller, 409 when it is too late.
    pub async fn deliver(
        &self,
        order_id: &str,
        body: &Deliver,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        self.change("/api/v1/order/deliver-order/{orderId}", order_id, body, caller)
            .await
    }

    /// Accepts the work.
    ///
    /// # Errors
    /// 403 when the caller is not the buyer, 409 when nothing was delivered.
    pub async fn approve(&self, order_id: &str, caller: &Caller) -> Result<Order, CallError> {
        let body = serde_json::json!({});
        self.change("/api/v1/order/approve-order/{orderId}", order_id, &body, caller)
            .await
    }

    async fn change(
        &self,
        template: &'static str,
        order_id: &str,
        body: &impl Serialize,
        caller: &Caller,
    ) -> Result<Order, CallError> {
        let call = self.0.put(template, &[order_id]).json(body);
        let answer: OrderAnswer = call.send(caller).await?;
        Ok(answer.order)
    }

    /// What the caller should know, newest first.
    ///
    /// # Errors
    /// 403 when it is somebody else's.
    pub async fn notifications(
        &self,
        user_to: &str,
        caller: &Caller,
    ) -> Result<Vec<Notification>, CallError> {
        let call = self
            .0
            .get("/api/v1/order/notification/{userTo}", &[user_to]);
        let answer: NotificationsAnswer = call.send(caller).await?;
        Ok(answer.notifications)
    }

    /// Marks a notification of the caller as read.
    ///
    /// # Errors
    /// 404 when there is no such notification of the caller.
    pub async fn mark_as_read(
        &self,
        body: &MarkAsRead,
        caller: &Caller,
    ) -> Result<Notification, CallError> {
        let call = self.0.put("/api/v1/order/notification/mark-as-read", &[]);
        let answer: NotificationAnswer = call.json(body).send(caller).await?;
        Ok(answer.notification)
    }
}
