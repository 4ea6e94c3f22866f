//! Workflows and actions below `.github`: linted by actionlint, and every action of others pinned to a commit.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::{output, root, run_with, say, succeeds};

/// Where workflows and actions are.
const FOLDER: &str = ".github";

/// The linter, as the Go module proxy has it.
const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/// Fails when actionlint finds something, or an action is taken by a tag, which others can move.
pub(crate) fn check() -> Result<()> {
    let mut loose = Vec::new();
    for file in files(&root().join(FOLDER))? {
        let text = std::fs::read_to_string(&file)?;
        let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        loose.extend(unpinned(&text).map(|(line, action)| format!("{name}:{line}: `{action}`")));
    }
    if !loose.is_empty() {
        bail!(
            "actions that are not pinned to a commit, expected `OWNER/NAME@` with 40 digits:\n  {}",
            loose.join("\n  ")
        );
    }
    // Its own checks only: of shellcheck and pyflakes there may be any version, or none.
    let program = actionlint()?;
    run_with(&program, &["-shellcheck=", "-pyflakes="], &[])
}

/// The linter that is there, or one that is installed below the target folder.
fn actionlint() -> Result<String> {
    if succeeds("actionlint", &["-version"]) {
        return Ok("actionlint".to_owned());
    }
    let folder = root().join("target/tools");
    let program = folder.join("actionlint").display().to_string();
    if !succeeds(&program, &["-version"]) {
        if !succeeds("go", &["version"]) {
            bail!("missing: actionlint, or Go to install it; please install one of them");
        }
        say("actionlint is missing: installing it");
        run_with("go", &["install", ACTIONLINT], &[("GOBIN", &folder.display().to_string())])?;
    }
    output(&program, &["-version"]).context("actionlint does not run")?;
    Ok(program)
}

/// Every file in YAML below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Lines, from 1, and names of actions of other repositories that are not pinned to a commit.
fn unpinned(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let action = line.trim_start().trim_start_matches("- ").strip_prefix("uses:")?.split('#').next()?;
        let action = action.trim().trim_matches(['"', '\'']);
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        (!pinned && !action.starts_with("./")).then_some((index + 1, action))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_branches_are_no_pins() {
        let text = "\
steps:
  - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
  - uses: ./.github/actions/own
  - uses: actions/cache@v4
  - name: last
    uses: \"docker://alpine:3\" # latest
";
        assert_eq!(unpinned(text).collect::<Vec<_>>(), [(4, "actions/cache@v4"), (6, "docker://alpine:3")]);
    }
}
