//! From facts to state: what each fact makes of an order.

use chrono::{DateTime, Utc};

use crate::domain::{Actor, Cancellation, Delivery, Extension, Fact, Order, Review, Status};

/// A timeline that cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokenTimeline {
    /// A timeline begins with the request, and has one.
    #[error("a timeline begins with exactly one `requested`")]
    Start,
    /// A fact at the wrong place.
    #[error("`{fact}` cannot follow on `{}`", status.name())]
    Order {
        /// The fact.
        fact: &'static str,
        /// The state that it met.
        status: Status,
    },
}

/// The order after one more fact.
pub(crate) fn apply(order: Option<Order>, fact: &Fact, at: DateTime<Utc>) -> Result<Order, BrokenTimeline> {
    let mut order = match (order, fact) {
        (None, Fact::Requested(terms)) => return Ok(Order::requested((**terms).clone(), at)),
        (Some(order), fact) if !matches!(fact, Fact::Requested(_)) => order,
        _ => return Err(BrokenTimeline::Start),
    };
    let next = match (order.status, fact) {
        (Status::Pending, Fact::Placed) => Status::InProgress,
        (Status::Pending, Fact::PaymentFailed { .. }) => Status::Failed,
        (Status::InProgress, Fact::Delivered { .. }) => Status::Delivered,
        (Status::InProgress, Fact::ExtensionRequested { .. } | Fact::ExtensionDecided { .. }) => Status::InProgress,
        (Status::InProgress, Fact::Cancelled { .. }) => Status::Cancelled,
        (Status::Delivered, Fact::Completed) => Status::Completed,
        (Status::Completed, Fact::Reviewed { .. }) => Status::Completed,
        (status, fact) => return Err(BrokenTimeline::Order { fact: fact.name(), status }),
    };
    order.status = next;
    order.version += 1;
    match fact {
        Fact::Requested(_) => {}
        Fact::Placed => order.placed_at = Some(at),
        Fact::PaymentFailed { reason } => order.failure = Some(reason.clone()),
        Fact::Delivered { message, file_url } => {
            order.extension = None;
            order.delivery = Some(Delivery { message: message.clone(), file_url: file_url.clone(), delivered_at: at });
        }
        Fact::ExtensionRequested { days, reason, new_delivery_due } => {
            order.extension = Some(Extension {
                days: *days,
                reason: reason.clone(),
                new_delivery_due: *new_delivery_due,
                requested_at: at,
            });
        }
        Fact::ExtensionDecided { delivery_due, .. } => {
            order.extension = None;
            order.terms.delivery_due = *delivery_due;
        }
        Fact::Completed => order.completed_at = Some(at),
        Fact::Cancelled { by, reason } => {
            order.extension = None;
            order.cancellation = Some(Cancellation { by: *by, reason: reason.clone(), cancelled_at: at });
        }
        Fact::Reviewed { reviewed, rating, text } => {
            let review = Some(Review { rating: *rating, text: text.clone(), at });
            match reviewed {
                Actor::Seller => order.seller_review = review,
                Actor::Buyer | Actor::System => order.buyer_review = review,
            }
        }
    }
    Ok(order)
}

/// The order that a whole timeline makes.
pub(crate) fn fold(timeline: &[(Fact, DateTime<Utc>)]) -> Result<Order, BrokenTimeline> {
    let mut order = None;
    for (fact, at) in timeline {
        order = Some(apply(order, fact, *at)?);
    }
    order.ok_or(BrokenTimeline::Start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::example_terms;
    use crate::domain::Refusal;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn after(facts: &[Fact]) -> Order {
        let mut timeline = vec![(Fact::Requested(Box::new(example_terms())), at())];
        timeline.extend(facts.iter().map(|fact| (fact.clone(), at())));
        fold(&timeline).unwrap()
    }

    #[test]
    fn order_walks_from_request_to_completion() {
        let order = after(&[Fact::Placed]);
        let delivered = order.deliver(Actor::Seller, "done", None).unwrap();
        let order = apply(Some(order), &delivered, at()).unwrap();
        let approved = order.approve(Actor::Buyer).unwrap();
        let order = apply(Some(order), &approved, at()).unwrap();
        assert_eq!((order.status, order.version), (Status::Completed, 4));
        assert_eq!(order.delivery.unwrap().message, "done");
    }

    #[test]
    fn commands_out_of_order_are_refused() {
        let pending = after(&[]);
        assert!(matches!(pending.deliver(Actor::Seller, "", None), Err(Refusal::IllegalTransition { .. })));
        let placed = after(&[Fact::Placed]);
        assert!(matches!(placed.approve(Actor::Buyer), Err(Refusal::IllegalTransition { .. })));
        let delivered = after(&[Fact::Placed, Fact::Delivered { message: String::new(), file_url: None }]);
        assert!(matches!(delivered.cancel(Actor::Buyer, ""), Err(Refusal::IllegalTransition { .. })));
    }

    #[test]
    fn commands_of_the_other_side_are_refused() {
        let order = after(&[Fact::Placed]);
        assert_eq!(order.deliver(Actor::Buyer, "", None), Err(Refusal::NotYours("seller")));
        assert_eq!(order.request_extension(Actor::Buyer, 2, ""), Err(Refusal::NotYours("seller")));
        assert_eq!(order.decide_extension(Actor::Seller, true), Err(Refusal::NotYours("buyer")));
        assert_eq!(order.approve(Actor::Seller), Err(Refusal::NotYours("buyer")));
    }

    #[test]
    fn approved_extension_moves_the_due_date_and_a_rejected_one_does_not() {
        let order = after(&[Fact::Placed]);
        let due = order.terms.delivery_due;
        let wish = order.request_extension(Actor::Seller, 3, "more to do").unwrap();
        let waiting = apply(Some(order), &wish, at()).unwrap();
        assert_eq!(waiting.request_extension(Actor::Seller, 3, ""), Err(Refusal::ExtensionOpen));
        for (approved, expected) in [(true, due + chrono::Duration::days(3)), (false, due)] {
            let fact = waiting.decide_extension(Actor::Buyer, approved).unwrap();
            let decided = apply(Some(waiting.clone()), &fact, at()).unwrap();
            assert_eq!((decided.terms.delivery_due, decided.extension), (expected, None));
        }
    }

    #[test]
    fn timeline_without_its_request_does_not_fold() {
        assert_eq!(fold(&[(Fact::Placed, at())]), Err(BrokenTimeline::Start));
        assert_eq!(fold(&[]), Err(BrokenTimeline::Start));
    }

    #[test]
    fn days_out_of_range_are_refused() {
        let order = after(&[Fact::Placed]);
        for days in [0, -1, 91, i64::MAX] {
            assert!(matches!(order.request_extension(Actor::Seller, days, ""), Err(Refusal::Invalid(_))), "{days}");
        }
    }
}
