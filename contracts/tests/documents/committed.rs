//! The committed documents are those that the code makes now.

use std::fs;
use std::path::{Path, PathBuf};

use super::files;

/// Writes the documents instead of comparing them.
const UPDATE: &str = "UPDATE_DOCUMENTS";

#[test]
fn committed_documents_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = files::all();
    if std::env::var_os(UPDATE).is_some() {
        for (path, text) in &made {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        for left_over in committed(root).iter().filter(|path| made.iter().all(|(made, _)| made != *path)) {
            fs::remove_file(root.join(left_over)).unwrap();
        }
    }
    let mut drift: Vec<String> = made.iter().filter_map(|(path, text)| differs(root, path, text)).collect();
    let left_over = committed(root).into_iter().filter(|path| made.iter().all(|(made, _)| made != path));
    drift.extend(left_over.map(|path| format!("contracts/{}: nothing makes this document", path.display())));
    let hint = "look at what changed, then run: cargo xtask openapi";
    assert!(drift.is_empty(), "{}\n{hint}", drift.join("\n"));
}

fn committed(root: &Path) -> Vec<PathBuf> {
    let files = ["openapi", "asyncapi"].map(|folder| {
        let entries = fs::read_dir(root.join(folder)).into_iter().flatten();
        entries.map(move |entry| Path::new(folder).join(entry.unwrap().file_name())).collect::<Vec<_>>()
    });
    files.concat()
}

/// The first line of a committed document that is not what the code makes.
fn differs(root: &Path, path: &Path, made: &str) -> Option<String> {
    let name = format!("contracts/{}", path.display());
    let Ok(committed) = fs::read_to_string(root.join(path)) else {
        return Some(format!("{name}: not committed"));
    };
    if committed == made {
        return None;
    }
    let end = "(the end of the document)";
    let same = committed.lines().zip(made.lines()).take_while(|(committed, made)| committed == made).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or(end).trim().to_owned();
    let (old, new) = (line(&committed), line(made));
    Some(format!("{name}:{}: committed `{old}`, the code makes `{new}`", same + 1))
}
