//! A named link between two peers.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::connection::serve;
use super::counters::{Counters, LinkCounters, add};
use super::pump::Passage;
use super::toxic::{Toxic, ToxicKind, Toxics};
use super::upstream::Upstream;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Time after which accepting is tried again when the process has no file descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(20);

/// A fault-proxy link: a TCP listener on the loopback interface that passes connections on to a peer, and does to them
/// what it is told. Dropping it closes everything.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    address: SocketAddr,
    toxics: watch::Sender<Toxics>,
    accepting: JoinHandle<()>,
    /// Keeps the port while a cut link does not listen, so that nobody else gets it.
    _port: TcpSocket,
}

#[derive(Debug)]
struct Shared {
    name: String,
    upstream: Upstream,
    counters: Counters,
}

/// What a connection attempt through a link came to.
#[derive(Debug)]
pub enum Probe {
    /// Nobody listens.
    Refused,
    /// Accepted, then reset.
    Reset,
    /// Accepted, then closed.
    Closed,
    /// Accepted and open.
    Open,
    /// Something else.
    Failed(io::Error),
}

impl Link {
    /// Opens a link on a free port of the loopback interface. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn bind(name: impl Into<String>, upstream: Upstream) -> io::Result<Arc<Self>> {
        Self::bind_to(name, SocketAddr::from(([127, 0, 0, 1], 0)), upstream)
    }

    /// Opens a link on a given address. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind_to(name: impl Into<String>, listen: SocketAddr, upstream: Upstream) -> io::Result<Arc<Self>> {
        let port = socket(listen)?;
        let address = port.local_addr()?;
        let listener = socket(address)?.listen(BACKLOG)?;
        let shared = Arc::new(Shared { name: name.into(), upstream, counters: Counters::default() });
        let (toxics, changes) = watch::channel(Toxics::default());
        let accepting = tokio::spawn(accept(Arc::clone(&shared), address, listener, changes));
        Ok(Arc::new(Self { shared, address, toxics, accepting, _port: port }))
    }

    /// Name, `from->to`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it leads; can be changed.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }

    /// Adds a fault under a label, on live and new connections, or replaces the one that has that label.
    pub fn add(&self, label: impl Into<String>, toxic: Toxic) {
        let label = label.into();
        self.change(|toxics| {
            toxics.retain(|(known, _)| *known != label);
            toxics.push((label, toxic));
        });
    }

    /// Removes the fault of that label. What it held back goes on at once. Returns whether there was one.
    pub fn remove(&self, label: &str) -> bool {
        let mut found = false;
        self.change(|toxics| {
            let before = toxics.len();
            toxics.retain(|(known, _)| known != label);
            found = toxics.len() != before;
        });
        found
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.change(Vec::clear);
    }

    /// Labels of its faults.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.toxics.borrow().iter().map(|(label, _)| label.clone()).collect()
    }

    /// What went through it and what was done to it.
    #[must_use]
    pub fn counters(&self) -> LinkCounters {
        self.shared.counters.snapshot()
    }

    /// Tries to connect through it, and watches the connection for a short time.
    pub async fn probe(&self, watch: Duration) -> Probe {
        let attempt = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.read(&mut [0; 1]).await
        };
        match tokio::time::timeout(watch, attempt).await {
            Err(_) | Ok(Ok(1..)) => Probe::Open,
            Ok(Ok(0)) => Probe::Closed,
            Ok(Err(error)) => match error.kind() {
                io::ErrorKind::ConnectionRefused => Probe::Refused,
                io::ErrorKind::ConnectionReset => Probe::Reset,
                _ => Probe::Failed(error),
            },
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<(String, Toxic)>)) {
        self.toxics.send_modify(|toxics| change(Arc::make_mut(toxics)));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Reset => f.write_str("reset"),
            Self::Closed => f.write_str("closed"),
            Self::Open => f.write_str("open"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// A bound socket that shares its port with the others of this link, and with nobody else.
fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts connections while the link is not cut. The connections end with this task.
async fn accept(shared: Arc<Shared>, address: SocketAddr, listener: TcpListener, mut changes: watch::Receiver<Toxics>) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    let mut index = 0;
    loop {
        let cut = changes.borrow_and_update().iter().any(|(_, toxic)| toxic.kind == ToxicKind::Cut);
        if cut {
            listener = None;
        } else if listener.is_none() {
            listener = socket(address).and_then(|socket| socket.listen(BACKLOG)).ok();
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
            accepted = async { listener.as_ref()?.accept().await.ok() }, if listener.is_some() => match accepted {
                Some((stream, _)) => {
                    add(&shared.counters.connections, 1);
                    connections.spawn(connection(Arc::clone(&shared), stream, index, changes.clone()));
                    index += 1;
                }
                None => tokio::time::sleep(EXHAUSTED).await,
            },
            // The port is ours, so this fails only when the process has no descriptors left.
            () = tokio::time::sleep(EXHAUSTED), if !cut && listener.is_none() => {}
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, index: u64, toxics: watch::Receiver<Toxics>) {
    let passage = Passage { link: &shared.name, connection: index, counters: &shared.counters };
    serve(stream, shared.upstream.clone(), passage, toxics).await;
}
