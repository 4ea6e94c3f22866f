//! No route goes around the documents.

use std::fs;
use std::path::Path;

/// Routes that no document of HTTP can tell: Socket.IO, and a second spelling of a path that is told.
const KNOWN: [(&str, &str); 6] = [
    ("chat/src/live/mod.rs", ".route_service(PATH"),
    ("gateway/src/routes/mod.rs", r#".route("/message/""#),
    ("gateway/src/routes/mod.rs", r#".route("/order/""#),
    ("gateway/src/routes/mod.rs", r#".route("/review/""#),
    ("gateway/src/socket/upgrade.rs", ".route("),
    ("order/src/routes.rs", r#".route("/api/v1/order/""#),
];

const SERVICES: [&str; 8] = ["auth", "chat", "gateway", "gig", "notification", "order", "review", "users"];

/// A route comes with its document only through `routes!`: `Router` has no way to say which routes it holds, so the calls
/// that add one without are looked for in the source.
#[test]
fn routes_are_added_with_their_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../marketplace");
    let mut undocumented = Vec::new();
    for service in SERVICES {
        sources(&root.join(service).join("src"), &mut |path, text| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            for (line, text) in text.lines().enumerate().filter(|(_, text)| adds_a_route(text)) {
                if !KNOWN.iter().any(|(file, call)| *file == name && text.contains(call)) {
                    undocumented.push(format!("{name}:{}: {}", line + 1, text.trim()));
                }
            }
        });
    }
    let hint = "add routes with `.routes(routes!(handler))` of `platform::document`";
    assert!(undocumented.is_empty(), "{}\n{hint}", undocumented.join("\n"));
}

fn adds_a_route(line: &str) -> bool {
    let route = line.contains(".route(") && (line.contains("\", ") || line.ends_with(".route("));
    route || [".route_service(", ".nest_service("].iter().any(|call| line.contains(call))
}

fn sources(folder: &Path, seen: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, seen);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            seen(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
