//! Serving the live page.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use futures_util::Stream;
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::state::LiveState;
use crate::events::{Event, Events};
use crate::report::page::Page as Markup;

/// Shortest pause between two states sent to a browser.
const PAUSE: Duration = Duration::from_millis(250);
/// How long browsers may take to receive the last state.
const STOP_DEADLINE: Duration = Duration::from_secs(1);

/// Why the page could not be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`: {source}; choose a free port, or port 0 to have one chosen")]
pub struct PageError {
    address: SocketAddr,
    source: std::io::Error,
}

/// The live page, being served.
#[derive(Debug)]
pub struct Page {
    address: SocketAddr,
    stop: CancellationToken,
    follower: JoinHandle<()>,
    server: JoinHandle<()>,
}

impl Page {
    /// Serves the page of a run of `system`, fed by `events` from now on. Port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// When the address is taken or not local.
    pub async fn start(address: SocketAddr, system: &str, events: &Events) -> Result<Self, PageError> {
        let failed = |source| PageError { address, source };
        let receiver = events.subscribe();
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = CancellationToken::new();
        let live = Live {
            state: Arc::new(Mutex::new(LiveState { system: system.to_owned(), ..LiveState::default() })),
            version: Arc::new(watch::Sender::new(0)),
            markup: markup(system).into(),
            stop: stop.clone(),
        };
        let follower = tokio::spawn(live.clone().follow(receiver));
        let router = Router::new()
            .route("/", get(page))
            .route("/state.json", get(state))
            .route("/events", get(stream))
            .with_state(live);
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            // A failing accept is retried inside; there is nothing to report once the listener is gone.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        });
        Ok(Self { address, stop, follower, server })
    }

    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends the last state to every open browser, waiting at most a second or two, and stops.
    pub async fn shutdown(mut self) {
        if tokio::time::timeout(STOP_DEADLINE, &mut self.follower).await.is_err() {
            self.follower.abort();
        }
        self.stop.cancel();
        if tokio::time::timeout(STOP_DEADLINE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

#[derive(Clone)]
struct Live {
    state: Arc<Mutex<LiveState>>,
    version: Arc<watch::Sender<u64>>,
    markup: Arc<str>,
    stop: CancellationToken,
}

impl Live {
    /// Folds events into the state until the run is over or nobody can send any more.
    async fn follow(self, mut events: Receiver<Event>) {
        let started = Instant::now();
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let last = matches!(event, Event::Finished { .. });
            self.state.lock().unwrap_or_else(PoisonError::into_inner).apply(event, started.elapsed());
            self.version.send_modify(|version| *version += 1);
            if last {
                return;
            }
        }
    }

    fn json(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbers, texts and lists of them always become JSON.
        serde_json::to_string(&*state).unwrap_or_default()
    }

    /// The state now and whenever it changed, up to and including the last.
    fn states(self) -> impl Stream<Item = Result<SseEvent, Infallible>> {
        let mut version = self.version.subscribe();
        version.mark_changed();
        futures_util::stream::unfold(Some((self, version)), |watched| async {
            let (live, mut version) = watched?;
            let ending = tokio::select! {
                changed = version.changed() => changed.is_err(),
                () = live.stop.cancelled() => true,
            };
            let event = SseEvent::default().data(live.json());
            if ending {
                return Some((Ok(event), None));
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = live.stop.cancelled() => {}
            }
            // What changed during the pause is in the next state.
            let event = SseEvent::default().data(live.json());
            version.mark_unchanged();
            Some((Ok(event), Some((live, version))))
        })
    }
}

async fn page(State(live): State<Live>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Html(live.markup.to_string()))
}

async fn state(State(live): State<Live>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json")], live.json())
}

async fn stream(State(live): State<Live>) -> impl IntoResponse {
    Sse::new(live.states()).keep_alive(KeepAlive::default())
}

fn markup(system: &str) -> String {
    Markup {
        title: &format!("{system}: Shakedown"),
        css: include_str!("assets/live.css"),
        connect: "'self'",
        body: "<header class=\"page\"></header>\n<main><noscript>This page needs JavaScript.</noscript></main>",
        modules: &[include_str!("assets/live.js")],
    }
    .render()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
