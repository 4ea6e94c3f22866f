//! The SMTP sink on its socket.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::session::Session;
use super::store::Store;

/// Sessions at the same time; further clients wait.
const MOST_SESSIONS: usize = 512;
/// Silence after which a session ends.
const IDLE: Duration = Duration::from_secs(120);

/// The sink could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the SMTP sink on `{address}`: {source}")]
pub struct SinkError {
    address: SocketAddr,
    source: io::Error,
}

/// An SMTP server on the loopback interface that keeps every mail in its [`Store`], to which it dereferences. It ends
/// when it is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    store: Arc<Store>,
    accepting: JoinHandle<()>,
}

impl Sink {
    /// Opens the sink at an address (port 0 for a free one); messages above `max_message` bytes are refused.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub async fn start(address: SocketAddr, max_message: usize) -> Result<Self, SinkError> {
        let failed = |source| SinkError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let store = Arc::new(Store::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&store), max_message));
        Ok(Self { address, store, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Deref for Sink {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, store: Arc<Store>, max_message: usize) {
    let room = Arc::new(Semaphore::new(MOST_SESSIONS));
    // Dropped with this task, and the sessions with it.
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let store = Arc::clone(&store);
                sessions.spawn(async move {
                    let _permit = permit;
                    // A client that goes away in mid-session has no mail to lose: what was complete is in the store.
                    let _ = serve(stream, &store, max_message).await;
                });
            }
            // Out of file descriptors: trying again at once would only spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(mut stream: TcpStream, store: &Store, max_message: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(Session::GREETING.as_bytes()).await?;
    let mut session = Session::new(max_message);
    let mut buffer = vec![0; 16 * 1024];
    while !session.closed() {
        let read = match tokio::time::timeout(IDLE, stream.read(&mut buffer)).await {
            Ok(read) => read?,
            Err(_) => {
                stream.write_all(b"421 4.4.2 idle for too long\r\n").await?;
                break;
            }
        };
        if read == 0 {
            return Ok(());
        }
        let mut replies = String::new();
        for mail in session.feed(&buffer[..read], &mut replies) {
            // Kept before it is acknowledged: whoever sees the reply finds the mail.
            store.push(mail);
        }
        stream.write_all(replies.as_bytes()).await?;
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::io::{AsyncBufReadExt, BufReader};

    #[tokio::test]
    async fn a_client_that_speaks_line_by_line_is_understood() {
        let sink = Sink::start(SocketAddr::from(([127, 0, 0, 1], 0)), 1 << 20).await.expect("a sink");
        let mut client = BufReader::new(TcpStream::connect(sink.address()).await.expect("a connection"));
        let mut reply = String::new();
        client.read_line(&mut reply).await.expect("a greeting");
        assert!(reply.starts_with("220 "), "{reply}");
        let script = [
            ("HELO me", "250"),
            ("MAIL FROM:<a@x>", "250"),
            ("RCPT TO:<b@x>", "250"),
            ("DATA", "354"),
            ("Subject: hi\r\n\r\nverify?token=abc\r\n.", "250"),
            ("QUIT", "221"),
        ];
        for (line, code) in script {
            client.write_all(format!("{line}\r\n").as_bytes()).await.expect("sent");
            reply.clear();
            client.read_line(&mut reply).await.expect("a reply");
            assert!(reply.starts_with(code), "{line}: {reply}");
        }
        let mail = sink.wait_for("b@x", |mail| mail.subject == "hi", Instant::now() + Duration::from_secs(5)).await;
        assert!(mail.expect("the mail").text.contains("token=abc"));
        assert_eq!(client.read_line(&mut reply).await.expect("the end"), 0);
    }
}
