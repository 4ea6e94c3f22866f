//! The version of the specification that a pact is written in, and what older ones have no meaning for.

use serde_json::Value;

/// Names of what an interaction has since version 4.
const SINCE_4: [&str; 6] = ["comments", "interactionMarkup", "key", "pending", "transport", "type"];

/// The major version; files that name none are read as the reader of pacts reads them, as version 3.
///
/// # Errors
///
/// What is named instead, when it is no version that is known.
pub(crate) fn of(document: &Value) -> Result<u64, String> {
    let metadata = &document["metadata"];
    let named = ["pactSpecification", "pact-specification"].iter().find_map(|key| metadata[*key].get("version"));
    let Some(version) = named else { return Ok(3) };
    let major = version.as_str().and_then(|text| text.split('.').next()?.parse().ok());
    match major {
        Some(major @ 1..=4) => Ok(major),
        _ => Err(format!(
            "it is written in version `{}` of the specification, expected 1 to 4",
            version.to_string().trim_matches('"')
        )),
    }
}

/// What interactions below `key` say in vain.
pub(crate) fn lost(version: u64, key: &str, interactions: &[Value]) -> Vec<String> {
    if version >= 4 {
        return Vec::new();
    }
    let each = interactions.iter().enumerate();
    each.flat_map(|(index, interaction)| {
        let said = SINCE_4.iter().filter(|name| interaction.get(**name).is_some_and(|value| !value.is_null()));
        said.map(move |name| {
            format!(
                "`{key}[{index}].{name}` is not obeyed: version {version} of the specification has no `{name}`, 4 has"
            )
        })
    })
    .collect()
}
