//! Who has sockets on this gateway.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use socketioxide::socket::Sid;
use tokio::sync::Notify;

/// The sockets of this gateway by their users.
#[derive(Debug)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
    most: usize,
    /// Wakes the link when somebody came or went.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    sockets: HashMap<String, Vec<Sid>>,
    /// Whoever came or went since the chat service was told.
    changed: HashSet<String>,
}

/// A socket's place; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    registry: Arc<Registry>,
    username: String,
    sid: Sid,
}

/// Who came and who went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) online: Vec<String>,
    pub(super) offline: Vec<String>,
}

impl Registry {
    /// A registry that holds at most `most` sockets of each user.
    pub(super) fn new(most: usize) -> Self {
        Self { inner: Mutex::default(), most, changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more socket of `username`; none when there are enough.
    pub(super) fn seat(self: &Arc<Self>, username: &str, sid: Sid) -> Option<Seat> {
        let mut inner = self.lock();
        let sockets = inner.sockets.entry(username.to_owned()).or_default();
        if sockets.len() >= self.most {
            return None;
        }
        sockets.push(sid);
        if sockets.len() == 1 {
            inner.changed.insert(username.to_owned());
            self.changed.notify_one();
        }
        Some(Seat { registry: Arc::clone(self), username: username.to_owned(), sid })
    }

    /// The sockets of `username`.
    pub(super) fn of(&self, username: &str) -> Vec<Sid> {
        self.lock().sockets.get(username).cloned().unwrap_or_default()
    }

    /// All sockets.
    pub(super) fn all(&self) -> Vec<Sid> {
        self.lock().sockets.values().flatten().copied().collect()
    }

    /// Everybody here; [`changes`](Self::changes) are counted from now on.
    pub(super) fn everybody(&self) -> Vec<String> {
        let mut inner = self.lock();
        inner.changed.clear();
        inner.sockets.keys().cloned().collect()
    }

    /// Who came and who went since the last call; whoever did both may be in either list, as they are now.
    pub(super) fn changes(&self) -> Changes {
        let mut inner = self.lock();
        let changed = std::mem::take(&mut inner.changed);
        let (online, offline) = changed.into_iter().partition(|username| inner.sockets.contains_key(username));
        Changes { online, offline }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        let Some(sockets) = inner.sockets.get_mut(&self.username) else { return };
        sockets.retain(|sid| *sid != self.sid);
        if sockets.is_empty() {
            inner.sockets.remove(&self.username);
            inner.changed.insert(self.username.clone());
            self.registry.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(online: &[&str], offline: &[&str]) -> Changes {
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Changes { online: list(online), offline: list(offline) }
    }

    #[test]
    fn only_first_and_last_socket_of_a_user_are_changes() {
        let registry = Arc::new(Registry::new(2));
        let first = registry.seat("ada", Sid::new()).unwrap();
        let second = registry.seat("ada", Sid::new()).unwrap();
        assert!(registry.seat("ada", Sid::new()).is_none());
        assert_eq!(registry.changes(), changes(&["ada"], &[]));
        drop(first);
        assert_eq!(registry.changes(), changes(&[], &[]));
        assert_eq!(registry.of("ada"), [second.sid]);
        drop(second);
        assert_eq!(registry.changes(), changes(&[], &["ada"]));
        assert!(registry.of("ada").is_empty() && registry.all().is_empty());
    }

    #[test]
    fn changes_are_counted_from_the_last_list_of_everybody() {
        let registry = Arc::new(Registry::new(2));
        let seat = registry.seat("ada", Sid::new()).unwrap();
        assert_eq!(registry.everybody(), ["ada"]);
        assert_eq!(registry.changes(), changes(&[], &[]));
        drop(seat);
        let _again = registry.seat("ada", Sid::new()).unwrap();
        assert_eq!(registry.changes(), changes(&["ada"], &[]));
    }
}
