//! The files of a run directory that hold its result.

use std::path::Path;

use super::model::Run;
use super::{html, json, junit};
use crate::error::Error;

/// The whole result, from which every other form can be rendered again.
const RUN: &str = "run.json";

/// Writes `run.json`, `summary.json`, `junit.xml` and `report.html` into the directory of a run.
///
/// # Errors
///
/// When the directory cannot be written, naming the file.
pub fn write_all(run: &Run, directory: &Path) -> Result<(), Error> {
    let rendering = |name: &str| format!("cannot render `{name}`");
    let whole = serde_json::to_string(run).map_err(|e| Error::failed(rendering(RUN), e))?;
    let summary = json::render(run).map_err(|e| Error::failed(rendering("summary.json"), e))?;
    let cases = junit::render(run).map_err(|e| Error::failed(rendering("junit.xml"), e))?;
    let page = html::render(run).map_err(|e| Error::failed(rendering("report.html"), e))?;
    for (name, content) in [(RUN, whole), ("summary.json", summary), ("junit.xml", cases), ("report.html", page)] {
        let path = directory.join(name);
        std::fs::write(&path, content).map_err(|e| Error::failed(format!("cannot write `{}`", path.display()), e))?;
    }
    Ok(())
}

/// Reads the result of a run back from its directory.
///
/// # Errors
///
/// When the directory is not that of a finished run, or was written by another version.
pub fn read(directory: &Path) -> Result<Run, Error> {
    let path = directory.join(RUN);
    let hint = "expected the directory of a finished run";
    let text = std::fs::read_to_string(&path)
        .map_err(|e| Error::failed(format!("cannot read `{}`; {hint}", path.display()), e))?;
    serde_json::from_str(&text).map_err(|e| {
        let path = path.display();
        Error::failed(format!("`{path}` is not a result of this version of shakedown; {hint}"), e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{sample, terminal};

    #[test]
    fn written_run_reads_back_and_has_every_file() {
        let directory = tempfile::tempdir().expect("directory");
        let run = sample::failed();
        write_all(&run, directory.path()).expect("write");
        let again = read(directory.path()).expect("read");
        assert_eq!(terminal::render(&again), terminal::render(&run));
        for name in ["report.html", "junit.xml", "summary.json"] {
            assert!(directory.path().join(name).is_file(), "{name}");
        }
    }

    #[test]
    fn directory_without_a_run_is_named() {
        let directory = tempfile::tempdir().expect("directory");
        let error = read(directory.path()).expect_err("empty").to_string();
        assert!(error.contains("run.json") && error.contains("finished run"), "{error}");
        std::fs::write(directory.path().join("run.json"), "{}").expect("write");
        assert!(read(directory.path()).expect_err("not a run").to_string().contains("this version"));
        let error = write_all(&sample::passed(), &directory.path().join("absent")).expect_err("absent").to_string();
        assert!(error.contains("absent"), "{error}");
    }
}
