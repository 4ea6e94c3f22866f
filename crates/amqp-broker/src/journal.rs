//! The append-only file behind durable queues, in length- and checksum-framed records.
//!
//! Appending only fills a buffer; [`Journal::flush`] passes it to the operating system, and every task does so before
//! it lets a peer know. What has been flushed survives the death of the process (not of the machine: nothing is synced
//! per message, as with a RabbitMQ that is killed between two syncs).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use bytes::{BufMut, BytesMut};

use crate::{StartError, record::Record};

pub(crate) const HEADER: &str = "shakedown-amqp journal 1\n";
const FILE: &str = "journal";
const DAMAGED: &str = "journal.damaged";
const REWRITE: &str = "journal.new";
const LOCK: &str = "lock";

/// Octets before each record: its length and its checksum.
const FRAMING: usize = 8;
/// Below this size a rewrite is not worth its time.
const COMPACT_FROM: u64 = 16 * 1024 * 1024;

/// What was found when the data directory was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Durable queues that came back.
    pub queues: usize,
    /// Persistent messages that came back, counted once per queue.
    pub messages: usize,
    /// Of those, how many had been delivered but not acknowledged: they are marked as redelivered.
    pub redelivered: usize,
    /// Bytes at the end of the journal that could not be read, as a write cut short leaves them. The whole file as it
    /// was found is kept as `journal.damaged` beside the new one.
    pub damaged_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    inner: Mutex<Inner>,
    failed: AtomicBool,
    /// Held while the broker lives; the operating system lets go of it when the process dies.
    _lock: File,
}

#[derive(Debug)]
struct Inner {
    file: File,
    pending: BytesMut,
    /// Octets of `pending` that the file has already.
    written: usize,
    /// Octets of the file and of what is pending.
    total: u64,
    /// How many of them still matter.
    live: u64,
}

impl Journal {
    /// Locks the directory and reads what is there. The caller replays the records and then calls
    /// [`rewrite`](Self::rewrite), which makes the new file.
    pub(crate) fn open(directory: &Path) -> Result<(Self, Vec<Record>, u64), StartError> {
        let error = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Journal { path, source }
        };
        fs::create_dir_all(directory).map_err(error(directory))?;
        let lock_path = directory.join(LOCK);
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).map_err(error(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::DataInUse { path: directory.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(StartError::Journal { path: lock_path, source }),
        }
        let path = directory.join(FILE);
        let data = match fs::read(&path) {
            Ok(data) => data,
            Err(e) if e.kind() == io::ErrorKind::NotFound => HEADER.into(),
            Err(source) => return Err(StartError::Journal { path, source }),
        };
        let (records, damaged) = if let Some(body) = data.strip_prefix(HEADER.as_bytes()) {
            let (records, good) = scan(body);
            (records, (body.len() - good) as u64)
        } else if HEADER.as_bytes().starts_with(&data) {
            // Killed while it wrote its very first line.
            (Vec::new(), data.len() as u64)
        } else {
            return Err(StartError::JournalVersion { path, expected: HEADER.trim_end() });
        };
        if damaged > 0 {
            fs::copy(&path, directory.join(DAMAGED)).map_err(error(&path))?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(error(&path))?;
        let inner = Inner { file, pending: BytesMut::new(), written: 0, total: data.len() as u64, live: 0 };
        let journal = Self {
            directory: directory.to_owned(),
            inner: Mutex::new(inner),
            failed: AtomicBool::new(false),
            _lock: lock,
        };
        Ok((journal, records, damaged))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Adds a record and says how many octets it takes. They count as live when `lives` is set.
    pub(crate) fn append(&self, record: &Record, lives: bool) -> u64 {
        let mut inner = self.lock();
        let length = frame(record, &mut inner.pending);
        inner.total += length;
        if lives {
            inner.live += length;
        }
        length
    }

    /// Octets that were live are garbage now.
    pub(crate) fn forget(&self, octets: u64) {
        let mut inner = self.lock();
        inner.live = inner.live.saturating_sub(octets);
    }

    /// Passes all appended records to the operating system.
    ///
    /// # Errors
    /// When the file does not take them. They stay pending, and the next flush tries again.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        while inner.written < inner.pending.len() {
            match inner.file.write(&inner.pending[inner.written..]) {
                Ok(0) => {
                    self.failed.store(true, SeqCst);
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Ok(count) => inner.written += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.failed.store(true, SeqCst);
                    return Err(e);
                }
            }
        }
        if inner.written > 0 {
            inner.pending.clear();
            inner.written = 0;
            self.failed.store(false, SeqCst);
        }
        Ok(())
    }

    /// Whether the last write failed: nothing persistent can be promised.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    pub(crate) fn wants_compaction(&self) -> bool {
        let inner = self.lock();
        inner.total >= COMPACT_FROM && inner.live < inner.total / 2
    }

    /// Replaces the file by one that holds just the records that `write` gives to its argument.
    ///
    /// # Errors
    /// When the new file cannot be written; the old one stays in use.
    pub(crate) fn rewrite(
        &self,
        write: impl FnOnce(&mut dyn FnMut(&Record) -> io::Result<u64>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut inner = self.lock();
        let new_path = self.directory.join(REWRITE);
        let mut file = File::create(&new_path)?;
        file.write_all(HEADER.as_bytes())?;
        let mut total = HEADER.len() as u64;
        let mut buffer = BytesMut::new();
        write(&mut |record| {
            let length = frame(record, &mut buffer);
            total += length;
            if buffer.len() >= 1024 * 1024 {
                file.write_all(&buffer)?;
                buffer.clear();
            }
            Ok(length)
        })?;
        file.write_all(&buffer)?;
        // Rare enough to be synced: a rename that outlives its content would lose every queue at once.
        file.sync_data()?;
        fs::rename(&new_path, self.path())?;
        file.seek(SeekFrom::End(0))?;
        *inner = Inner { file, pending: BytesMut::new(), written: 0, total, live: total };
        self.failed.store(false, SeqCst);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn frame(record: &Record, out: &mut BytesMut) -> u64 {
    let start = out.len();
    out.put_u64(0);
    record.encode(out);
    let payload = start + FRAMING;
    let length = (out.len() - payload) as u32;
    let checksum = crc32(&out[payload..]);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    out[start + 4..payload].copy_from_slice(&checksum.to_be_bytes());
    (out.len() - start) as u64
}

/// The records up to the first one that is incomplete or damaged, and how many octets they take.
fn scan(data: &[u8]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    let mut good = 0;
    while let Some((length, rest)) = data[good..].split_first_chunk::<4>()
        && let Some((checksum, rest)) = rest.split_first_chunk::<4>()
        && let Some(payload) = rest.get(..u32::from_be_bytes(*length) as usize)
        && crc32(payload) == u32::from_be_bytes(*checksum)
        && let Ok(record) = Record::decode(payload)
    {
        records.push(record);
        good += FRAMING + payload.len();
    }
    (records, good)
}

/// CRC-32 as in zip and Ethernet (reflected, polynomial 0xEDB88320).
fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut value = i as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[i] = value;
            i += 1;
        }
        table
    };
    !data.iter().fold(!0, |crc, byte| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn removed(position: u64) -> Record {
        Record::Removed { queue: 1, position }
    }

    #[test]
    fn checksum_is_the_well_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn flushed_records_are_in_the_file_while_it_is_open() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _, _) = Journal::open(directory.path()).unwrap();
        journal.rewrite(|_| Ok(())).unwrap();
        journal.append(&removed(1), true);
        journal.flush().unwrap();
        let data = fs::read(journal.path()).unwrap();
        assert_eq!(scan(data.strip_prefix(HEADER.as_bytes()).unwrap()).0, [removed(1)]);
    }

    #[test]
    fn directory_of_a_living_broker_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let _first = Journal::open(directory.path()).unwrap();
        assert!(matches!(Journal::open(directory.path()), Err(StartError::DataInUse { .. })));
    }

    #[test]
    fn foreign_file_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        fs::write(&path, "something else entirely").unwrap();
        assert!(matches!(Journal::open(directory.path()), Err(StartError::JournalVersion { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"something else entirely");
    }

    proptest! {
        #[test]
        fn cut_or_flipped_tail_loses_only_what_follows(count in 1u64..20, at: prop::sample::Index, flip: bool) {
            let mut data = BytesMut::new();
            for position in 0..count {
                frame(&removed(position), &mut data);
            }
            let each = data.len() / count as usize;
            let at = at.index(data.len());
            if flip {
                data[at] ^= 0x10;
            } else {
                data.truncate(at);
            }
            let (records, good) = scan(&data);
            prop_assert_eq!(records.len(), at / each);
            prop_assert_eq!(good, at / each * each);
        }
    }
}
