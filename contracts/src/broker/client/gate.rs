//! "Can I deploy?"

use serde_json::Value;

use super::Client;
use super::document::Document;
use crate::broker::BrokerError;
use crate::broker::open::Answer;
use crate::canonical::one_line;
use crate::gate::{Decision, Row, Version};

/// Most rows of the matrix that an answer may rest on. The official broker cuts off after 100 when nothing is said.
const MAX_ROWS: usize = 10_000;

/// Most reasons that are told, and most characters of each.
const MAX_REASONS: (usize, usize) = (200, 1_000);

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
        let named = [&version.pacticipant, &version.number, environment];
        if named.iter().copied().chain(ignored.iter().map(String::as_str)).any(|name| name.trim().is_empty()) {
            // The official broker would leave it out, and answer another question.
            let message = "a question with an empty name: expected a pacticipant, a version and an environment";
            return Err(BrokerError::Invalid(message.into()));
        }
        let mut url = self.below(&["matrix"])?;
        url.query_pairs_mut()
            .append_pair("q[][pacticipant]", &version.pacticipant)
            .append_pair("q[][version]", &version.number)
            // The last word of each version of the provider on each version of the consumer; `cvp` would leave out all
            // but the newest of several versions that are in the environment.
            .append_pair("latestby", "cvpv")
            .append_pair("limit", &MAX_ROWS.to_string())
            .append_pair("environment", environment)
            .extend_pairs(ignored.iter().map(|name| ("ignore[][pacticipant]", name)));
        let answer = self.get(url).await?;
        let decision = match answer.at("/summary/deployable") {
            Some(Value::Bool(true)) => Decision::Yes,
            Some(Value::Bool(false)) => Decision::No,
            Some(Value::Null) => Decision::Unknown,
            _ => return Err(answer.without("`/summary/deployable`, expected true, false or null")),
        };
        let lines = answer.list("/matrix")?;
        if lines.len() >= MAX_ROWS {
            let message =
                format!("{}: the matrix has {MAX_ROWS} rows or more, and may have been cut off", self.address());
            return Err(BrokerError::Remote(message));
        }
        let required = lines.iter().filter(|line| line["ignored"] != true);
        let rows = required.map(|line| row(&answer, line)).collect::<Result<Vec<_>, _>>()?;
        if let (Decision::Yes, Some(row)) = (decision, rows.iter().find(|row| row.success != Some(true))) {
            let message = format!(
                "{}: the broker says yes, but has no success of {} for the pact of {}",
                self.address(),
                row.provider,
                row.consumer
            );
            return Err(BrokerError::Remote(message));
        }
        Ok(Answer { decision, reasons: reasons(&answer), rows })
    }
}

/// The broker's sentences: as notices, or all in one.
fn reasons(answer: &Document) -> Vec<String> {
    let notices = answer.at("/notices").and_then(Value::as_array);
    let told = notices.into_iter().flatten().filter_map(|notice| notice["text"].as_str());
    let summary = answer.at("/summary/reason").and_then(Value::as_str).unwrap_or_default();
    let (most, longest) = MAX_REASONS;
    let mut reasons: Vec<String> = told.map(|text| one_line(text, longest)).take(most).collect();
    if reasons.is_empty() {
        reasons.extend(summary.lines().map(|text| one_line(text, longest)).take(most));
    }
    reasons
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
        content: linked("/pact/_links/self/href", "pact-version")
            .ok_or_else(|| answer.without("the address of a pact in `/matrix`"))?,
        success: result.and_then(|result| result["success"].as_bool()),
        verification: linked("/verificationResult/_links/self/href", "verification-results")
            .and_then(|number| number.parse().ok()),
    })
}

/// The part of a path that comes after `behind`.
fn part(href: &str, behind: &str) -> Option<String> {
    href.split('/').skip_while(|part| *part != behind).nth(1).map(str::to_owned)
}
