//! `[observe.NAME]`.

use std::collections::BTreeMap;

use crate::config::document::Section;
use crate::config::schema::Source;

const SOURCES: &str = "expected exactly one of `sql`, `http`, `mail`, `queues`, `messages`, `history`";

pub(super) fn source(section: Section<'_>) -> Option<Source> {
    let mut sources = Vec::new();
    let mut given = 0;
    let mut read = |key: &'static str, read: fn(&Section<'_>) -> Option<Source>| {
        if section.has(key) {
            given += 1;
            if let Some(inner) = section.section(key) {
                sources.extend(read(&inner));
                inner.finish();
            }
        }
    };
    read("sql", sql);
    read("http", http);
    read("mail", |section| Some(Source::Mail { columns: columns(section) }));
    read("queues", queues);
    read("messages", messages);
    read("history", history);
    if given != 1 {
        let count = if given == 0 { "no source".to_owned() } else { format!("{given} sources") };
        section.problem(format!("{} has {count}", section.name()), SOURCES);
    }
    section.finish();
    if given == 1 { sources.pop() } else { None }
}

fn sql(section: &Section<'_>) -> Option<Source> {
    let database = section.required("database", "the URL, as in `sqlite://${data:order}/order.db`");
    let query = section.required("query", "an SQL query");
    Some(Source::Sql { database: database?, query: query? })
}

fn http(section: &Section<'_>) -> Option<Source> {
    let url = match (section.string("service"), section.string("url")) {
        (Some(service), None) => Some(format!("http://${{service:{service}}}")),
        (None, Some(url)) => Some(url),
        (Some(_), Some(_)) => {
            section.problem(format!("{} has both `service` and `url`", section.name()), "expected one of them");
            None
        }
        (None, None) if section.has("service") || section.has("url") => None,
        (None, None) => {
            section.missing("service", "the name of a service, or `url`");
            None
        }
    };
    let path = section.required("path", "the path of the document");
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        let message = format!("`{}.path` does not start with `/`", section.path);
        section.problem_at("path", message, None);
    }
    let rows = section.string("rows").unwrap_or_default();
    pointer(section, "rows", &rows);
    let source = Source::Http {
        url: url.unwrap_or_default(),
        path: path?,
        headers: section.string_map("headers"),
        rows,
        columns: columns(section),
    };
    Some(source)
}

fn queues(section: &Section<'_>) -> Option<Source> {
    Some(Source::Queues {
        pending: section.boolean("pending").unwrap_or(false),
        only: section.strings("only").unwrap_or_default(),
        except: section.strings("except").unwrap_or_default(),
    })
}

fn messages(section: &Section<'_>) -> Option<Source> {
    if !section.has("queues") {
        section.missing("queues", "an array of globs, as in `[\"*.dead\"]`");
    }
    Some(Source::Messages { queues: section.strings("queues")? })
}

fn history(section: &Section<'_>) -> Option<Source> {
    let operation = section.required("operation", "the name of a journey step");
    let outcomes = [("ok", "ok"), ("fail", "fail"), ("info", "info")];
    let outcome = section.choice("outcome", &outcomes).map(str::to_owned);
    let status = section.integer("status", "a status code");
    let columns = columns(section);
    Some(Source::History { operation: operation?, outcome, status, columns })
}

fn columns(section: &Section<'_>) -> BTreeMap<String, String> {
    let columns = section.string_map("columns");
    for (name, path) in &columns {
        pointer(section, "columns", path);
        if name.is_empty() {
            section.problem_at("columns", format!("`{}.columns` has a column without a name", section.path), None);
        }
    }
    columns
}

/// A JSON pointer is empty or starts with a slash.
fn pointer(section: &Section<'_>, key: &'static str, text: &str) {
    if !text.is_empty() && !text.starts_with('/') {
        let message = format!("`{}.{key}` has `{text}`, which is no JSON pointer", section.path);
        section.problem_at(key, message, Some(format!("did you mean `/{text}`?")));
    }
}
