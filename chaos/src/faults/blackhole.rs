//! Nothing is read from a link any more: connections stay open, bytes pile up, the sender is held back.
//!
//! `{fault: blackhole, link: order->broker, toxicity: 1.0, direction: up}`

use std::sync::Arc;

use super::on_link::OnLink;
use super::{Fault, Kind, Params, Proof};
use crate::proxy::{LinkCounters, Probe, ToxicKind};

pub(super) const KIND: Kind = Kind { name: "blackhole", settings: &["link", "toxicity", "direction"], build };

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    OnLink::build(params, Some(ToxicKind::Blackhole), false, evidence)
}

fn evidence(fault: &OnLink, since: &LinkCounters, _: Option<&Probe>) -> Proof {
    if since.held > 0 {
        return Proof::Bitten(format!("bytes of {} connections through `{}` were held still", since.held, fault.link));
    }
    Proof::NotYet(format!("nobody sent a byte into `{}` that could have been held still", fault.link))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::on_link::fixture::{OneLink, bitten, echo, on_link};
    use super::*;

    #[tokio::test]
    async fn blackhole_holds_bytes_and_lets_them_go_in_order_afterwards() {
        let system = OneLink::start().await;
        let mut client = system.client().await;
        echo(&mut client).await.unwrap();
        let fault = on_link(&KIND, json!({}));
        let before = fault.inject(&system).await.unwrap();
        assert!(matches!(fault.prove(&system, &before, None).await, Proof::NotYet(_)));
        client.write_all(b"hello").await.unwrap();
        bitten(&*fault, &system, &before).await;
        let mut buffer = [0; 5];
        let early = tokio::time::timeout(Duration::from_millis(50), client.read(&mut buffer)).await;
        assert!(early.is_err(), "nothing may come through: {early:?}");
        fault.undo(&system).perform(&system).await.unwrap();
        client.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"hello");
    }
}
