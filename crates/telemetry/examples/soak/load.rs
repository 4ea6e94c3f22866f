//! Open-loop load over kept-alive connections: each request is due at its moment, whatever became of those before it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Connections, each served by a thread that sleeps until its next request is due.
const CONNECTIONS: u64 = 16;
/// A request without an answer for this long has failed.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Time until the first request is due, for the threads to start in.
const RUN_UP: Duration = Duration::from_millis(20);

/// What a slice of load has seen.
pub struct Slice {
    /// Nanoseconds from the intended start to the end of the answer.
    pub latency: Histogram<u64>,
    /// Requests without a good answer.
    pub failed: u64,
}

/// Offers `rate` requests per second to `address` for `duration`.
pub fn offer(address: SocketAddr, rate: u64, duration: Duration) -> Slice {
    let start = Instant::now() + RUN_UP;
    let requests = (duration.as_secs_f64() * rate as f64) as u64;
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                scope.spawn(move || {
                    // The kernel's default slack would add up to 50 us to every wait.
                    let _ = nix::sys::prctl::set_timerslack(1_000);
                    let mine = (connection..requests).step_by(CONNECTIONS as usize);
                    ask(address, mine.map(|index| start + Duration::from_secs_f64(index as f64 / rate as f64)))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("load threads do not panic")).collect::<Vec<_>>()
    });
    let mut whole = Slice { latency: histogram(), failed: 0 };
    for part in all {
        whole.latency.add(&part.latency).expect("all histograms are alike");
        whole.failed += part.failed;
    }
    whole
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 10_000_000_000, 3).expect("valid bounds")
}

/// Sends a request at each of these moments over one connection, which is opened again when it breaks.
fn ask(address: SocketAddr, moments: impl Iterator<Item = Instant>) -> Slice {
    let mut slice = Slice { latency: histogram(), failed: 0 };
    let mut connection = connect(address);
    for due in moments {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let answered = connection.as_mut().and_then(exchange);
        slice.latency.saturating_record(due.elapsed().as_nanos() as u64);
        if answered.is_none() {
            slice.failed += 1;
            connection = connect(address);
        }
    }
    slice
}

fn connect(address: SocketAddr) -> Option<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(TIMEOUT)).ok()?;
    Some(BufReader::new(stream))
}

/// One request and its answer, which must be a 200.
fn exchange(connection: &mut BufReader<TcpStream>) -> Option<()> {
    connection.get_mut().write_all(b"GET /hello/world HTTP/1.1\r\nhost: soak\r\nuser-agent: soak/1.0\r\n\r\n").ok()?;
    let mut line = String::new();
    let mut length = 0;
    let mut ok = false;
    loop {
        line.clear();
        connection.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        ok |= text.starts_with("HTTP/1.1 200");
        if let Some((name, value)) = text.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    ok.then_some(())
}
