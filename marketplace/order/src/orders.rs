//! What buyers and sellers do with an order that exists.

use platform::{ApiError, Caller};

use crate::domain::{Actor, Fact, Order, Refusal, Status};
use crate::settlement::{Action, Settlement, demand};
use crate::store;

/// An order that `caller` may see.
pub(crate) async fn show(settlement: &Settlement, caller: &Caller, id: &str) -> Result<Order, ApiError> {
    let mut connection = settlement.database.pool().acquire().await?;
    let order = store::find(&mut connection, id).await?;
    visible(order, caller).map(|(order, _)| order)
}

/// Lets `command` cause a fact of an order, as the side that the caller is on.
pub(crate) async fn command(
    settlement: &Settlement,
    caller: &Caller,
    id: &str,
    command: impl FnOnce(&Order, Actor) -> Result<Fact, Refusal>,
) -> Result<Order, ApiError> {
    let mut tx = settlement.database.begin().await?;
    store::lock(&mut tx, id).await?;
    let (order, side) = visible(store::find(&mut tx, id).await?, caller)?;
    let fact = command(&order, side).map_err(refused)?;
    let action = match fact {
        Fact::Cancelled { .. } => Some(Action::Refund),
        Fact::Completed => Some(Action::Payout),
        _ => None,
    };
    let order = store::append(&mut tx, order, &fact).await?;
    if let Some(action) = action {
        demand(&mut tx, id, action).await?;
    }
    tx.commit().await?;
    if let Some(action) = action {
        // The fact stands whatever the provider says; what fails here is taken up in the background.
        if let Err(error) = settlement.take(id, action).await {
            tracing::warn!(order_id = id, error = format!("{error:#}"), "payment action left for later");
        }
    }
    Ok(order)
}

fn visible(order: Option<Order>, caller: &Caller) -> Result<(Order, Actor), ApiError> {
    let order = order
        .filter(|order| !matches!(order.status, Status::Pending | Status::Failed))
        .ok_or_else(|| ApiError::not_found("order_not_found", "no order has this id"))?;
    match order.side_of(&caller.id) {
        Some(side) => Ok((order, side)),
        None => Err(ApiError::forbidden("not_your_order", "this order belongs to somebody else")),
    }
}

fn refused(refusal: Refusal) -> ApiError {
    let message = refusal.to_string();
    match refusal {
        Refusal::IllegalTransition { .. } => ApiError::conflict("illegal_transition", message),
        Refusal::ExtensionOpen => ApiError::conflict("extension_open", message),
        Refusal::NoExtension => ApiError::conflict("no_extension", message),
        Refusal::NotYours(_) => ApiError::forbidden("wrong_side", message),
        Refusal::Invalid(_) => ApiError::bad_request("invalid_body", message),
    }
}
