//! Reviews, as the order shows them.

use platform::{Event, HandlerError, Tx};

use crate::domain::{Actor, Fact, Status};
use crate::events::ReviewSubmitted;
use crate::store;

/// Adds a review to its completed order; one that fits no order here changes nothing.
pub(crate) async fn submitted(tx: &mut Tx, event: Event, review: ReviewSubmitted) -> Result<(), HandlerError> {
    let order = store::find(&mut *tx, &review.order_id).await?;
    let fitting = order.filter(|order| {
        let (author, earlier) = match review.reviewed {
            Actor::Seller => (Actor::Buyer, &order.seller_review),
            Actor::Buyer | Actor::System => (Actor::Seller, &order.buyer_review),
        };
        order.status == Status::Completed && order.side_of(&review.reviewer_id) == Some(author) && earlier.is_none()
    });
    let Some(order) = fitting else {
        tracing::warn!(event_id = event.id, order_id = review.order_id, "review fits no completed order");
        return Ok(());
    };
    let fact = Fact::Reviewed { reviewed: review.reviewed, rating: review.rating, text: review.text };
    store::append(tx, order, &fact).await?;
    Ok(())
}
