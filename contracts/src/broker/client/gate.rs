//! "Can I deploy?"

use serde_json::Value;

use super::Client;
use super::document::Document;
use crate::broker::BrokerError;
use crate::broker::open::Answer;
use crate::gate::{Decision, Row, Version};

impl Client {
    /// Whether a version may go to an environment, as the broker says.
    ///
    /// # Errors
    ///
    /// When the broker refuses the question, cannot be talked to, or answers neither yes nor no.
    pub async fn can_i_deploy(
        &self,
        version: &Version,
        environment: &str,
        ignored: &[String],
    ) -> Result<Answer, BrokerError> {
        let mut url = self.below(&["matrix"])?;
        url.query_pairs_mut()
            .append_pair("q[][pacticipant]", &version.pacticipant)
            .append_pair("q[][version]", &version.number)
            .append_pair("latestby", "cvp")
            .append_pair("environment", environment)
            .extend_pairs(ignored.iter().map(|name| ("ignore[][pacticipant]", name)));
        let answer = self.get(url).await?;
        let decision = match answer.at("/summary/deployable") {
            Some(Value::Bool(true)) => Decision::Yes,
            Some(Value::Bool(false)) => Decision::No,
            Some(Value::Null) => Decision::Unknown,
            _ => return Err(answer.without("`/summary/deployable`, expected true, false or null")),
        };
        let rows = answer.list("/matrix")?.iter().map(|line| row(&answer, line)).collect::<Result<_, _>>()?;
        Ok(Answer { decision, reasons: reasons(&answer), rows })
    }
}

/// The broker's sentences: as notices, or all in one.
fn reasons(answer: &Document) -> Vec<String> {
    let notices = answer.at("/notices").and_then(Value::as_array);
    let told: Vec<String> =
        notices.into_iter().flatten().filter_map(|notice| notice["text"].as_str()).map(str::to_owned).collect();
    if !told.is_empty() {
        return told;
    }
    let reason = answer.at("/summary/reason").and_then(Value::as_str).unwrap_or_default();
    reason.lines().map(str::to_owned).collect()
}

fn row(answer: &Document, line: &Value) -> Result<Row, BrokerError> {
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let needed = |pointer: &str| text(pointer).ok_or_else(|| answer.without(&format!("`/matrix/*{pointer}`")));
    let result = line.get("verificationResult").filter(|result| !result.is_null());
    let linked = |pointer: &str, behind: &str| text(pointer).and_then(|href| part(&href, behind));
    Ok(Row {
        consumer: Version::new(needed("/consumer/name")?, needed("/consumer/version/number")?),
        provider: needed("/provider/name")?,
        provider_version: text("/provider/version/number"),
        // A broker that has other addresses than ours has no name for the content.
        content: linked("/pact/_links/self/href", "pact-version").unwrap_or_default(),
        success: result.and_then(|result| result["success"].as_bool()),
        verification: linked("/verificationResult/_links/self/href", "verification-results")
            .and_then(|number| number.parse().ok()),
    })
}

/// The part of a path that comes after `behind`.
fn part(href: &str, behind: &str) -> Option<String> {
    href.split('/').skip_while(|part| *part != behind).nth(1).map(str::to_owned)
}
