//! The directory that a run leaves behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The run's directory could not be made.
#[derive(Debug, Error)]
#[error("cannot {doing} `{}`: {source}", path.display())]
pub struct RunDirError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Directory of one run, `target/shakedown/<run-id>` unless told otherwise, with `latest` beside it pointing at it.
#[derive(Clone, Debug)]
pub struct RunDir {
    id: String,
    path: PathBuf,
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
        if at.is_none() {
            point_latest(base, &id);
        }
        Ok(Self { id, path })
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
