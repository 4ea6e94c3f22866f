//! The committed pacts and documents of the reference marketplace fit each other, and little is left uncovered.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use contracts::coverage::{Coverage, Promises, measure};
use contracts::store::load_dir;

/// Least percentage of all documented operations that pacts cover.
const OPERATIONS: usize = 90;

fn coverage() -> Coverage {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in ["openapi", "asyncapi"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            files.entry(path.file_stem().unwrap().to_string_lossy().into_owned()).or_default().push(path);
        }
    }
    assert!(files.len() >= 8, "{files:?}");
    measure(&Promises::load(&files).unwrap(), &load_dir(&root.join("pacts")).unwrap())
}

#[test]
fn pacts_and_documents_fit_each_other() {
    let problems: Vec<String> = coverage().problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, [""; 0], "{}", problems.join("\n"));
}

#[test]
fn every_event_is_covered() {
    let events = coverage().events;
    assert!(events.total >= 16 && events.uncovered.is_empty(), "{events:?}");
}

#[test]
fn nearly_every_operation_is_covered() {
    let operations = coverage().operations;
    assert!(operations.total > 130, "{}", operations.total);
    assert!(
        operations.percent() >= OPERATIONS,
        "{} of {}: {:#?}",
        operations.covered,
        operations.total,
        operations.uncovered
    );
}
