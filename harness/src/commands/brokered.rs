//! What `contract verify` is told about the contract broker, checked before anything is started.

use contracts::broker::{Selector, Store};

use crate::cli::BrokeredArgs;
use crate::error::Error;
use crate::phases::{Brokered, ProviderVersion};

/// Opens the broker's database, when it is needed.
pub(super) async fn prepare(args: BrokeredArgs) -> Result<Option<Brokered>, Error> {
    let BrokeredArgs { from_broker, include_wip_since, publish, provider_version, branch, build_url, database } = args;
    if from_broker.is_empty() && !publish {
        return Ok(None);
    }
    let selectors = (!from_broker.is_empty()).then(|| selectors(&from_broker)).transpose()?;
    let publish = match (publish, provider_version) {
        (false, _) => None,
        (true, Some(number)) if !number.trim().is_empty() => Some(ProviderVersion { number, build_url }),
        (true, _) => {
            return Err(Error::Usage(
                "`--publish` without a version: expected `--provider-version VERSION`, a commit for example, because a \
                 result holds for the version that was verified"
                    .to_owned(),
            ));
        }
    };
    let store = Store::open(&database.database)
        .await
        .map_err(|e| Error::failed("the broker's database cannot be opened", e))?;
    Ok(Some(Brokered { store, selectors, include_wip_since, publish, branch }))
}

/// The selectors as they were given; for an option without a value, what a provider must not break.
fn selectors(given: &[String]) -> Result<Vec<Selector>, Error> {
    let mut selectors = Vec::new();
    for text in given {
        if text.is_empty() {
            selectors.push(Selector { main_branch: Some(true), ..Selector::default() });
            selectors.push(Selector { deployed_or_released: Some(true), ..Selector::default() });
            continue;
        }
        // A list would be read as the fields of a selector in their order.
        let selector = serde_json::from_str::<serde_json::Map<_, _>>(text)
            .and_then(|members| serde_json::from_value(members.into()))
            .map_err(|error| {
                Error::Usage(format!(
                    "`{text}` is no consumer version selector, expected JSON such as `{{\"mainBranch\": true}}`: {error}"
                ))
            })?;
        selectors.push(selector);
    }
    Ok(selectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_understood_as_a_whole_or_refused() {
        let given = |texts: &[&str]| selectors(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        assert_eq!(given(&[""]).unwrap().len(), 2);
        assert_eq!(given(&[r#"{"branch": "b"}"#]).unwrap()[0].branch.as_deref(), Some("b"));
        for odd in ["main", r#"{"mainBrunch": true}"#, "[]", r#"{"mainBranch": "yes"}"#] {
            let error = given(&[odd]).unwrap_err().to_string();
            assert!(error.contains(odd) && error.contains("no consumer version selector"), "{error}");
        }
    }
}
