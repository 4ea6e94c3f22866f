//! A browser: one socket, and everything it was told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::socket::client::{Client, ClientError, Handshake, Incoming};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

/// No wait in these tests takes longer; what takes this long has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// An event as it came.
pub(crate) type Told = (String, Vec<Value>);

pub(crate) struct Browser {
    told: Arc<Mutex<Vec<Told>>>,
    news: watch::Receiver<u64>,
    say: mpsc::UnboundedSender<(String, Value)>,
    task: tokio::task::JoinHandle<()>,
}

pub(crate) fn http() -> telemetry::http::Client {
    telemetry::http::Client::new(reqwest::Client::builder().no_proxy().build().unwrap())
}

impl Browser {
    /// Connects; what is refused is the test's business.
    pub(crate) async fn connect(handshake: Handshake) -> Result<Self, ClientError> {
        let mut client = Client::connect(&http(), &handshake).await?;
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let (tell, news) = watch::channel(0);
        let (say, mut said) = mpsc::unbounded_channel::<(String, Value)>();
        let list = Arc::clone(&told);
        let task = tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    incoming = client.next() => match incoming {
                        Ok(Incoming::Event { name, arguments }) => (name, arguments),
                        Ok(Incoming::Answer { arguments, .. }) => ("answer".to_owned(), arguments),
                        Err(error) => {
                            list.lock().unwrap().push(("ended".to_owned(), vec![error.to_string().into()]));
                            tell.send_modify(|count| *count += 1);
                            return;
                        }
                    },
                    Some((event, argument)) = said.recv() => {
                        _ = client.ask(&event, argument).await;
                        continue;
                    }
                };
                list.lock().unwrap().push(event);
                tell.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { told, news, say, task })
    }

    pub(crate) fn say(&self, event: &str, argument: Value) {
        _ = self.say.send((event.to_owned(), argument));
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Waits until what was told is as it should be.
    pub(crate) async fn wait_until(&self, what: &str, is: impl Fn(&[Told]) -> bool) {
        let mut news = self.news.clone();
        let wait = async {
            while !is(&self.told.lock().unwrap()) {
                if news.changed().await.is_err() {
                    break;
                }
            }
        };
        let within = tokio::time::timeout(DEADLINE, wait).await;
        let told = self.told();
        assert!(within.is_ok() && is(&told), "not told: {what}; but: {told:#?}");
    }

    /// The texts of messages that came as `event`.
    pub(crate) fn bodies(&self, event: &str) -> Vec<String> {
        self.told()
            .iter()
            .filter(|(name, _)| name == event)
            .map(|(_, arguments)| arguments[0]["body"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Waits for a message and gives the texts of all that have come until then.
    pub(crate) async fn bodies_until(&self, event: &str, last: &str) -> Vec<String> {
        let is_last = |(name, arguments): &Told| name == event && arguments[0]["body"] == last;
        self.wait_until(&format!("`{event}` with `{last}`"), |told| told.iter().any(is_last)).await;
        self.bodies(event)
    }

    /// Who is online, as this browser knows it.
    pub(crate) fn online(told: &[Told]) -> Vec<String> {
        let mut online = std::collections::BTreeSet::new();
        for (event, arguments) in told {
            match event.as_str() {
                "online" => {
                    online
                        .extend(arguments[0].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()));
                }
                "user offline" => {
                    for name in arguments[0].as_array().unwrap() {
                        online.remove(name.as_str().unwrap());
                    }
                }
                _ => {}
            }
        }
        online.into_iter().collect()
    }

    pub(crate) async fn wait_for_online(&self, expected: &[&str]) {
        self.wait_until(&format!("{expected:?} are online"), |told| Self::online(told) == expected).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.task.abort();
    }
}
