//! What all faults on links have in common: a toxic under a label.

use std::sync::Arc;
use std::time::Duration;

use super::{Before, Fault, Params, Proof};
use crate::proxy::{Direction, Link, LinkCounters, Probe, Toxic, ToxicKind};
use crate::system::{BoxFuture, System, SystemError};
use crate::undo::{UndoAction, Undone};

/// Time for which a probe watches its connection.
const WATCH: Duration = Duration::from_millis(250);

/// Finds the evidence in what the link counted since the injection, and in a probe where one was asked for.
pub(super) type Evidence = fn(&OnLink, &LinkCounters, Option<&Probe>) -> Proof;

/// A fault on a link.
#[derive(Debug)]
pub(super) struct OnLink {
    pub(super) fault: &'static str,
    pub(super) link: String,
    pub(super) label: String,
    pub(super) toxic: Toxic,
    /// Whether the proof needs a connection attempt of its own.
    pub(super) probes: bool,
    pub(super) evidence: Evidence,
}

impl OnLink {
    /// Builds a fault on a link from the settings that all of them share and the kind of toxic.
    pub(super) fn build(
        params: &mut Params<'_>,
        kind: Option<ToxicKind>,
        probes: bool,
        evidence: Evidence,
    ) -> Option<Arc<dyn Fault>> {
        let link = params.link();
        let toxicity = params.fraction("toxicity", 1.0);
        let words = [("both", Direction::Both), ("up", Direction::Up), ("down", Direction::Down)];
        let direction = params.word("direction", &words, Direction::Both);
        Some(Arc::new(Self {
            fault: params.fault,
            link: link?,
            label: params.aim.label.to_owned(),
            toxic: Toxic { kind: kind?, direction: direction?, toxicity: toxicity?, seed: params.aim.seed },
            probes,
            evidence,
        }))
    }

    fn find(&self, system: &dyn System) -> Result<Arc<Link>, SystemError> {
        system.link(&self.link).ok_or_else(|| SystemError::Unknown(self.link.clone()))
    }
}

impl Fault for OnLink {
    fn kind(&self) -> &'static str {
        self.fault
    }

    fn target(&self) -> &str {
        &self.link
    }

    fn undo(&self, _system: &dyn System) -> UndoAction {
        UndoAction::RemoveToxic { link: self.link.clone(), label: self.label.clone() }
    }

    fn inject<'a>(&'a self, system: &'a dyn System) -> BoxFuture<'a, Result<Before, SystemError>> {
        Box::pin(async move {
            let link = self.find(system)?;
            let counters = link.counters();
            link.add(self.label.clone(), self.toxic.clone());
            Ok(Before { counters, ..Before::default() })
        })
    }

    fn prove<'a>(
        &'a self,
        system: &'a dyn System,
        before: &'a Before,
        undone: Option<&'a Undone>,
    ) -> BoxFuture<'a, Proof> {
        Box::pin(async move {
            let link = match self.find(system) {
                Ok(link) => link,
                Err(error) => return Proof::NotYet(error.to_string()),
            };
            // After the undo a probe would only show that all is well again.
            let probe = if self.probes && undone.is_none() { Some(link.probe(WATCH).await) } else { None };
            (self.evidence)(self, &link.counters().since(&before.counters), probe.as_ref())
        })
    }
}

/// Links and faults for the tests of the single kinds.
#[cfg(test)]
pub(super) mod fixture {
    use std::net::SocketAddr;

    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::faults::{Aim, Kind, Place};
    use crate::system::{Targets, UnmetCondition};

    /// A system that consists of one link to an echo server.
    pub(in crate::faults) struct OneLink(pub(in crate::faults) Arc<Link>);

    impl OneLink {
        pub(in crate::faults) async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        let (mut from, mut to) = stream.split();
                        let _ = tokio::io::copy(&mut from, &mut to).await;
                    });
                }
            });
            Self(Link::bind("a->b", crate::Upstream::new(address.to_string())).unwrap())
        }

        pub(in crate::faults) async fn client(&self) -> TcpStream {
            TcpStream::connect(self.0.address()).await.unwrap()
        }
    }

    /// Sends a byte and waits for its echo.
    pub(in crate::faults) async fn echo(stream: &mut TcpStream) -> std::io::Result<()> {
        stream.write_all(b"x").await?;
        stream.read_exact(&mut [0]).await.map(|_| ())
    }

    /// Builds a fault from JSON settings.
    pub(in crate::faults) fn build(kind: &Kind, settings: Value) -> Result<Arc<dyn Fault>, Vec<String>> {
        let targets = Targets { services: vec!["order".to_owned()], links: vec!["a->b".to_owned()], duplicates: true };
        let mut params = Params {
            entries: settings
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.clone(), Place::default(), value.clone(), Place::default()))
                .collect(),
            place: Place::default(),
            fault: kind.name,
            aim: Aim { targets: &targets, label: "it", seed: 1 },
            problems: Vec::new(),
        };
        let fault = (kind.build)(&mut params);
        let problems: Vec<String> = params.problems.into_iter().map(|(_, message, _)| message).collect();
        if problems.is_empty() { Ok(fault.unwrap()) } else { Err(problems) }
    }

    /// A fault on the link `a->b` of a fixture.
    pub(in crate::faults) fn on_link(kind: &Kind, mut settings: Value) -> Arc<dyn Fault> {
        settings["link"] = json!("a->b");
        build(kind, settings).unwrap()
    }

    /// Asks for the proof until it is there.
    pub(in crate::faults) async fn bitten(fault: &dyn Fault, system: &dyn System, before: &Before) -> String {
        let proof = async {
            loop {
                if let Proof::Bitten(evidence) = fault.prove(system, before, None).await {
                    return evidence;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), proof).await.expect("the fault bites within 10 s")
    }

    impl System for OneLink {
        fn targets(&self) -> Targets {
            Targets::default()
        }
        fn pid(&self, _: &str) -> Option<u32> {
            None
        }
        fn address(&self, _: &str) -> Option<SocketAddr> {
            None
        }
        fn kill<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
            Box::pin(async { Ok(()) })
        }
        fn start<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
            Box::pin(async { Ok(()) })
        }
        fn stop<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
            Box::pin(async { Ok(()) })
        }
        fn pause<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
            Box::pin(async { Ok(()) })
        }
        fn resume<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
            Box::pin(async { Ok(()) })
        }
        fn ready<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
            Box::pin(async { true })
        }
        fn link(&self, name: &str) -> Option<Arc<Link>> {
            (name == self.0.name()).then(|| Arc::clone(&self.0))
        }
        fn duplicate<'a>(&'a self, _: &'a str, _: f64, _: u64) -> BoxFuture<'a, Result<(), SystemError>> {
            Box::pin(async { Ok(()) })
        }
        fn clear_duplicates(&self) -> BoxFuture<'_, Result<u64, SystemError>> {
            Box::pin(async { Ok(0) })
        }
        fn at_rest(&self, _: Duration) -> BoxFuture<'_, Result<(), Vec<UnmetCondition>>> {
            Box::pin(async { Ok(()) })
        }
    }
}
