//! Connections through a link are reset (RST): those that are open, and new ones.
//!
//! `{fault: reset, link: order->broker, toxicity: 0.5}`

use std::sync::Arc;

use super::on_link::OnLink;
use super::{Fault, Kind, Params, Proof};
use crate::proxy::{LinkCounters, Probe, ToxicKind};

pub(super) const KIND: Kind = Kind { name: "reset", settings: &["link", "toxicity", "direction"], build };

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    OnLink::build(params, Some(ToxicKind::Reset), true, evidence)
}

fn evidence(fault: &OnLink, since: &LinkCounters, _: Option<&Probe>) -> Proof {
    if since.resets > 0 {
        return Proof::Bitten(format!("{} connections through `{}` were reset", since.resets, fault.link));
    }
    Proof::NotYet(format!("no connection through `{}` was reset", fault.link))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::AsyncReadExt;

    use super::super::on_link::fixture::{OneLink, bitten, echo, on_link};
    use super::*;

    #[tokio::test]
    async fn reset_hits_live_connections_with_rst() {
        let system = OneLink::start().await;
        let mut client = system.client().await;
        echo(&mut client).await.unwrap();
        let fault = on_link(&KIND, json!({}));
        let before = fault.inject(&system).await.unwrap();
        let error = client.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert!(bitten(&*fault, &system, &before).await.ends_with("connections through `a->b` were reset"));
        fault.undo(&system).perform(&system).await.unwrap();
        echo(&mut system.client().await).await.unwrap();
    }

    #[tokio::test]
    async fn reset_of_no_connection_at_all_resets_none() {
        let system = OneLink::start().await;
        let mut client = system.client().await;
        let fault = on_link(&KIND, json!({"toxicity": 0.0}));
        let before = fault.inject(&system).await.unwrap();
        echo(&mut client).await.unwrap();
        assert_eq!(
            fault.prove(&system, &before, None).await,
            Proof::NotYet("no connection through `a->b` was reset".to_owned())
        );
        echo(&mut client).await.unwrap();
    }
}
