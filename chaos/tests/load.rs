//! Load against servers whose behaviour is known, so that what is measured can be compared with what is true.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chaos::history::{self, Outcome};
use chaos::load::{
    Arrivals, Iteration, IterationResult, LoadControl, LoadPlan, LoadResult, OperationRun, Pacing, Recorder, Shape,
    Workload, run_load,
};
use chaos::{BoxFuture, History, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};

fn plan(per_second: f64, seconds: u64) -> LoadPlan {
    LoadPlan::steady("buy", "place_order", per_second, Duration::ZERO, Duration::from_secs(seconds), 42)
}

async fn simulate(plan: LoadPlan, workload: impl Workload + 'static) -> LoadResult {
    let control = LoadControl { pacing: Pacing::Timer, ..LoadControl::now() };
    run_load(plan, Arc::new(workload), Arc::new(Recorder::new()), None, control).await
}

/// Answers at once, except that it is frozen for the last `frozen` of every `period`.
struct Frozen {
    start: Instant,
    period: Duration,
    frozen: Duration,
}

impl Workload for Frozen {
    fn iterate(&self, _: Iteration) -> BoxFuture<'_, IterationResult> {
        Box::pin(async move {
            let since = self.start.elapsed();
            let into = Duration::from_nanos((since.as_nanos() % self.period.as_nanos()) as u64);
            if into >= self.period - self.frozen {
                sleep_until(Instant::now() + (self.period - into)).await;
            }
            IterationResult { ok: true, ..IterationResult::default() }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn response_latency_of_a_frozen_server_is_what_arithmetic_says() {
    // Frozen 1 s in every 5: a fifth of all users wait, uniformly up to 1 s, so p90 is 500 ms and p99 950 ms.
    let server = Frozen { start: Instant::now(), period: Duration::from_secs(5), frozen: Duration::from_secs(1) };
    let load = simulate(LoadPlan { arrivals: Arrivals::Constant, ..plan(500.0, 20) }, server).await;
    assert_eq!((load.verdict, load.offered, load.errors), (Verdict::Pass, 10_000, 0));
    assert!((load.response.p90_ms - 500.0).abs() < 15.0, "{:?}", load.response);
    assert!((load.response.p99_ms - 950.0).abs() < 15.0, "{:?}", load.response);
    assert!(load.response.p50_ms < 5.0, "{:?}", load.response);
}

/// Echoes a byte through a server that handles one request at a time.
struct OverTcp(std::net::SocketAddr);

impl Workload for OverTcp {
    fn iterate(&self, _: Iteration) -> BoxFuture<'_, IterationResult> {
        Box::pin(async move {
            let echoed = async {
                let mut stream = TcpStream::connect(self.0).await?;
                stream.write_all(b"x").await?;
                stream.read_u8().await
            };
            IterationResult { ok: echoed.await.is_ok(), ..IterationResult::default() }
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_server_that_freezes_shows_in_the_intended_start_latency() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (period, frozen) = (Duration::from_millis(1000), Duration::from_millis(400));
    let start = Instant::now();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let into = Duration::from_nanos((start.elapsed().as_nanos() % period.as_nanos()) as u64);
            if into >= period - frozen {
                sleep(period - into).await;
            }
            if let Ok(byte) = stream.read_u8().await {
                let _ = stream.write_u8(byte).await;
            }
        }
    });
    let load = run_load(
        LoadPlan { arrivals: Arrivals::Constant, max_lag: Duration::from_secs(1), ..plan(200.0, 3) },
        Arc::new(OverTcp(address)),
        Arc::new(Recorder::new()),
        None,
        LoadControl::now(),
    )
    .await;
    server.abort();
    assert_eq!((load.verdict, load.offered, load.errors), (Verdict::Pass, 600, 0));
    // 40 % wait uniformly up to 400 ms: p90 is 300 ms, p99 390 ms. A generator that stood still with the server would
    // have seen one slow request in each period. The bounds leave room for a busy machine.
    assert!((load.response.p90_ms - 300.0).abs() < 60.0, "{:?}", load.response);
    assert!((load.response.p99_ms - 390.0).abs() < 80.0, "{:?}", load.response);
}

/// Takes a fixed time, or for ever.
struct Takes {
    time: Option<Duration>,
    finished: Arc<AtomicU64>,
}

impl Workload for Takes {
    fn iterate(&self, iteration: Iteration) -> BoxFuture<'_, IterationResult> {
        Box::pin(async move {
            let started = Instant::now().into_std();
            match self.time {
                Some(time) => sleep(time).await,
                None => std::future::pending().await,
            }
            self.finished.fetch_add(1, Ordering::SeqCst);
            let operation = OperationRun {
                name: "step".into(),
                outcome: Outcome::Ok,
                status: Some(200),
                error: None,
                started,
                ended: Instant::now().into_std(),
                trace_id: None,
                correlation_id: None,
                saved: BTreeMap::from([("index".into(), iteration.index.into())]),
                waits: false,
            };
            IterationResult { operations: vec![operation], ok: true, error: None }
        })
    }
}

fn takes(time: Option<Duration>) -> Takes {
    Takes { time, finished: Arc::default() }
}

#[tokio::test(start_paused = true)]
async fn too_many_in_flight_are_shed_and_count_as_failed() {
    // 10/s for 10 s, each taking 1 s, at most 5 at once: half of them find no place.
    let slow = takes(Some(Duration::from_millis(995)));
    let load = simulate(LoadPlan { arrivals: Arrivals::Constant, max_inflight: 5, ..plan(10.0, 10) }, slow).await;
    assert_eq!((load.offered, load.ok, load.shed, load.errors), (100, 50, 50, 50));
    assert_eq!(load.failures, BTreeMap::from([("shed: too many iterations in flight".to_owned(), 50)]));
    assert_eq!(load.achieved_per_s, 5.0);
}

#[tokio::test(start_paused = true)]
async fn time_out_counts_at_its_deadline_and_leaves_its_trace_in_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let history = Arc::new(History::append_to(dir.path().join("history.jsonl")).unwrap());
    let mut plan = plan(20.0, 5);
    plan.timeout = Duration::from_secs(2);
    plan.thresholds = vec!["buy.ok >= 99%".parse().unwrap(), "place_order.p50 < 1s".parse().unwrap()];
    for (time, operation, outcome) in
        [(None, "*", Outcome::Info), (Some(Duration::from_millis(2500)), "step", Outcome::Ok)]
    {
        let control = LoadControl { pacing: Pacing::Timer, ..LoadControl::now() };
        let before = history.len();
        let load = run_load(
            plan.clone(),
            Arc::new(takes(time)),
            Arc::new(Recorder::new()),
            Some(Arc::clone(&history)),
            control,
        )
        .await;
        assert_eq!((load.verdict, load.ok), (Verdict::Fail, 0));
        assert_eq!((load.timeouts, load.errors), (load.offered, load.offered));
        assert!((load.response.p50_ms - 2000.0).abs() < 10.0, "{:?}", load.response);
        assert_eq!(load.reasons.len(), 2);
        let written: Vec<_> =
            history::read(history.path()).unwrap().map(Result::unwrap).skip(before as usize).collect();
        assert_eq!(written.len() as u64, load.offered);
        assert!(written.iter().all(|o| o.operation == operation && o.outcome == outcome), "{written:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn warm_up_is_run_but_not_measured() {
    let plan = LoadPlan {
        arrivals: Arrivals::Constant,
        shape: Shape::constant(10.0),
        ..LoadPlan::steady("buy", "place_order", 10.0, Duration::from_secs(2), Duration::from_secs(3), 1)
    };
    let quick = takes(Some(Duration::from_millis(5)));
    let finished = Arc::clone(&quick.finished);
    let load = simulate(plan, quick).await;
    assert_eq!((finished.load(Ordering::SeqCst), load.offered, load.ok), (50, 30, 30));
    assert_eq!((load.offered_per_s, load.operations["step"].count), (10.0, 30));
    assert_eq!(load.intervals.len(), 5);
}

#[tokio::test(flavor = "current_thread")]
async fn late_generator_makes_the_result_invalid() {
    /// Hogs the only thread of the runtime, so that nothing can start in time.
    struct Hog;
    impl Workload for Hog {
        fn iterate(&self, _: Iteration) -> BoxFuture<'_, IterationResult> {
            Box::pin(async {
                let until = std::time::Instant::now() + Duration::from_millis(30);
                while std::time::Instant::now() < until {
                    std::hint::spin_loop();
                }
                IterationResult { ok: true, ..IterationResult::default() }
            })
        }
    }
    let load = run_load(plan(100.0, 1), Arc::new(Hog), Arc::new(Recorder::new()), None, LoadControl::now()).await;
    assert_eq!(load.verdict, Verdict::Invalid);
    assert!(load.reasons[0].starts_with("the generator was late: 99% of iterations started within"), "{load:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelled_load_is_aborted() {
    let control = LoadControl { pacing: Pacing::Timer, ..LoadControl::now() };
    let cancel = control.cancel.clone();
    let load = run_load(plan(10.0, 60), Arc::new(takes(None)), Arc::new(Recorder::new()), None, control);
    let (load, ()) = tokio::join!(load, async {
        sleep(Duration::from_secs(3)).await;
        cancel.cancel();
    });
    assert_eq!(load.verdict, Verdict::Aborted);
    assert!(load.offered < 60, "{load:?}");
}

#[tokio::test(start_paused = true)]
async fn iterations_in_flight_when_a_load_is_stopped_still_tell_what_they_did() {
    let dir = tempfile::tempdir().unwrap();
    let history = Arc::new(History::append_to(dir.path().join("history.jsonl")).unwrap());
    let control = LoadControl { pacing: Pacing::Timer, ..LoadControl::now() };
    let cancel = control.cancel.clone();
    let slow = Arc::new(takes(Some(Duration::from_secs(2))));
    let load = run_load(plan(10.0, 60), slow, Arc::new(Recorder::new()), Some(history.clone()), control);
    let (load, ()) = tokio::join!(load, async {
        sleep(Duration::from_secs(3)).await;
        cancel.cancel();
    });
    history.flush().unwrap();
    let outcomes: Vec<Outcome> = history::read(history.path()).unwrap().map(|read| read.unwrap().outcome).collect();
    assert_eq!(outcomes.len() as u64, load.offered);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Ok), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn panicking_iteration_counts_as_failed() {
    struct Panics;
    impl Workload for Panics {
        fn iterate(&self, iteration: Iteration) -> BoxFuture<'_, IterationResult> {
            Box::pin(async move {
                assert!(iteration.index.is_multiple_of(2), "planted panic");
                IterationResult { ok: true, ..IterationResult::default() }
            })
        }
    }
    let load = simulate(LoadPlan { arrivals: Arrivals::Constant, ..plan(10.0, 2) }, Panics).await;
    assert_eq!((load.offered, load.ok, load.errors), (20, 10, 10));
}

#[tokio::test(start_paused = true)]
async fn load_that_offers_nothing_is_invalid() {
    let load = simulate(plan(0.0, 5), takes(None)).await;
    assert_eq!(load.verdict, Verdict::Invalid);
    assert_eq!(load.reasons, ["load `buy` offered nothing, so nothing was measured"]);
}
