//! Free ports for services, chosen so that nobody takes them before the service listens.
//!
//! A port picked by the kernel can be handed out again, to a client's connection or to another harness, between the
//! moment it is found free and the moment the service binds it. So ports come from outside the ephemeral range, and
//! each is reserved by a locked file for as long as the system runs. The lock goes with the process that holds it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Ports that services traditionally ask for end here.
const LOWEST: u16 = 15_000;
/// Default start of the ephemeral range of Linux.
const EPHEMERAL: u16 = 32_768;

/// Why no port could be reserved.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The port asked for is in use.
    #[error("port {0} is taken by another process")]
    Taken(u16),
    /// No port is free.
    #[error("no free port from {} to {}", .0.start(), .0.end())]
    Exhausted(RangeInclusive<u16>),
    /// The reservations cannot be written.
    #[error("cannot reserve ports in `{}`: {source}", path.display())]
    Reservations {
        /// Folder of the reservations.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A port that no other harness on this machine hands out while this value lives.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    path: PathBuf,
    _lock: File,
}

impl Reserved {
    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file that is locked for as long as this value lives.
    pub(super) fn lock(&self) -> &Path {
        &self.path
    }
}

/// Reserves one port after the other.
#[derive(Debug)]
pub struct Ports {
    folder: PathBuf,
    range: RangeInclusive<u16>,
    next: u16,
}

impl Ports {
    /// Ports of this machine.
    ///
    /// # Errors
    ///
    /// When the folder of reservations cannot be made.
    pub fn new() -> Result<Self, PortError> {
        // One folder for each user: nobody can lock somebody else's files, and a clash still fails the test bind.
        let folder = std::env::temp_dir().join(format!("shakedown-ports-{}", user()));
        Self::within(&folder, range())
    }

    fn within(folder: &Path, range: RangeInclusive<u16>) -> Result<Self, PortError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| PortError::Reservations { path: folder.to_owned(), source })?;
        // Starting somewhere else each time keeps parallel harnesses out of each other's way, and lets a port rest.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.subsec_nanos());
        let span = u32::from(range.end() - range.start()) + 1;
        let offset = (now ^ std::process::id().wrapping_mul(0x9E37_79B9)) % span;
        let next = range.start() + u16::try_from(offset).unwrap_or(0);
        Ok(Self { folder: folder.to_owned(), range, next })
    }

    /// Reserves a free port.
    ///
    /// # Errors
    ///
    /// When all are in use, or reservations cannot be written.
    pub fn free(&mut self) -> Result<Reserved, PortError> {
        for _ in self.range.clone() {
            let port = self.next;
            self.next = if port >= *self.range.end() { *self.range.start() } else { port + 1 };
            if let Some(reserved) = self.reserve(port)? {
                return Ok(reserved);
            }
        }
        Err(PortError::Exhausted(self.range.clone()))
    }

    /// Reserves this very port.
    ///
    /// # Errors
    ///
    /// When it is in use, or reservations cannot be written.
    pub fn fixed(&mut self, port: u16) -> Result<Reserved, PortError> {
        self.reserve(port)?.ok_or(PortError::Taken(port))
    }

    fn reserve(&self, port: u16) -> Result<Option<Reserved>, PortError> {
        let path = self.folder.join(port.to_string());
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| PortError::Reservations { path: path.clone(), source })?;
        // Locked first, tried second: two harnesses that try the same port at once must not both see it free.
        if lock.try_lock().is_err() || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return Ok(None);
        }
        Ok(Some(Reserved { port, path, _lock: lock }))
    }
}

/// Something that tells users apart, for the name of a folder.
fn user() -> String {
    match std::fs::metadata("/proc/self") {
        Ok(own) => own.uid().to_string(),
        Err(_) => std::env::var("USER").unwrap_or_default().replace('/', "_"),
    }
}

/// The longest stretch of unprivileged ports outside the ephemeral range.
fn range() -> RangeInclusive<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = text.split_whitespace().map(str::parse::<u16>);
    let (low, high) = match (bounds.next(), bounds.next()) {
        (Some(Ok(low)), Some(Ok(high))) => (low, high),
        _ => (EPHEMERAL, u16::MAX),
    };
    outside(low, high)
}

fn outside(low: u16, high: u16) -> RangeInclusive<u16> {
    let below = LOWEST..=low.saturating_sub(1).max(LOWEST);
    let above = high.saturating_add(1).min(u16::MAX - 1)..=u16::MAX - 1;
    let length = |range: &RangeInclusive<u16>| range.end() - range.start();
    if length(&below) >= length(&above) && length(&below) >= 1000 {
        below
    } else if length(&above) >= 1000 {
        above
    } else {
        // Nearly everything is ephemeral here; the reservation and the test bind have to do.
        LOWEST..=u16::MAX - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ports_lie_outside_the_ephemeral_range() {
        assert_eq!(outside(32_768, 60_999), 15_000..=32_767);
        assert_eq!(outside(1024, 50_000), 50_001..=65_534);
        assert_eq!(outside(1024, 65_535), 15_000..=65_534);
    }

    #[test]
    fn a_reserved_port_is_given_to_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        // Two harnesses with the same folder, on a range that only this test uses at this moment.
        let range = range();
        let mut one = Ports::within(folder.path(), range.clone()).expect("ports");
        let mut two = Ports::within(folder.path(), range).expect("ports");
        two.next = one.next;
        let reserved: Vec<Reserved> =
            (0..20).flat_map(|_| [one.free().expect("a port"), two.free().expect("a port")]).collect();
        let distinct: BTreeSet<u16> = reserved.iter().map(Reserved::port).collect();
        assert_eq!(distinct.len(), 40);
        assert!(matches!(two.fixed(reserved[0].port()), Err(PortError::Taken(_))));
    }

    #[test]
    fn a_port_in_use_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let mut ports = Ports::within(folder.path(), port..=port).expect("ports");
        assert_eq!(ports.fixed(port).unwrap_err().to_string(), format!("port {port} is taken by another process"));
        assert!(matches!(ports.free(), Err(PortError::Exhausted(_))));
    }
}
