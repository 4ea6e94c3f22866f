//! "Can I deploy?": from what is stored to the facts that decide.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::Row as _;

use super::Store;
use crate::broker::BrokerError;
use crate::canonical;
use crate::gate::{Asked, Facts, Judgement, Outcome, Place, Promise, Version, judge};

/// Longest that a verifier's words on what failed are told, in characters.
const LONGEST: usize = 300;

/// Which version of a pacticipant somebody means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Number(String),
    /// The latest of all.
    Latest,
    /// The latest of the main branch.
    MainBranch,
    /// The latest of a branch.
    Branch(String),
    /// The latest with a tag.
    Tag(String),
    /// All with a tag.
    Tagged(String),
    /// Those that are in an environment.
    Environment(String),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is to go: pacticipants with their versions.
    pub subjects: Vec<(String, Which)>,
    /// Where it is to go: who else counts.
    pub place: Place,
    /// Pacticipants whose pacts do not count.
    pub ignored: Vec<String>,
}

impl Question {
    /// May this version go to this environment?
    ///
    /// # Examples
    ///
    /// ```
    /// use contracts::broker::Question;
    ///
    /// let question = Question::deploy("order", "1f3a9c", "production");
    /// assert_eq!(question.subjects.len(), 1);
    /// ```
    #[must_use]
    pub fn deploy(pacticipant: &str, number: &str, environment: &str) -> Self {
        Self {
            subjects: vec![(pacticipant.to_owned(), Which::Number(number.to_owned()))],
            place: Place::Environment(environment.to_owned()),
            ignored: Vec::new(),
        }
    }
}

impl Which {
    /// Completes "no version is known that is ...".
    fn wanted(&self) -> String {
        match self {
            Self::Number(number) => format!("`{number}`"),
            Self::Latest => "the latest".to_owned(),
            Self::MainBranch => "on its main branch".to_owned(),
            Self::Branch(branch) => format!("on branch `{branch}`"),
            Self::Tag(tag) | Self::Tagged(tag) => format!("tagged `{tag}`"),
            Self::Environment(name) => format!("in `{name}`"),
        }
    }
}

impl Store {
    /// Whether the subjects may go there, and why.
    ///
    /// # Errors
    /// When an environment is unknown, nothing is asked about, or the database fails: nobody is told yes then.
    pub async fn can_i_deploy(&self, question: &Question) -> Result<Judgement, BrokerError> {
        let Question { subjects, place, ignored } = question;
        if subjects.is_empty() {
            return Err(BrokerError::Invalid(
                "nothing is asked about: expected at least one pacticipant with a version".into(),
            ));
        }
        let mut asked: Vec<Asked> = Vec::with_capacity(subjects.len());
        for (pacticipant, which) in subjects {
            let versions = self.resolve(pacticipant, which).await?;
            asked.push(Asked { pacticipant: pacticipant.clone(), wanted: which.wanted(), versions });
        }
        let facts = self.facts(&asked, place).await?;
        Ok(judge(&asked, place, ignored, &facts))
    }

    /// The versions that are meant; none when there is none.
    pub(in crate::broker) async fn resolve(
        &self,
        pacticipant: &str,
        which: &Which,
    ) -> Result<Vec<String>, BrokerError> {
        let head = |heads: Vec<(String, String)>, name: &str| {
            heads.into_iter().find(|(known, _)| known == name).map(|(_, number)| number).into_iter().collect::<Vec<_>>()
        };
        Ok(match which {
            Which::Number(number) => {
                let known = sqlx::query("SELECT 1 FROM versions WHERE pacticipant = $1 AND number = $2")
                    .bind(pacticipant)
                    .bind(number)
                    .fetch_optional(self.pool())
                    .await?;
                known.map(|_| number.clone()).into_iter().collect()
            }
            Which::Latest => {
                let last = "SELECT number FROM versions WHERE pacticipant = $1 ORDER BY position DESC LIMIT 1";
                let row = sqlx::query(last).bind(pacticipant).fetch_optional(self.pool()).await?;
                row.map(|row| row.try_get(0)).transpose()?.into_iter().collect()
            }
            Which::Tagged(tag) => {
                let rows = sqlx::query("SELECT number FROM tags WHERE pacticipant = $1 AND tag = $2 ORDER BY position")
                    .bind(pacticipant)
                    .bind(tag)
                    .fetch_all(self.pool())
                    .await?;
                rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?
            }
            Which::MainBranch => match self.main_branch(pacticipant).await? {
                Some(branch) => head(self.branches(pacticipant).await?, &branch),
                None => Vec::new(),
            },
            Which::Branch(branch) => head(self.branches(pacticipant).await?, branch),
            Which::Tag(tag) => head(self.tags(pacticipant).await?, tag),
            Which::Environment(name) => {
                let name = self.environment(name).await?.name;
                let there = self.placements(Some(&name)).await?.into_iter();
                let of = there.filter(|each| each.version.pacticipant == pacticipant).map(|each| each.version.number);
                of.collect::<BTreeSet<_>>().into_iter().collect()
            }
        })
    }

    async fn present(&self, place: &Place) -> Result<BTreeMap<String, Vec<String>>, BrokerError> {
        let which = match place {
            Place::Nowhere => return Ok(BTreeMap::new()),
            Place::Environment(name) => {
                let name = self.environment(name).await?.name;
                let mut present: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for Version { pacticipant, number } in
                    self.placements(Some(&name)).await?.into_iter().map(|each| each.version)
                {
                    let numbers = present.entry(pacticipant).or_default();
                    if !numbers.contains(&number) {
                        numbers.push(number);
                    }
                }
                return Ok(present);
            }
            Place::MainBranch => Which::MainBranch,
            Place::Branch(branch) => Which::Branch(branch.clone()),
            Place::Tag(tag) => Which::Tag(tag.clone()),
            Place::Latest => Which::Latest,
        };
        let mut present = BTreeMap::new();
        for pacticipant in self.pacticipants().await? {
            let versions = self.resolve(&pacticipant.name, &which).await?;
            if !versions.is_empty() {
                present.insert(pacticipant.name, versions);
            }
        }
        Ok(present)
    }

    async fn facts(&self, asked: &[Asked], place: &Place) -> Result<Facts, BrokerError> {
        let present = self.present(place).await?;
        let named: BTreeSet<Version> = asked
            .iter()
            .flat_map(|asked| asked.versions.iter().map(|number| Version::new(&asked.pacticipant, number)))
            .collect();
        let is_named = |pacticipant: &str| asked.iter().any(|asked| asked.pacticipant == pacticipant);
        let there =
            present.iter().flat_map(|(name, numbers)| numbers.iter().map(move |number| Version::new(name, number)));
        let consumers: BTreeSet<Version> = named.iter().cloned().chain(there).collect();
        let (mut promises, mut outcomes, mut withdrawn) = (Vec::new(), BTreeSet::new(), Vec::new());
        for consumer in consumers {
            for provider in self.withdrawn(&consumer).await? {
                if is_named(&consumer.pacticipant) || is_named(&provider) {
                    withdrawn.push((consumer.clone(), provider));
                }
            }
            let rows = sqlx::query("SELECT provider, content FROM pacts WHERE consumer = $1 AND consumer_number = $2")
                .bind(&consumer.pacticipant)
                .bind(&consumer.number)
                .fetch_all(self.pool())
                .await?;
            for row in rows {
                let (provider, content): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                // What others have agreed among themselves is not the question.
                if !is_named(&consumer.pacticipant) && !is_named(&provider) {
                    continue;
                }
                outcomes.extend(self.outcomes(&provider, &content).await?);
                promises.push(Promise { consumer: consumer.clone(), provider, content });
            }
        }
        let mut outcomes: Vec<Outcome> = outcomes.into_iter().collect();
        // What verifiers said may be long, so it is read only where it may have to be told.
        for outcome in outcomes.iter_mut().filter(|outcome| !outcome.success) {
            let Version { pacticipant, number } = &outcome.provider;
            let there = present.get(pacticipant).is_some_and(|numbers| numbers.contains(number));
            if there || named.contains(&outcome.provider) {
                outcome.broken = broken(&self.verification(outcome.number).await?.results);
            }
        }
        Ok(Facts { promises, withdrawn, outcomes, present })
    }

    async fn outcomes(&self, provider: &str, content: &str) -> Result<Vec<Outcome>, BrokerError> {
        let rows = sqlx::query(
            "SELECT provider_number, id, success FROM verifications WHERE content = $1 AND provider = $2 AND id IN \
             (SELECT MAX(id) FROM verifications WHERE content = $1 AND provider = $2 GROUP BY provider_number)",
        )
        .bind(content)
        .bind(provider)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Outcome {
                    provider: Version::new(provider, row.try_get::<String, _>(0)?),
                    content: content.to_owned(),
                    number: row.try_get(1)?,
                    success: row.try_get::<i64, _>(2)? != 0,
                    broken: None,
                })
            })
            .collect()
    }
}

/// The first interaction that failed and its first mismatch, as far as the verifier named them.
fn broken(results: &Value) -> Option<String> {
    let failed = results.get("testResults")?.as_array()?.iter().find(|test| test["success"] == false)?;
    let mismatch = &failed["mismatches"][0];
    let described = failed["interactionDescription"].as_str().map(|description| format!("`{description}`"));
    let place = mismatch["identifier"].as_str().filter(|place| !place.is_empty()).map(str::to_owned);
    let how = mismatch["description"].as_str().map(str::to_owned);
    let parts: Vec<String> = [described, place, how].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| canonical::shorten(&parts.join(": "), LONGEST))
}
