//! The catalogue of rules in the guide is the one in the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use contracts::diff::rules::RULES;

#[test]
fn ids_are_unique_and_every_rule_is_explained() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    for rule in RULES {
        assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
        for text in [rule.what, rule.why, rule.breaking, rule.mend] {
            assert!(text.ends_with('.') && text.len() > 6, "{}: {text}", rule.id);
        }
    }
}

#[test]
fn each_rule_has_a_file_of_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diff/rules");
    let mut files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().replace('_', "-"))
        .collect();
    assert!(files.remove("mod"));
    let mut ids: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    // What the comparison says of itself.
    assert!(ids.remove("not-compared"));
    assert_eq!(files, ids);
}

#[test]
fn the_guide_has_every_rule() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/41-contract-coverage-and-diff.md");
    let guide = fs::read_to_string(guide).unwrap();
    let rows: Vec<String> = guide.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
    let row = |rule: &contracts::diff::Rule| {
        format!("| `{}` | {} | {} | {} | {} |", rule.id, rule.what, rule.why, rule.breaking, rule.mend)
    };
    let wanted: Vec<String> = RULES.iter().map(row).collect();
    assert_eq!(rows, wanted, "the table should be:\n{}", wanted.join("\n"));
}
