//! A link carries only so many bytes per second, each way, for each connection.
//!
//! `{fault: bandwidth, link: order->broker, rate: 64KiB, toxicity: 1.0, direction: both}`

use std::sync::Arc;

use super::on_link::OnLink;
use super::{Fault, Kind, Params, Proof};
use crate::proxy::{LinkCounters, ToxicKind};
use crate::quantity::Size;

pub(super) const KIND: Kind = Kind { name: "bandwidth", settings: &["link", "rate", "toxicity", "direction"], build };

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    let kind =
        params.quantity::<Size>("rate").map(|rate| ToxicKind::Bandwidth { bytes_per_second: rate.bytes().max(1) });
    OnLink::build(params, kind, false, evidence)
}

fn evidence(fault: &OnLink, since: &LinkCounters, _: Option<&crate::proxy::Probe>) -> Proof {
    if since.throttled_bytes > 0 {
        return Proof::Bitten(format!("{} bytes on `{}` had to wait for bandwidth", since.throttled_bytes, fault.link));
    }
    Proof::NotYet(format!("no byte on `{}` had to wait for bandwidth", fault.link))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::super::on_link::fixture::{OneLink, bitten, on_link};
    use super::*;

    #[tokio::test]
    async fn bandwidth_limits_the_rate_and_proves_it() {
        let system = OneLink::start().await;
        let fault = on_link(&KIND, json!({"rate": "100KiB", "direction": "up"}));
        let before = fault.inject(&system).await.unwrap();
        let mut client = system.client().await;
        let start = Instant::now();
        client.write_all(&[7; 30 * 1024]).await.unwrap();
        client.read_exact(&mut vec![0; 30 * 1024]).await.unwrap();
        // 30 KiB at 100 KiB/s, less the burst that goes through at once.
        assert!(start.elapsed() >= Duration::from_millis(230), "{:?}", start.elapsed());
        let evidence = bitten(&*fault, &system, &before).await;
        assert!(evidence.ends_with("bytes on `a->b` had to wait for bandwidth"), "{evidence}");
    }
}
