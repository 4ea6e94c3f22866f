//! A link is down: open connections are closed, new ones are refused.
//!
//! `{fault: cut, link: order->broker}`

use std::sync::Arc;

use super::on_link::OnLink;
use super::{Fault, Kind, Params, Proof};
use crate::proxy::{LinkCounters, Probe, ToxicKind};

pub(super) const KIND: Kind = Kind { name: "cut", settings: &["link"], build };

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    OnLink::build(params, Some(ToxicKind::Cut), true, evidence)
}

fn evidence(fault: &OnLink, since: &LinkCounters, probe: Option<&Probe>) -> Proof {
    match probe {
        Some(Probe::Refused) => Proof::Bitten(format!(
            "{} open connections through `{}` were closed and a new one was refused",
            since.cut, fault.link
        )),
        Some(other) => Proof::NotYet(format!("a connection through `{}` was {other}, expected refused", fault.link)),
        None if since.cut > 0 => {
            Proof::Bitten(format!("{} open connections through `{}` were closed", since.cut, fault.link))
        }
        None => Proof::NotYet(format!("no connection through `{}` was refused or closed", fault.link)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::AsyncReadExt;

    use super::super::on_link::fixture::{OneLink, bitten, echo, on_link};
    use super::*;

    #[tokio::test]
    async fn cut_closes_live_connections_refuses_new_ones_and_heals_on_the_same_port() {
        let system = OneLink::start().await;
        let mut client = system.client().await;
        echo(&mut client).await.unwrap();
        let fault = on_link(&KIND, json!({}));
        let before = fault.inject(&system).await.unwrap();
        let evidence = bitten(&*fault, &system, &before).await;
        assert!(evidence.ends_with("connections through `a->b` were closed and a new one was refused"), "{evidence}");
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        fault.undo(&system).perform(&system).await.unwrap();
        let healed =
            async { while !matches!(system.0.probe(std::time::Duration::from_millis(20)).await, Probe::Open) {} };
        tokio::time::timeout(std::time::Duration::from_secs(10), healed).await.expect("the link heals within 10 s");
        echo(&mut system.client().await).await.unwrap();
    }
}
