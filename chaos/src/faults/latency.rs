//! Bytes on a link arrive later.
//!
//! `{fault: latency, link: order->broker, delay: 200ms, jitter: 20ms, toxicity: 1.0, direction: both}`

use std::sync::Arc;
use std::time::Duration;

use super::on_link::OnLink;
use super::{Fault, Kind, Params, Proof};
use crate::proxy::{LinkCounters, ToxicKind};
use crate::quantity;

pub(super) const KIND: Kind =
    Kind { name: "latency", settings: &["link", "delay", "jitter", "toxicity", "direction"], build };

fn build(params: &mut Params<'_>) -> Option<Arc<dyn Fault>> {
    let delay = params.quantity::<quantity::Duration>("delay").map(Duration::from);
    let jitter = params.optional::<quantity::Duration>("jitter").map(Duration::from);
    let kind = delay.zip(jitter).map(|(delay, jitter)| ToxicKind::Latency { delay, jitter });
    OnLink::build(params, kind, false, evidence)
}

fn evidence(fault: &OnLink, since: &LinkCounters, _: Option<&crate::proxy::Probe>) -> Proof {
    let ToxicKind::Latency { delay, jitter } = fault.toxic.kind else { return Proof::NotYet(String::new()) };
    let least = delay.saturating_sub(jitter);
    let longest = Duration::from_micros(since.longest_delay_us);
    if since.delayed_bytes > 0 && longest >= least {
        return Proof::Bitten(format!(
            "{} bytes on `{}` were held back, the longest for {} ms",
            since.delayed_bytes,
            fault.link,
            longest.as_millis()
        ));
    }
    Proof::NotYet(format!("no byte on `{}` was held back for {} ms", fault.link, least.as_millis()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::super::on_link::fixture::{OneLink, bitten, build, echo, on_link};
    use super::*;

    #[tokio::test]
    async fn latency_delays_both_ways_proves_it_and_goes_away() {
        let system = OneLink::start().await;
        let mut client = system.client().await;
        echo(&mut client).await.unwrap();
        let fault = on_link(&KIND, json!({"delay": "60ms"}));
        let undo = fault.undo(&system);
        let before = fault.inject(&system).await.unwrap();
        assert!(matches!(fault.prove(&system, &before, None).await, Proof::NotYet(_)));
        let start = Instant::now();
        echo(&mut client).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(120), "{:?}", start.elapsed());
        let evidence = bitten(&*fault, &system, &before).await;
        assert!(evidence.starts_with("2 bytes on `a->b` were held back, the longest for "), "{evidence}");
        undo.perform(&system).await.unwrap();
        assert!(system.0.labels().is_empty());
        let start = Instant::now();
        echo(&mut client).await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(60), "{:?}", start.elapsed());
    }

    #[test]
    fn settings_are_checked_all_together() {
        let settings = json!({"link": "x->y", "delay": "soon", "toxicity": 2, "direction": "sideways"});
        assert_eq!(
            build(&KIND, settings).unwrap_err(),
            [
                "`delay`: `soon` is not a duration with a unit, such as `250ms` or `10s`",
                "there is no link `x->y`",
                "`toxicity` is `2`, expected a number from 0 to 1",
                "`direction` is `\"sideways\"`, expected `both`, `up`, `down`",
            ]
        );
    }
}
