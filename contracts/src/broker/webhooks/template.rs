//! `${pactbroker.NAME}` in what is sent.

use serde_json::Value;

const START: &str = "${pactbroker.";

/// What the names stand for. The values were published by strangers, so each is written as the place that it is put into
/// asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values(pub(super) Vec<(&'static str, String)>);

/// Every name that is known.
pub(super) const NAMES: [&str; 12] = [
    "eventName",
    "consumerName",
    "consumerVersionNumber",
    "consumerVersionBranch",
    "consumerVersionTags",
    "providerName",
    "providerVersionNumber",
    "providerVersionBranch",
    "providerVersionTags",
    "pactUrl",
    "verificationResultUrl",
    "githubVerificationStatus",
];

impl Values {
    fn replace(&self, template: &str, write: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once(START) {
            out.push_str(before);
            match after.split_once('}') {
                Some((name, after)) => {
                    let value = self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
                    out.push_str(&write(value));
                    rest = after;
                }
                None => {
                    out.push_str(START);
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// In an address: percent-encoded, so that a value stays within its part.
    pub(super) fn in_url(&self, template: &str) -> String {
        self.replace(template, |value| {
            let mut encoded = String::with_capacity(value.len());
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    encoded.push(char::from(byte));
                } else {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
            encoded
        })
    }

    /// In a header: without what could end it.
    pub(super) fn in_header(&self, template: &str) -> String {
        self.replace(template, |value| value.chars().filter(|c| (' '..='~').contains(c)).collect())
    }

    /// In text that is JSON: inside of a string.
    pub(super) fn in_json_text(&self, template: &str) -> String {
        self.replace(template, |value| {
            let quoted = Value::from(value).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        })
    }

    /// In text of any other kind.
    pub(super) fn in_text(&self, template: &str) -> String {
        self.replace(template, str::to_owned)
    }

    /// In every string of a document.
    pub(super) fn in_json(&self, template: &Value) -> Value {
        match template {
            Value::String(text) => Value::String(self.in_text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|each| self.in_json(each)).collect()),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), self.in_json(value))).collect())
            }
            other => other.clone(),
        }
    }
}

/// The first name in a template that nobody knows.
pub(super) fn unknown(template: &str) -> Option<String> {
    let names = template.split(START).skip(1).map(|rest| rest.split_once('}').map_or(rest, |(name, _)| name));
    names.into_iter().find(|name| !NAMES.contains(name)).map(|name| crate::canonical::shorten(name, 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values(value: &str) -> Values {
        Values(vec![("consumerName", value.to_owned())])
    }

    #[test]
    fn unknown_names_are_found() {
        assert_eq!(unknown("${pactbroker.consumerName} ${other} ${pactbroker.pactUrl}"), None);
        assert_eq!(unknown("x ${pactbroker.consumerNmae}"), Some("consumerNmae".to_owned()));
        assert_eq!(unknown("${pactbroker.consumerName"), None);
    }

    #[test]
    fn values_are_not_read_as_templates_again() {
        let nested = Values(vec![("consumerName", "${pactbroker.providerName}".into()), ("providerName", "x".into())]);
        assert_eq!(nested.in_text("${pactbroker.consumerName}"), "${pactbroker.providerName}");
    }

    proptest! {
        #[test]
        fn value_stays_within_its_place(value in ".*") {
            let values = values(&value);
            let url = values.in_url("https://ci.example/a/${pactbroker.consumerName}/b?c=${pactbroker.consumerName}");
            let url: reqwest::Url = url.parse().unwrap();
            prop_assert_eq!((url.host_str(), url.query_pairs().count()), (Some("ci.example"), 1));
            if !matches!(value.as_str(), "." | "..") {
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            }
            let text = values.in_json_text(r#"{"a": "${pactbroker.consumerName}"}"#);
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ "a": value }));
            let header = values.in_header("x ${pactbroker.consumerName}");
            prop_assert!(header.chars().all(|c| !c.is_control()));
            prop_assert_eq!(values.in_json(&json!(["${pactbroker.consumerName}"])), json!([value]));
        }

        #[test]
        fn any_text_is_a_template(text in ".*") {
            values("v").in_text(&text);
            unknown(&text);
        }
    }
}
