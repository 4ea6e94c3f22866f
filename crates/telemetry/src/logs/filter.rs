//! Which lines are written: the given directives, and silence for the machinery below us.
//!
//! Directives that name only levels and targets are answered once per callsite and cost nothing afterwards. Those with spans
//! or fields need tracing-subscriber's `EnvFilter`, and a lock for each event it is not sure of.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tracing::dispatcher::{WeakDispatch, with_default};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Metadata, callsite};
use tracing_subscriber::filter::{EnvFilter, ParseError, Targets};
use tracing_subscriber::{Layer, Registry};

/// Crates whose events would only tell that telemetry is at work. Named in the directives, they speak.
pub(super) const SILENT: [&str; 10] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
    "opentelemetry_http",
    "hyper",
    "hyper_util",
    "h2",
    "reqwest",
    "tonic",
    "tower",
];

/// Directives of a log filter that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("log filter: {reason}; expected directives such as `info,order=debug`")]
pub struct InvalidFilter {
    pub(crate) reason: String,
}

/// The directives in force, which may change.
pub(super) struct Filter {
    state: RwLock<State>,
    /// Whether spans must be followed.
    dynamic: AtomicBool,
    /// Who asks this filter.
    dispatch: OnceLock<WeakDispatch>,
}

struct State {
    rules: Arc<Rules>,
    /// What comes back, and when.
    reverts: Option<(Arc<Rules>, Instant)>,
}

/// Shared, so that no lock is held while they are asked: `EnvFilter` runs the caller's `Debug`, which may log, too.
struct Rules {
    given: Given,
    /// Those of [`SILENT`] that the directives do not name.
    silent: Vec<&'static str>,
}

enum Given {
    Static(Targets),
    Dynamic(Box<EnvFilter>),
}

// === impl Filter ===

impl Filter {
    pub(super) fn new(directives: &str) -> Result<Self, InvalidFilter> {
        let rules = Arc::new(Rules::parse(directives)?);
        let dynamic = AtomicBool::new(rules.is_dynamic());
        Ok(Self { state: RwLock::new(State { rules, reverts: None }), dynamic, dispatch: OnceLock::new() })
    }

    /// Replaces the directives: for good, or until `until`, when those that would be in force without it come back.
    pub(super) fn set(&self, directives: &str, until: Option<Instant>) -> Result<(), InvalidFilter> {
        let rules = Arc::new(Rules::parse(directives)?);
        let mut state = self.write();
        let before = std::mem::replace(&mut state.rules, rules);
        state.reverts = until.map(|until| match state.reverts.take() {
            Some((base, _)) => (base, until),
            None => (before, until),
        });
        self.changed(state);
        Ok(())
    }

    /// Goes back to the lasting directives when the time of the temporary ones is over; returns when that will be.
    pub(super) fn revert_if_due(&self, now: Instant) -> Option<Instant> {
        let until = self.read().reverts.as_ref()?.1;
        if until > now {
            return Some(until);
        }
        let mut state = self.write();
        // Somebody else may have been faster.
        if let Some((rules, _)) = state.reverts.take_if(|(_, until)| *until <= now) {
            state.rules = rules;
            self.changed(state);
        }
        None
    }

    /// The directives in force, and for how much longer if not for good.
    pub(super) fn shown(&self) -> (String, Option<Duration>) {
        let state = self.read();
        (
            state.rules.to_string(),
            state.reverts.as_ref().map(|(_, until)| until.saturating_duration_since(Instant::now())),
        )
    }

    /// What was concluded from the old directives must be asked again, without holding the lock: asking takes it.
    fn changed(&self, state: RwLockWriteGuard<'_, State>) {
        self.dynamic.store(state.rules.is_dynamic(), Ordering::Relaxed);
        drop(state);
        // A single subscriber is looked for on the thread that asks, which need not be one of those that log.
        match self.dispatch.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => with_default(&dispatch, callsite::rebuild_interest_cache),
            None => callsite::rebuild_interest_cache(),
        }
    }

    /// Tells who asks.
    pub(super) fn set_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    pub(super) fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        let rules = self.rules();
        match &rules.given {
            _ if rules.silences(metadata.target()) => Interest::never(),
            Given::Static(targets) if targets.would_enable(metadata.target(), metadata.level()) => Interest::always(),
            Given::Static(_) => Interest::never(),
            Given::Dynamic(filter) => Layer::<Registry>::register_callsite(&**filter, metadata),
        }
    }

    pub(super) fn max_level(&self) -> Option<LevelFilter> {
        match &self.rules().given {
            Given::Static(targets) => Layer::<Registry>::max_level_hint(targets),
            Given::Dynamic(filter) => Layer::<Registry>::max_level_hint(&**filter),
        }
    }

    /// Asks the rules about one event; only needed when a callsite's interest was not sure.
    pub(super) fn ask(&self, metadata: &Metadata<'_>, dynamic: impl FnOnce(&EnvFilter) -> bool) -> bool {
        let rules = self.rules();
        match &rules.given {
            _ if rules.silences(metadata.target()) => false,
            Given::Static(targets) => targets.would_enable(metadata.target(), metadata.level()),
            Given::Dynamic(filter) => dynamic(filter),
        }
    }

    /// Calls `tell` when spans must be followed.
    #[inline]
    pub(super) fn follow(&self, tell: impl FnOnce(&EnvFilter)) {
        if self.dynamic.load(Ordering::Relaxed)
            && let Given::Dynamic(filter) = &self.rules().given
        {
            tell(filter);
        }
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.read().rules)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rules ===

impl Rules {
    fn parse(directives: &str) -> Result<Self, InvalidFilter> {
        let given: Vec<_> = directives.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
        let given = given.join(",");
        let silent = SILENT.into_iter().filter(|target| !names(directives, target)).collect();
        let given = if directives.contains(['[', '{']) {
            let filter = EnvFilter::builder().parse(&given);
            Given::Dynamic(Box::new(filter.map_err(|error| InvalidFilter { reason: error.to_string() })?))
        } else {
            Given::Static(given.parse().map_err(|error: ParseError| InvalidFilter { reason: error.to_string() })?)
        };
        Ok(Self { given, silent })
    }

    fn is_dynamic(&self) -> bool {
        matches!(self.given, Given::Dynamic(_))
    }

    /// No directive could say this: `tower=off` would silence `tower_http`, too, which is another crate.
    fn silences(&self, target: &str) -> bool {
        self.silent.iter().any(|name| is_in(target, name))
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.given {
            Given::Static(targets) => write!(f, "{targets}")?,
            Given::Dynamic(filter) => write!(f, "{filter}")?,
        }
        self.silent.iter().try_for_each(|name| write!(f, ",{name}=off"))
    }
}

/// Whether `target` is the crate or module `name`, or inside of it.
pub(super) fn is_in(target: &str, name: &str) -> bool {
    target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn names(directives: &str, target: &str) -> bool {
    directives.split(',').any(|directive| {
        let rest = directive.trim().strip_prefix(target);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', '[', ':']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machinery_is_silent_unless_named() {
        let (filter, _) = Filter::new("debug,hyper=info").unwrap().shown();
        assert!(filter.contains("hyper=info") && filter.contains("reqwest=off"), "{filter}");
        assert!(!filter.contains("hyper=off"), "{filter}");
    }

    #[test]
    fn silence_ends_where_the_name_ends() {
        for directives in ["info", "info,[request{id}]=trace"] {
            let rules = Rules::parse(directives).unwrap();
            assert!(rules.silences("tower") && rules.silences("tower::buffer") && rules.silences("hyper::proto::h1"));
            assert!(!rules.silences("tower_http") && !rules.silences("tower_http::trace") && !rules.silences("towers"));
        }
        assert!(!Rules::parse("info,tower=debug").unwrap().silences("tower::buffer"));
    }

    #[test]
    fn rules_can_be_replaced_while_they_are_asked() {
        let filter = Filter::new("info,[request{id}]=trace").unwrap();
        filter.follow(|_| filter.set("debug", None).unwrap());
        assert!(filter.shown().0.contains("debug"));
    }

    #[test]
    fn malformed_directive_is_refused() {
        for directives in ["order=loud", "a=b=c", "order[{=info"] {
            assert!(Filter::new(directives).is_err(), "{directives}");
        }
    }

    #[test]
    fn only_directives_with_spans_or_fields_follow_spans() {
        for (directives, dynamic) in
            [("info", false), ("info, order=debug,", false), ("info,[request{id}]=trace", true)]
        {
            let filter = Filter::new(directives).unwrap();
            let mut followed = false;
            filter.follow(|_| followed = true);
            assert_eq!(followed, dynamic, "{directives}");
        }
    }

    #[test]
    fn temporary_directives_give_way_to_the_lasting_ones() {
        let filter = Filter::new("info").unwrap();
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        filter.set("debug", Some(later)).unwrap();
        // Another temporary one does not make the first last.
        filter.set("trace", Some(later)).unwrap();
        assert_eq!(filter.revert_if_due(now), Some(later));
        assert!(filter.shown().0.contains("trace") && filter.shown().1.is_some());
        assert_eq!(filter.revert_if_due(later), None);
        assert!(filter.shown().0.contains("info") && filter.shown().1.is_none());
        // A lasting one ends what was temporary.
        filter.set("debug", Some(later)).unwrap();
        filter.set("warn", None).unwrap();
        assert_eq!(filter.revert_if_due(later), None);
        assert!(filter.shown().0.contains("warn"));
    }
}
