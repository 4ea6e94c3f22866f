//! What commands are told about the contract broker, checked before anything is started.

use contracts::broker::{Broker, Credential, Selector};

use crate::cli::{BrokerAddressArgs, BrokeredArgs, DATABASE};
use crate::error::Error;
use crate::phases::{Brokered, ProviderVersion};

/// The broker at the address, for whoever was named.
pub(super) async fn open(args: BrokerAddressArgs) -> Result<Broker, Error> {
    let BrokerAddressArgs { broker, broker_token, broker_username, broker_password } = args;
    // An empty variable is how pipelines say that there is none.
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let database = || given(std::env::var("BROKER_DATABASE").ok()).unwrap_or_else(|| DATABASE.to_owned());
    let broker = given(broker).unwrap_or_else(database);
    let credential = match (given(broker_token), given(broker_username), given(broker_password)) {
        (None, None, None) => None,
        (Some(token), None, None) => Some(Credential::Bearer(token)),
        (None, Some(user), password) => Some(Credential::Basic { user, password: password.unwrap_or_default() }),
        (Some(_), ..) | (None, None, Some(_)) => {
            return Err(Error::Usage(
                "the contract broker cannot know who this is: expected either `--broker-token`, or `--broker-username` with \
                 `--broker-password` (PACT_BROKER_TOKEN, PACT_BROKER_USERNAME, PACT_BROKER_PASSWORD)"
                    .to_owned(),
            ));
        }
    };
    Broker::open(&broker, credential).await.map_err(|e| Error::failed("the contract broker cannot be used", e))
}

/// Opens the broker, when `contract verify` needs it.
pub(super) async fn prepare(args: BrokeredArgs) -> Result<Option<Brokered>, Error> {
    let BrokeredArgs { from_broker, include_wip_since, publish, provider_version, branch, build_url, address } = args;
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
    Ok(Some(Brokered { broker: open(address).await?, selectors, include_wip_since, publish, branch }))
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
