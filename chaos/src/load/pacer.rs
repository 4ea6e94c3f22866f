//! Says when it is time. A late pacer falsifies everything measured after it, so it is a thread of its own: it sleeps until
//! shortly before each arrival and spins for the rest, as timers of an async runtime are only good to a millisecond.

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Schedule;

/// Last part of a wait that is spent spinning. Longer costs a core at high rates, shorter exposes the sleep's own lateness.
const SPIN: Duration = Duration::from_micros(80);
/// Longest sleep at once, so that the thread notices soon that nobody listens any more.
const NAP: Duration = Duration::from_millis(50);
/// Arrivals that may be handed over before they are taken. Being late here is measured as lag.
const HANDED_OVER: usize = 4096;

/// How arrivals are timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// By a thread of its own: precise.
    #[default]
    Thread,
    /// By the runtime's timer: follows its clock when that is paused or simulated, to a millisecond.
    Timer,
}

/// One arrival that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) index: u64,
    /// Intended start, from the start of the load.
    pub(super) at: Duration,
}

/// Hands over the arrivals of a schedule before `until`, each when it is due. The channel closes after the last one.
pub(super) fn pace(
    schedule: Schedule,
    start: Instant,
    until: Duration,
    pacing: Pacing,
) -> std::io::Result<mpsc::Receiver<Arrival>> {
    let (sender, receiver) = mpsc::channel(HANDED_OVER);
    let arrivals = (0..).zip(schedule.take_while(move |at| *at < until)).map(|(index, at)| Arrival { index, at });
    match pacing {
        Pacing::Thread => {
            thread::Builder::new().name("pacer".to_owned()).spawn(move || by_thread(arrivals, start, &sender))?;
        }
        Pacing::Timer => {
            tokio::spawn(async move {
                for arrival in arrivals {
                    tokio::time::sleep_until(start + arrival.at).await;
                    if sender.send(arrival).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
    Ok(receiver)
}

fn by_thread(arrivals: impl Iterator<Item = Arrival>, start: Instant, sender: &mpsc::Sender<Arrival>) {
    let start = start.into_std();
    for arrival in arrivals {
        let due = start + arrival.at;
        loop {
            let left = due.saturating_duration_since(std::time::Instant::now());
            if left <= SPIN || sender.is_closed() {
                break;
            }
            thread::sleep((left - SPIN).min(NAP));
        }
        while std::time::Instant::now() < due && !sender.is_closed() {
            std::hint::spin_loop();
        }
        if sender.blocking_send(arrival).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Arrivals, Shape};
    use super::*;

    fn schedule() -> Schedule {
        Schedule::new(Shape::constant(200.0), Arrivals::Constant, 1, "x")
    }

    #[tokio::test]
    async fn thread_is_never_early_and_keeps_the_order() {
        let start = Instant::now();
        let mut arrivals = pace(schedule(), start, Duration::from_millis(200), Pacing::Thread).unwrap();
        let mut count = 0;
        while let Some(arrival) = arrivals.recv().await {
            assert_eq!(arrival.index, count);
            assert!(start.elapsed() >= arrival.at);
            count += 1;
        }
        assert_eq!(count, 40);
    }

    #[tokio::test(start_paused = true)]
    async fn timer_follows_a_paused_clock() {
        let start = Instant::now();
        let mut arrivals = pace(schedule(), start, Duration::from_secs(60), Pacing::Timer).unwrap();
        let mut last = Duration::ZERO;
        while let Some(arrival) = arrivals.recv().await {
            last = arrival.at;
        }
        assert_eq!(last, Duration::from_millis(59_995));
    }
}
