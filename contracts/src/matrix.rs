//! Who works with whom: consumer and provider, their versions, and what the replay of their contract said.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::result::{ContractsResult, InteractionResult, Verdict, VerificationResult};

/// Every pair of consumer and provider, in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// One row for each pair.
    pub rows: Vec<Row>,
}

/// One consumer with one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The consumer.
    pub consumer: String,
    /// Content hash of what it expects: the same expectations are the same version, whatever commit recorded them.
    pub consumer_version: String,
    /// The provider.
    pub provider: String,
    /// Version of the provider that was verified: a commit or a content hash; empty when unknown.
    pub provider_version: String,
    /// Interactions over HTTP.
    pub http: usize,
    /// Messages.
    pub messages: usize,
    /// Interactions that held.
    pub verified: usize,
    /// `pass` only if every interaction held that is not pending.
    pub verdict: Verdict,
    /// Descriptions of those that did not hold.
    pub failed: Vec<String>,
}

impl From<&ContractsResult> for Matrix {
    fn from(result: &ContractsResult) -> Self {
        result.matrix.clone()
    }
}

impl From<&[VerificationResult]> for Matrix {
    fn from(verifications: &[VerificationResult]) -> Self {
        let interactions: Vec<InteractionResult> =
            verifications.iter().flat_map(|each| each.interactions.iter().cloned()).collect();
        Self::from_results(&interactions, verifications)
    }
}

impl Matrix {
    pub(crate) fn from_results(interactions: &[InteractionResult], verifications: &[VerificationResult]) -> Self {
        let versions: BTreeMap<&str, &str> =
            verifications.iter().map(|each| (each.provider.as_str(), each.provider_version.as_str())).collect();
        let mut rows: BTreeMap<(&str, &str), Row> = BTreeMap::new();
        for each in interactions {
            let row = rows.entry((&each.consumer, &each.provider)).or_insert_with(|| Row {
                consumer: each.consumer.clone(),
                consumer_version: each.pact_hash.clone(),
                provider: each.provider.clone(),
                provider_version: versions.get(each.provider.as_str()).copied().unwrap_or_default().to_owned(),
                http: 0,
                messages: 0,
                verified: 0,
                verdict: Verdict::Pass,
                failed: Vec::new(),
            });
            match each.kind {
                crate::store::Kind::Http => row.http += 1,
                crate::store::Kind::Message => row.messages += 1,
            }
            if each.verdict == Verdict::Pass {
                row.verified += 1;
            } else {
                row.failed.push(each.description.clone());
                if !each.pending {
                    row.verdict = Verdict::Fail;
                }
            }
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        for row in &mut rows {
            // A pair that has verified nothing has proved nothing, pending or not.
            if row.verified == 0 {
                row.verdict = Verdict::Fail;
            }
        }
        Self { rows }
    }
}

impl fmt::Display for Matrix {
    /// A table for people: aligned, one line for each pair, what failed below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: [&str; 7] = ["CONSUMER", "EXPECTS", "PROVIDER", "VERSION", "HTTP", "MESSAGES", "VERIFIED"];
        let cells: Vec<[String; 7]> = self.rows.iter().map(cells).collect();
        let width = |column: usize| {
            let cells = cells.iter().map(|row| row[column].chars().count());
            cells.chain([HEAD[column].len()]).max().unwrap_or_default()
        };
        let widths: [usize; 7] = std::array::from_fn(width);
        let line = |f: &mut fmt::Formatter<'_>, row: [&str; 7], last: &str| {
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                // Numbers to the right.
                if column >= 4 { write!(f, "{cell:>width$}  ")? } else { write!(f, "{cell:<width$}  ")? }
            }
            writeln!(f, "{last}")
        };
        line(f, HEAD, "VERDICT")?;
        for (row, cells) in self.rows.iter().zip(&cells) {
            line(f, std::array::from_fn(|column| cells[column].as_str()), row.verdict.as_str())?;
            for description in &row.failed {
                writeln!(f, "  not verified: {description}")?;
            }
        }
        Ok(())
    }
}

fn cells(row: &Row) -> [String; 7] {
    let short = |version: &str| if version.is_empty() { "-".to_owned() } else { version.chars().take(8).collect() };
    [
        row.consumer.clone(),
        short(&row.consumer_version),
        row.provider.clone(),
        short(&row.provider_version),
        row.http.to_string(),
        row.messages.to_string(),
        format!("{}/{}", row.verified, row.http + row.messages),
    ]
}
