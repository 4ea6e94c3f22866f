//! The broker as a whole: its sockets, its tasks, its end.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Config, Recovery, StartError, connection, journal::Journal, management, vhost::Vhost};

/// How long an orderly end may take.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Pause after the system refused to accept a connection, for want of file descriptors usually.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every task of the broker can reach.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) memory_freed: Arc<Notify>,
    /// Connections are closed in order.
    pub(crate) stopping: CancellationToken,
    /// Everything ends at once.
    pub(crate) stopped: CancellationToken,
    connections: AtomicUsize,
    vhost: Mutex<Vhost>,
}

impl Shared {
    /// The state. Nothing may wait while it is held.
    pub(crate) fn vhost(&self) -> MutexGuard<'_, Vhost> {
        self.vhost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether user and password are right, in a time that does not tell how much of them is.
    pub(crate) fn knows(&self, user: &[u8], password: &[u8]) -> bool {
        let same = |given: &[u8], right: &[u8]| {
            let differences = given.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
            given.len() == right.len() && std::hint::black_box(differences) == 0
        };
        same(user, self.config.user.as_bytes()) & same(password, self.config.password.as_bytes())
    }

    /// Passes the journal on to the operating system.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.flush())
    }
}

/// A running broker. Dropping it ends it at once, as losing the process would; see [`Broker::shutdown`].
#[derive(Debug)]
pub struct Broker {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    amqp: SocketAddr,
    management: Option<SocketAddr>,
    recovery: Recovery,
}

impl Broker {
    /// Opens the data directory, if any, and starts to listen.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running.
    ///
    /// # Examples
    /// ```
    /// use amqp_broker::{Broker, Config, StartError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), StartError> {
    /// let first = Broker::start(Config::default()).await?;
    /// let taken = Config { listen: first.amqp_addr(), ..Config::default() };
    /// assert!(matches!(Broker::start(taken).await, Err(StartError::PortInUse { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.limits.check()?;
        let listener = listen(config.listen).await?;
        let management_listener = match config.management {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let address = |listener: &TcpListener, asked| {
            listener.local_addr().map_err(|source| StartError::Listen { address: asked, source })
        };
        let amqp = address(&listener, config.listen)?;
        let management = match (&management_listener, config.management) {
            (Some(listener), Some(asked)) => Some(address(listener, asked)?),
            _ => None,
        };
        let mut vhost = Vhost::new(&config.vhost, config.limits.clone());
        let recovery = match &config.data {
            Some(directory) => vhost.recover_from(directory)?,
            None => Recovery::default(),
        };
        let shared = Arc::new(Shared {
            journal: vhost.books.journal.clone(),
            memory_freed: Arc::clone(&vhost.memory_freed),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            connections: AtomicUsize::new(0),
            vhost: Mutex::new(vhost),
            config,
        });
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, Arc::clone(&shared), tasks.clone()));
        tasks.spawn(fire_timers(Arc::clone(&shared)));
        if let Some(listener) = management_listener {
            tasks.spawn(management::serve(listener, Arc::clone(&shared)));
        }
        tasks.close();
        Ok(Self { shared, tasks, amqp, management, recovery })
    }

    /// Where AMQP clients connect.
    #[must_use]
    pub fn amqp_addr(&self) -> SocketAddr {
        self.amqp
    }

    /// Where the management API is served, if it is.
    #[must_use]
    pub fn management_addr(&self) -> Option<SocketAddr> {
        self.management
    }

    /// What was found in the data directory.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Closes every connection with 320 `CONNECTION_FORCED`, waits for that (5 s at most), and ends.
    pub async fn shutdown(self) {
        self.shared.stopping.cancel();
        let _ = tokio::time::timeout(SHUTDOWN_PATIENCE, self.tasks.wait()).await;
        self.shared.stopped.cancel();
        let _ = tokio::time::timeout(SHUTDOWN_PATIENCE, self.tasks.wait()).await;
        // Whoever needed to know that it was written has been told only after it was.
        let _ = self.shared.flush();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
        self.shared.stopped.cancel();
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { address },
        _ => StartError::Listen { address, source },
    })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stopping.cancelled() => return,
        };
        let Ok((socket, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if shared.connections.fetch_add(1, SeqCst) >= shared.config.limits.connections {
            shared.connections.fetch_sub(1, SeqCst);
            continue;
        }
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            tokio::select! {
                () = serve(&shared, socket, peer) => {}
                () = shared.stopped.cancelled() => {}
            }
            shared.connections.fetch_sub(1, SeqCst);
        });
    }
}

async fn serve(shared: &Arc<Shared>, socket: TcpStream, peer: SocketAddr) {
    // Frames are written in batches already; waiting for more would only delay confirms.
    if socket.set_nodelay(true).is_ok()
        && let Ok(local) = socket.local_addr()
    {
        connection::serve(Arc::clone(shared), socket, peer, local).await;
    }
}

/// Sleeps until the next message or queue expires.
async fn fire_timers(shared: Arc<Shared>) {
    let timer_set = Arc::clone(&shared.vhost().timer_set);
    loop {
        let next = shared.vhost().next_timer();
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {
                shared.vhost().fire_timers(Instant::now());
                // What cannot be written now is tried again before anybody is told of something newer.
                let _ = shared.flush();
            }
            () = timer_set.notified() => {}
            () = shared.stopping.cancelled() => return,
        }
    }
}

pub(crate) fn epoch_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
