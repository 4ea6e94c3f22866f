//! The cases, and what became of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contracts::result::VerificationResult;
use contracts::store::{Pact, load_file};
use serde_json::{Value, json};

/// Folders of the cases, and the versions that they stand for.
const VERSIONS: [(&str, &str); 5] =
    [("v1", "1.0.0"), ("v1_1", "1.1.0"), ("v2", "2.0.0"), ("v3", "3.0.0"), ("v4", "4.0")];

/// A case: does `actual` honour `expected`?
pub(crate) struct Case {
    /// Path below the folder of all cases.
    pub(crate) name: String,
    /// Version of the specification, as a pact names it.
    pub(crate) version: &'static str,
    pub(crate) expected: Value,
    pub(crate) actual: Value,
    matches: bool,
}

impl Case {
    pub(crate) fn is_version_4(&self) -> bool {
        self.version.starts_with('4')
    }

    /// The pact with this one interaction below `list`, as a file of its version has it.
    pub(crate) fn pact(&self, list: &str, interaction: &Value) -> Pact {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case.json");
        let document = json!({
            "consumer": { "name": "consumer" },
            "provider": { "name": "provider" },
            list: [interaction],
            "metadata": { "pactSpecification": { "version": self.version } },
        });
        fs::write(&path, document.to_string()).unwrap();
        load_file(&path).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// All cases of a kind: `request`, `response` or `message`.
pub(crate) fn cases(kind: &str) -> Vec<Case> {
    let directory = directory();
    let mut found = Vec::new();
    for (folder, version) in VERSIONS {
        let mut files = Vec::new();
        list(&directory.join(folder).join(kind), &mut files);
        files.sort_unstable();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            // Two of them begin with a byte order mark.
            let mut case: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
            found.push(Case {
                name: file.strip_prefix(&directory).unwrap().display().to_string(),
                version,
                expected: case["expected"].take(),
                actual: case["actual"].take(),
                matches: case["match"].as_bool().unwrap(),
            });
        }
    }
    found
}

/// As [`judge`], of cases that were replayed: each is an interaction whose description is the case's name.
pub(crate) fn agree(cases: Vec<Case>, result: &VerificationResult, at_least: usize, exceptions: &[(&str, &str)]) {
    assert_eq!(result.expected, cases.len(), "{:?}", result.reason);
    let judged: Vec<(Case, Vec<String>)> = cases
        .into_iter()
        .map(|case| {
            let interaction = result.interactions.iter().find(|each| each.description == case.name).unwrap();
            let mismatches = interaction.mismatches.iter().map(ToString::to_string).collect();
            (case, mismatches)
        })
        .collect();
    judge(&judged, at_least, exceptions);
}

/// Panics with every case that was judged otherwise than it says, but for `exceptions`: ends of names, with the reason.
/// An exception that is none is told too.
pub(crate) fn judge(judged: &[(Case, Vec<String>)], at_least: usize, exceptions: &[(&str, &str)]) {
    assert!(judged.len() >= at_least, "only {} cases were found, expected {at_least}", judged.len());
    let excused = |name: &str| exceptions.iter().any(|(end, _)| name.ends_with(end));
    let mut wrong = Vec::new();
    for (case, mismatches) in judged {
        let agrees = mismatches.is_empty() == case.matches;
        if agrees == excused(&case.name) {
            let expected = if case.matches { "a match" } else { "a mismatch" };
            let what = if agrees { "is no exception" } else { "is judged otherwise" };
            wrong.push(format!("{} {what}: expected {expected}, got {mismatches:?}", case.name));
        }
    }
    for (end, _) in exceptions {
        if !judged.iter().any(|(case, _)| case.name.ends_with(end)) {
            wrong.push(format!("there is no case `{end}`"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), judged.len(), wrong.join("\n"));
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

/// Where cargo has the source of `pact_matching`, of the version that is compiled in.
fn directory() -> PathBuf {
    let host = output(Command::new("rustc").arg("-vV"));
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // For this platform only: others would need packages that nobody has fetched.
    let metadata = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "pact_matching").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().join("tests/spec_testcases")
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
