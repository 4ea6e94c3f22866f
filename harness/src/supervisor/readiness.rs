//! Waiting until a service is ready, by condition and with a deadline.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::process::{Exit, Process};
use super::reach::Reach;

/// First pause between two questions; it doubles up to [`SLOWEST`].
const FASTEST: Duration = Duration::from_millis(5);
/// Longest pause between two questions.
const SLOWEST: Duration = Duration::from_millis(50);
/// Time for one answer.
const ANSWER: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 4096;

/// What is asked of a service.
#[derive(Clone, Debug)]
pub(super) enum Probe {
    /// GET of the path answers 2xx.
    Http(SocketAddr, String),
    /// All of them accept a connection.
    Tcp(Vec<SocketAddr>),
    /// A line of output matches the pattern, given for messages.
    Log(String),
    /// It answers by its own protocol.
    Backend(Box<Reach>),
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address, path) => write!(f, "GET http://{address}{path} answers 2xx"),
            Self::Tcp(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                write!(f, "{} accepts connections", addresses.join(" and "))
            }
            Self::Log(pattern) => write!(f, "a line of output matches `{pattern}`"),
            Self::Backend(reach) => f.write_str(&reach.condition()),
        }
    }
}

/// Why a service did not become ready.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unready {
    /// It ended.
    Exited(Exit),
    /// The deadline passed; what was found instead.
    TimedOut(String),
}

/// Waits until the probe succeeds, the process ends, or `within` has passed since its start. Returns the time it took.
pub(super) async fn await_ready(probe: &Probe, process: &Process, within: Duration) -> Result<Duration, Unready> {
    let deadline = process.started + within;
    let mut last = "nothing yet".to_owned();
    let attempt = async {
        let mut pause = FASTEST;
        loop {
            match ask(probe, process).await {
                Ok(()) => return,
                Err(found) => last = found,
            }
            if let Probe::Log(_) = probe {
                if process.matched().wait_for(|matched| *matched).await.is_err() {
                    // Nothing will be printed any more; the deadline or the end of the process decides.
                    std::future::pending::<()>().await;
                }
                continue;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST);
        }
    };
    tokio::select! {
        biased;
        exit = process.ended() => return Err(Unready::Exited(exit)),
        () = attempt => return Ok(process.started.elapsed()),
        () = tokio::time::sleep_until(deadline.into()) => {}
    }
    Err(Unready::TimedOut(last))
}

/// Asks once. The error says what was found instead.
pub(super) async fn ask(probe: &Probe, process: &Process) -> Result<(), String> {
    match probe {
        Probe::Log(_) if *process.matched().borrow() => Ok(()),
        Probe::Log(_) => Err("no line did".to_owned()),
        Probe::Tcp(addresses) => {
            for address in addresses {
                connect(*address).await?;
            }
            Ok(())
        }
        Probe::Http(address, path) => {
            let outcome = tokio::time::timeout(ANSWER, get(*address, path)).await;
            outcome.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER.as_secs())))
        }
        Probe::Backend(reach) => reach.ask().await,
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}"))
}

/// A GET as small as can be: readiness must not depend on a client's pools, proxies or redirects.
async fn get(address: SocketAddr, path: &str) -> Result<(), String> {
    let mut stream = connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: */*\r\nconnection: close\r\n\r\n");
    let failed = |error: std::io::Error| format!("{address}: {error}");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    let mut stream = stream.take(LONGEST_ANSWER);
    // The status line decides; only a refusal is read on, for its reason.
    while stream.read_buf(&mut answer).await.map_err(failed)? > 0 {
        if let Some(status) = status(&answer)
            && status.starts_with('2')
        {
            return Ok(());
        }
    }
    let status = status(&answer).ok_or_else(|| format!("{address}: the answer was no HTTP"))?;
    let text = String::from_utf8_lossy(&answer);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    let body: String = body.chars().take(300).collect();
    Err(format!("it answered {status} {body}").trim_end().to_owned())
}

/// The status in the beginning of an answer, once its first line is complete.
fn status(answer: &[u8]) -> Option<String> {
    let line = answer.split(|&byte| byte == b'\n').next().filter(|line| line.len() < answer.len())?;
    let line = String::from_utf8_lossy(line);
    let status = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.trim().get(..3)?.to_owned();
    status.bytes().all(|byte| byte.is_ascii_digit()).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn status_is_read_from_a_complete_first_line() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n").as_deref(), Some("204"));
        assert_eq!(status(b"HTTP/1.0 503\r\n\r\n").as_deref(), Some("503"));
        for answer in [&b""[..], b"HTTP/1.1 200 OK", b"SSH-2.0-x\r\n", b"HTTP/1.1 2\r\n", b"HTTP/1.1 abc\n", b"\xff\n"]
        {
            assert_eq!(status(answer), None);
        }
    }
}
