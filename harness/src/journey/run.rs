//! Runs one journey once: sends its requests, waits for its mails, compares what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chaos::history::Outcome;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::attempt::{Attempt, judge, root_cause};
use super::plan::{Action, Journey, Save, Step};
use super::template::Scope;
use crate::assertions::Seed;
use crate::collector::{SpanId, TraceId};

/// Longest time that one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Longest time between two tries of a step with `within`.
const POLL_LIMIT: Duration = Duration::from_millis(200);

/// Captured mail, as far as journeys need it.
pub trait Mailbox: Send + Sync {
    /// Text of the newest mail to `to` whose subject contains `subject`.
    fn newest(&self, to: &str, subject: Option<&str>) -> Option<String>;
}

/// A span of the client itself, so that a journey is the root of its own trace.
#[derive(Clone, Debug)]
pub struct ClientSpan {
    /// Trace id.
    pub trace_id: TraceId,
    /// Span id.
    pub span_id: SpanId,
    /// Parent span id; none for the journey itself.
    pub parent: Option<SpanId>,
    /// Name: the journey's, or method and step.
    pub name: String,
    /// Start, nanoseconds since the epoch.
    pub start_unix_ns: u64,
    /// End, nanoseconds since the epoch.
    pub end_unix_ns: u64,
    /// Response status of a request.
    pub status: Option<u16>,
    /// Whether it failed.
    pub failed: bool,
    /// Correlation id that the request carried.
    pub correlation_id: String,
}

/// Where client spans go.
pub trait ClientSpans: Send + Sync {
    /// Keeps a finished span.
    fn record(&self, span: ClientSpan);
}

/// An answer to one request of a journey.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Method of the request.
    pub method: &'a Method,
    /// Path of the request.
    pub path: &'a str,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
    /// Correlation id of the request.
    pub correlation_id: &'a str,
}

/// Who else reads the answers that journeys get. It is called on the path of a request, so it must not wait.
pub trait Witness: Send + Sync {
    /// Hears of an answer.
    fn answered(&self, answer: Answered<'_>);
}

/// What an iteration starts from.
#[derive(Clone, Debug)]
pub struct Start {
    /// Values that a setup journey saved.
    pub vars: BTreeMap<String, Value>,
    /// Seed of the run.
    pub seed: u64,
    /// Number of the iteration, from 0.
    pub iteration: u64,
    /// When the iteration gives up.
    pub deadline: Instant,
    /// Text that sets this use of the journey apart (a phase or scenario), so that its identifiers differ from other uses.
    pub salt: String,
}

/// What became of one journey.
#[derive(Clone, Debug)]
pub struct JourneyRun {
    /// Its steps as far as it got.
    pub steps: Vec<StepRun>,
    /// All values at its end.
    pub vars: BTreeMap<String, Value>,
    /// Name of the journey.
    pub journey: String,
    /// Its trace.
    pub trace_id: TraceId,
    /// The correlation id that every request carried.
    pub correlation_id: String,
    /// Whether every step succeeded.
    pub ok: bool,
    /// Time it took.
    pub duration: Duration,
}

impl JourneyRun {
    /// Where the flow of this journey starts.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed {
            name: self.journey.clone(),
            trace_ids: vec![self.trace_id],
            correlation_id: Some(self.correlation_id.clone()),
        }
    }
}

/// What became of one step.
#[derive(Clone, Debug)]
pub struct StepRun {
    /// Its name.
    pub name: String,
    /// Ok, failed, or unknown (no answer: the effect may or may not have happened).
    pub outcome: Outcome,
    /// Response status.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it started.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// What it saved.
    pub saved: BTreeMap<String, Value>,
    /// Whether the step waits for something to come about, so that its time is no latency.
    pub waits: bool,
}

/// Runs journeys against one system.
#[derive(Clone)]
pub struct Runner {
    http: reqwest::Client,
    base: String,
    mailbox: Option<Arc<dyn Mailbox>>,
    spans: Arc<dyn ClientSpans>,
    witness: Option<Arc<dyn Witness>>,
}

struct Trace {
    trace_id: TraceId,
    root: SpanId,
    correlation_id: String,
}

impl Runner {
    /// A runner that sends requests below `base` (`http://host:port`).
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(
        base: String,
        mailbox: Option<Arc<dyn Mailbox>>,
        spans: Arc<dyn ClientSpans>,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(256)
            .build()?;
        Ok(Self { http, base, mailbox, spans, witness: None })
    }

    /// The same, its answers read by somebody else too.
    #[must_use]
    pub fn with_witness(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Runs `journey` once. It stops at the first step that does not succeed.
    pub async fn run(&self, journey: &Journey, start: Start) -> JourneyRun {
        let mut rng = substream(start.seed, &journey.name, &start.salt, start.iteration);
        let trace = Trace {
            trace_id: trace_id(&mut rng),
            root: span_id(&mut rng),
            correlation_id: format!("{}-{}", journey.name, hex::encode(rng.random::<[u8; 6]>())),
        };
        let began = Instant::now();
        let began_ns = unix_ns();
        let mut vars = start.vars.clone();
        let mut steps = Vec::with_capacity(journey.steps.len());
        let mut ok = true;
        let mut fresh = BTreeMap::new();
        for (name, template) in &journey.vars {
            let mut scope = Scope { vars: &vars, rng: &mut rng, iteration: start.iteration };
            // A plan was checked: a variable can only read what the setup journey set.
            let value = template.value(&mut scope).unwrap_or(Value::Null);
            fresh.insert(name.clone(), value);
        }
        vars.extend(fresh);
        for step in &journey.steps {
            let run = self.step(step, &vars, &mut rng, &start, &trace).await;
            ok = matches!(run.outcome, Outcome::Ok);
            vars.extend(run.saved.clone());
            steps.push(run);
            if !ok {
                break;
            }
        }
        self.spans.record(ClientSpan {
            trace_id: trace.trace_id,
            span_id: trace.root,
            parent: None,
            name: format!("journey {}", journey.name),
            start_unix_ns: began_ns,
            end_unix_ns: unix_ns(),
            status: None,
            failed: !ok,
            correlation_id: trace.correlation_id.clone(),
        });
        JourneyRun {
            steps,
            vars,
            journey: journey.name.clone(),
            trace_id: trace.trace_id,
            correlation_id: trace.correlation_id,
            ok,
            duration: began.elapsed(),
        }
    }

    async fn step(
        &self,
        step: &Step,
        vars: &BTreeMap<String, Value>,
        rng: &mut ChaCha12Rng,
        start: &Start,
        trace: &Trace,
    ) -> StepRun {
        let started = Instant::now();
        let deadline = step.within.map(|within| (started + within).min(start.deadline));
        let mut pause = Duration::from_millis(5);
        let attempt = loop {
            let attempt = self.attempt(step, vars, rng, start, trace).await;
            let Some(deadline) = deadline else {
                break attempt;
            };
            if matches!(attempt.outcome, Outcome::Ok) || Instant::now() + pause >= deadline {
                break attempt;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL_LIMIT);
        };
        StepRun {
            name: step.name.clone(),
            outcome: attempt.outcome,
            status: attempt.status,
            error: attempt.error,
            started,
            ended: Instant::now(),
            saved: attempt.saved,
            waits: step.within.is_some(),
        }
    }

    async fn attempt(
        &self,
        step: &Step,
        vars: &BTreeMap<String, Value>,
        rng: &mut ChaCha12Rng,
        start: &Start,
        trace: &Trace,
    ) -> Attempt {
        let mut scope = Scope { vars, rng, iteration: start.iteration };
        match &step.action {
            Action::Mail { to, subject } => self.mail(step, &mut scope, to, subject.as_ref()),
            Action::Http { method, path, headers, body } => {
                let request = (|| {
                    let url = format!("{}{}", self.base, path.text(&mut scope)?);
                    let mut request = self.http.request(method.clone(), url);
                    for (name, value) in headers {
                        request = request.header(name, value.text(&mut scope)?);
                    }
                    if let Some(body) = body {
                        request = request.json(&body.value(&mut scope)?);
                    }
                    Ok::<_, super::TemplateError>(request)
                })();
                match request {
                    Ok(request) => {
                        let left = start.deadline.saturating_duration_since(Instant::now());
                        let request = request.timeout(left.min(REQUEST_LIMIT));
                        self.request(step, method, request, &mut scope, trace).await
                    }
                    Err(error) => Attempt::failed(error.to_string()),
                }
            }
        }
    }

    fn mail<R: Rng>(
        &self,
        step: &Step,
        scope: &mut Scope<'_, R>,
        to: &super::Template,
        subject: Option<&super::Template>,
    ) -> Attempt {
        let Some(mailbox) = &self.mailbox else {
            return Attempt::failed("the system has no mail sink: expected `[mail]` in its file");
        };
        let wanted = (|| {
            let subject = subject.map(|s| s.text(scope)).transpose()?;
            Ok::<_, super::TemplateError>((to.text(scope)?, subject))
        })();
        let (to, subject) = match wanted {
            Ok(wanted) => wanted,
            Err(error) => return Attempt::failed(error.to_string()),
        };
        let Some(text) = mailbox.newest(&to, subject.as_deref()) else {
            let subject = subject.map_or(String::new(), |s| format!(" with subject `{s}`"));
            return Attempt::failed(format!("no mail to `{to}`{subject} arrived"));
        };
        let mut attempt = Attempt::ok(None);
        for (name, save) in &step.save {
            let Save::Capture(regex) = save else { continue };
            match regex.captures(&text).and_then(|captures| captures.get(1)) {
                Some(found) => {
                    attempt.saved.insert(name.clone(), found.as_str().to_owned().into());
                }
                None => {
                    return Attempt::failed(format!("the mail to `{to}` does not match `{regex}`"));
                }
            }
        }
        attempt
    }

    async fn request<R: Rng>(
        &self,
        step: &Step,
        method: &Method,
        request: reqwest::RequestBuilder,
        scope: &mut Scope<'_, R>,
        trace: &Trace,
    ) -> Attempt {
        let span_id = span_id(scope.rng);
        let start_unix_ns = unix_ns();
        let response = request
            .header("traceparent", format!("00-{}-{span_id}-01", trace.trace_id))
            .header("x-correlation-id", &trace.correlation_id)
            .send()
            .await;
        let attempt = match response {
            Err(error) if error.is_connect() => Attempt::failed(format!("cannot connect: {}", root_cause(&error))),
            Err(error) => Attempt::unknown(root_cause(&error)),
            Ok(response) => {
                let path = response.url().path().to_owned();
                let heard = |status: u16, headers: &HeaderMap, body: &[u8]| {
                    if let Some(witness) = &self.witness {
                        let correlation_id = trace.correlation_id.as_str();
                        witness.answered(Answered { method, path: &path, status, headers, body, correlation_id });
                    }
                };
                judge(step, response, scope, heard).await
            }
        };
        self.spans.record(ClientSpan {
            trace_id: trace.trace_id,
            span_id,
            parent: Some(trace.root),
            name: format!("{method} {}", step.name),
            start_unix_ns,
            end_unix_ns: unix_ns(),
            status: attempt.status,
            failed: !matches!(attempt.outcome, Outcome::Ok),
            correlation_id: trace.correlation_id.clone(),
        });
        attempt
    }
}

/// Randomness of one iteration: its own stream, so that changing one journey never shifts another.
pub(super) fn substream(seed: u64, journey: &str, salt: &str, iteration: u64) -> ChaCha12Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&fnv1a(journey).to_le_bytes());
    bytes[16..24].copy_from_slice(&fnv1a(salt).to_le_bytes());
    bytes[24..].copy_from_slice(&iteration.to_le_bytes());
    ChaCha12Rng::from_seed(bytes)
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): stable across versions, unlike the standard hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn trace_id(rng: &mut impl Rng) -> TraceId {
    loop {
        // Zero is no identifier.
        if let Some(id) = TraceId::new(rng.random()) {
            return id;
        }
    }
}

fn span_id(rng: &mut impl Rng) -> SpanId {
    loop {
        if let Some(id) = SpanId::new(rng.random()) {
            return id;
        }
    }
}

fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}
