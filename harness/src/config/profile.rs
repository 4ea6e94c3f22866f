//! `[profiles.NAME]`: laid over the rest of the file, so that one description serves several surroundings.
//!
//! Both come from one text, so every value keeps its place in it, and a mistake is reported where it is written.

use toml::de::{DeTable, DeValue};

use super::document::Findings;
use super::error::hint_among;

/// Takes the profiles out of a document and lays the chosen one over what is left. Nothing when there is no such profile:
/// what the file says without it is not what was asked for.
pub(super) fn lay_over<'d>(document: &mut DeTable<'d>, chosen: Option<&str>, findings: &Findings<'_>) -> Option<()> {
    let profiles = document.remove("profiles");
    let span = profiles.as_ref().map_or(0..0, toml::Spanned::span);
    let profiles = match profiles.map(toml::Spanned::into_inner) {
        None => DeTable::new(),
        Some(DeValue::Table(table)) => table,
        Some(other) => {
            let message = format!("`profiles` is a {}, expected tables `[profiles.NAME]`", other.type_str());
            findings.add(&span, message, None);
            return None;
        }
    };
    let names: Vec<String> = profiles.keys().map(|name| name.get_ref().to_string()).collect();
    for (name, profile) in profiles {
        let DeValue::Table(profile) = profile.into_inner() else {
            findings.add(&name.span(), format!("`profiles.{}` is no table", name.get_ref()), None);
            continue;
        };
        if profile.contains_key("profiles") {
            findings.add(&name.span(), format!("`profiles.{}` has profiles of its own", name.get_ref()), None);
        }
        if chosen == Some(name.get_ref().as_ref()) {
            merge(document, profile);
        }
    }
    let unknown = chosen.filter(|chosen| !names.iter().any(|name| name == chosen));
    if let Some(unknown) = unknown {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = if names.is_empty() {
            "the file has no `[profiles.NAME]`".to_owned()
        } else {
            hint_among(unknown, &names, "profiles")
        };
        findings.add(&span, format!("there is no profile `{unknown}`"), Some(hint));
        return None;
    }
    Some(())
}

/// Tables are merged key by key; whatever else is replaced.
fn merge<'d>(base: &mut DeTable<'d>, over: DeTable<'d>) {
    for (key, mut value) in over {
        if let DeValue::Table(value) = value.get_mut()
            && let Some(below) = base.get_mut(key.get_ref().as_ref())
            && let DeValue::Table(below) = below.get_mut()
        {
            merge(below, std::mem::take(value));
            continue;
        }
        base.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Broker, Config};

    const FILE: &str = r#"
[system]
name = "shop"
entry = "front"

[broker]
kind = "embedded"

[services.front]
command = ["front", "--verbose"]
ready = { tcp = true }
env = { MQ = "amqp://${link:broker}/", DB = "sqlite://${data}/x.db", LOG = "info" }

[observe.rows]
sql = { database = "${env:front:DB}", query = "SELECT 1" }

[profiles.real.broker]
kind = "rabbitmq"

[profiles.real.backends]
broker = { kind = "rabbitmq", image = "rabbitmq:4-management" }
db = { kind = "postgres", image = "postgres:17" }

[profiles.real.services.front]
command = ["front"]
env = { MQ = "${backend:broker}", DB = "${backend:db}" }

[profiles.other]
"#;

    fn read(text: &str, profile: Option<&str>) -> Result<Config, String> {
        Config::parse(text, Path::new("s.toml"), profile).map_err(|errors| errors.to_string())
    }

    #[test]
    fn tables_are_merged_and_everything_else_is_replaced() {
        let plain = read(FILE, None).expect("a right file");
        assert_eq!((plain.profile, plain.broker, plain.backends.len()), (None, Some(Broker::Embedded), 0));
        let real = read(FILE, Some("real")).expect("a right profile");
        assert_eq!((real.profile.as_deref(), &real.broker), (Some("real"), &Some(Broker::Backend)));
        let front = &real.services["front"];
        assert_eq!(front.command, ["front"]);
        let env: Vec<(&str, &str)> = front.env.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(env, [("DB", "${backend:db}"), ("LOG", "info"), ("MQ", "${backend:broker}")]);
        assert_eq!(front.links(), ["broker", "db"]);
        assert_eq!(read(FILE, Some("other")).expect("a right profile").broker, Some(Broker::Embedded));
    }

    #[test]
    fn unknown_profile_is_refused_with_those_there_are() {
        let error = read(FILE, Some("rael")).expect_err("no such profile");
        for words in ["s.toml:", "there is no profile `rael`", "did you mean `real`?", "`other`"] {
            assert!(error.contains(words), "{error}");
        }
        let error = read("[system]", Some("real")).expect_err("no such profile");
        assert!(error.ends_with("there is no profile `real`\n  the file has no `[profiles.NAME]`"), "{error}");
    }

    #[test]
    fn variable_that_an_engine_would_read_as_two_is_refused() {
        let text = FILE.replace("image = \"postgres:17\"", "image = \"postgres:17\", env = { A = \"b\\nC=d\" }");
        refuses(&text, "variable `A` has a line break");
    }

    #[test]
    fn mistakes_of_a_profile_are_reported_where_they_are_written() {
        let text = FILE.replace("${backend:db}", "${backend:bd}").replace("image = \"postgres:17\"", "imag = \"x\"");
        let error = read(&text, Some("real")).expect_err("mistakes");
        assert!(error.contains("s.toml:22:") && error.contains("unknown key `imag` in `backends.db`"), "{error}");
        assert!(error.contains("s.toml:26:") && error.contains("unknown placeholder `${backend:bd}`"), "{error}");
        assert!(read(&text, None).is_ok(), "what is not chosen is not judged");
    }

    fn refuses(text: &str, words: &str) {
        let error = read(text, Some("real")).expect_err(words);
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn backends_and_broker_must_fit_together() {
        let without = FILE.replace("broker = { kind = \"rabbitmq\", image = \"rabbitmq:4-management\" }", "");
        refuses(&without, "there is no `[backends.broker]`");
        let embedded = FILE.replace("[profiles.real.broker]\nkind = \"rabbitmq\"", "");
        refuses(&embedded, "`backends.broker` is not the broker of the system");
        let queue = FILE.replace("DB = \"${backend:db}\"", "DB = \"${backend:broker}\"");
        refuses(&queue, "expected a URL that starts with `sqlite:`");
        let half = FILE.replace("rabbitmq:4-management\"", "r\", url_env = \"SHAKEDOWN_TEST_NOT_SET\"");
        refuses(&half, "lacks `management_env`");
    }
}
