//! The service that all stacks wrap, and requests as hyper makes them.

use axum::body::Body;
use axum::extract::Path;
use axum::{Json, Router, routing::get};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri, request::Parts};
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use super::{Subject, Trace};

/// A service under one runtime of one thread.
pub struct Requests {
    runtime: Runtime,
    service: axum::routing::RouterIntoService<Body>,
    sampled: Parts,
    unsampled: Parts,
    pub(super) finish: Box<dyn FnOnce() -> Result<(), String>>,
}

#[derive(serde::Serialize)]
struct Greeting {
    id: String,
    text: &'static str,
}

async fn hello(Path(id): Path<String>) -> Json<Greeting> {
    Json(Greeting { id, text: "hello" })
}

/// The bare service.
pub(super) fn router() -> Router {
    Router::new().route("/hello/{id}", get(hello))
}

/// Everything in the runtime it will be called in.
pub(super) fn subject<E>(build: impl FnOnce() -> (Router, E)) -> Subject
where
    E: FnOnce() -> Result<(), String> + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (router, finish) = {
        let _inside = runtime.enter();
        build()
    };
    let mut service = router.into_service();
    runtime.block_on(async { ServiceExt::<Request<Body>>::ready(&mut service).await.map(drop).expect("always ready") });
    Subject::Requests(Box::new(Requests {
        runtime,
        service,
        sampled: parts("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        unsampled: parts("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
        finish: Box::new(finish),
    }))
}

/// hyper slices one buffer per request; so are these, because a header value of one's own would be cheaper to clone.
fn parts(traceparent: &str) -> Parts {
    let shared = |text: &str| Bytes::from(format!("{text} ")).slice(..text.len());
    let mut request =
        Request::get(Uri::from_maybe_shared(shared("/hello/42")).expect("a path")).body(()).expect("valid");
    for (name, value) in
        [("host", "127.0.0.1:8080"), ("user-agent", "bench/1.0"), ("accept", "*/*"), ("traceparent", traceparent)]
    {
        let value = HeaderValue::from_maybe_shared(shared(value)).expect("a header value");
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    request.into_parts().0
}

impl Requests {
    pub(super) fn run(&mut self, trace: Trace, times: u64) {
        let parts = match trace {
            Trace::Sampled => &self.sampled,
            Trace::Unsampled => &self.unsampled,
        };
        let service = &self.service;
        self.runtime.block_on(async {
            for _ in 0..times {
                let request = Request::from_parts(parts.clone(), Body::empty());
                // As hyper-util's `TowerToHyperService` calls a service, and with it `axum::serve`.
                let Ok(response) = service.clone().oneshot(request).await;
                assert!(response.status().is_success());
                let mut body = response.into_body();
                // Dropped after its last frame, as hyper does with a body of known length.
                while let Some(frame) = body.frame().await {
                    std::hint::black_box(frame.expect("a frame"));
                    if http_body::Body::is_end_stream(&body) {
                        break;
                    }
                }
            }
        });
    }
}
