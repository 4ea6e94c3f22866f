//! The directory that a run leaves behind.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// Directories of runs that stay, the new one included: one has up to a gigabyte of telemetry.
const KEPT: usize = 10;

/// Held by the run whose directory it is in.
const LOCK: &str = ".lock";

/// The run's directory could not be made.
#[derive(Debug, Error)]
#[error("cannot {doing} `{}`: {source}", path.display())]
pub struct RunDirError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Directory of one run, `target/shakedown/<run-id>` unless told otherwise, with `latest` beside it pointing at it. There the
/// last ten stay; a run that is to stay for good is given a directory elsewhere.
#[derive(Clone, Debug)]
pub struct RunDir {
    id: String,
    path: PathBuf,
    removed: usize,
    /// Nobody removes it meanwhile.
    _lock: Arc<File>,
}

impl RunDir {
    /// Makes the directory. With `at` it is exactly that one; otherwise a fresh one below `base`.
    ///
    /// # Errors
    /// When it cannot be created or written: missing rights, no space.
    pub fn create(at: Option<&Path>, base: &Path) -> Result<Self, RunDirError> {
        let id = run_id();
        if let Some(dir) = at
            && fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
        {
            let source = io::Error::other("it is not empty, and what an earlier run left there would be judged too");
            return Err(RunDirError { doing: "use", path: dir.to_owned(), source });
        }
        let path = at.map_or_else(|| base.join(&id), Path::to_owned);
        for dir in [path.clone(), path.join("logs"), path.join("telemetry"), path.join("data")] {
            fs::create_dir_all(&dir).map_err(|source| RunDirError { doing: "create", path: dir.clone(), source })?;
        }
        let path = path.canonicalize().map_err(|source| RunDirError { doing: "resolve", path, source })?;
        // A full disk shows here, before anything was started.
        let probe = path.join(".probe");
        fs::write(&probe, [0; 64 << 10]).and_then(|()| fs::remove_file(&probe)).map_err(|source| RunDirError {
            doing: "write to",
            path: path.clone(),
            source,
        })?;
        let lock = File::create(path.join(LOCK)).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(|source| RunDirError { doing: "lock", path: path.clone(), source })?;
        let mut removed = 0;
        if at.is_none() {
            point_latest(base, &id);
            removed = remove_oldest(base);
        }
        Ok(Self { id, path, removed, _lock: Arc::new(lock) })
    }

    /// How many directories of earlier runs had to go for this one.
    #[must_use]
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// Identifier of the run.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Time of day and a part of a UUIDv7, so that names sort by time and never collide.
fn run_id() -> String {
    let random = uuid::Uuid::now_v7().simple().to_string();
    format!("{}-{}", chrono::Utc::now().format("%Y%m%d-%H%M%S"), &random[24..])
}

/// Whether a name is one that [`run_id`] gives.
fn is_run_id(name: &str) -> bool {
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let Some((day, rest)) = name.split_once('-') else { return false };
    let Some((time, random)) = rest.split_once('-') else { return false };
    day.chars().map(shape).eq("00000000".chars())
        && time.chars().map(shape).eq("000000".chars())
        && random.len() == 8
        && random.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Removes the directories of the oldest runs, and nothing else: not those that are in use, and not what somebody else put
/// there. One that cannot be removed stays.
fn remove_oldest(base: &Path) -> usize {
    let Ok(entries) = fs::read_dir(base) else { return 0 };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = directories.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| is_run_id(name));
    names.sort_unstable();
    names.truncate(names.len().saturating_sub(KEPT));
    let is_over = |path: &Path| match File::open(path.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        // Of a version that had none.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let paths = names.iter().map(|name| base.join(name));
    paths.filter(|path| is_over(path) && fs::remove_dir_all(path).is_ok()).count()
}

fn point_latest(base: &Path, id: &str) {
    let latest = base.join("latest");
    let fresh = base.join(format!(".latest-{id}"));
    // The link is a convenience: file systems without links go without it.
    if std::os::unix::fs::symlink(id, &fresh).is_ok() && fs::rename(&fresh, &latest).is_err() {
        let _ = fs::remove_file(&fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_points_at_the_newest_run() {
        let base = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let dir = RunDir::create(None, base.path()).unwrap();
            assert_eq!(base.path().join("latest").canonicalize().unwrap(), dir.path());
        }
    }

    #[test]
    fn oldest_runs_go_unless_they_are_still_going_on() {
        let base = tempfile::tempdir().unwrap();
        let (running, own) = (base.path().join("20200101-000000-0000000a"), base.path().join("20200101-notes"));
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(&running).unwrap();
        let lock = File::create(running.join(LOCK)).unwrap();
        lock.lock().unwrap();
        for number in 0..KEPT {
            fs::create_dir_all(base.path().join(format!("20200102-00000{number}-0000000b/logs"))).unwrap();
        }
        let dir = RunDir::create(None, base.path()).unwrap();
        assert_eq!(dir.removed(), 1);
        assert!(running.exists() && own.exists() && dir.path().exists());
        assert!(!base.path().join("20200102-000000-0000000b").exists());
        drop(lock);
        let next = RunDir::create(None, base.path()).unwrap();
        assert_eq!((next.removed(), running.exists(), dir.path().exists()), (2, false, true));
    }

    #[test]
    fn name_of_a_run_is_known_from_others() {
        assert!(is_run_id(&run_id()));
        for other in
            ["latest", "bug-no-inbox", "20200101-000000", "20200101-000000-xyz", "2020010a-000000-0000000a", ""]
        {
            assert!(!is_run_id(other), "{other}");
        }
    }

    #[test]
    fn directory_of_an_earlier_run_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let at = base.path().join("out");
        RunDir::create(Some(&at), base.path()).unwrap();
        let error = RunDir::create(Some(&at), base.path()).unwrap_err().to_string();
        assert!(error.contains("it is not empty"), "{error}");
    }

    #[test]
    fn unusable_base_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = RunDir::create(None, file.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot create `"), "{error}");
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
