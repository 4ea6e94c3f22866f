//! Buyers and sellers as clients see them, and what a valid profile is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody who buys.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Buyer {
    /// The account's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The account's name.
    pub username: String,
    /// The account's address; left out when somebody else asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Email)]
    pub email: Option<String>,
    /// Whether there is a seller of the same account.
    pub is_seller: bool,
    /// Orders that are neither completed nor cancelled.
    #[schema(minimum = 0)]
    pub ongoing_orders: i64,
    /// Completed orders.
    #[schema(minimum = 0)]
    pub completed_orders: i64,
    /// Cancelled orders.
    #[schema(minimum = 0)]
    pub cancelled_orders: i64,
    /// Sum of the stars given by sellers.
    #[schema(minimum = 0)]
    pub rating_sum: i64,
    /// Number of reviews by sellers.
    #[schema(minimum = 0)]
    pub rating_count: i64,
    /// What happened to the access to the account; left out when somebody else asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountActivity>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// What happened to the access to an account: its owner knows whether that was them.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountActivity {
    /// Mails to verify the address that were asked for.
    #[schema(minimum = 0)]
    pub verifications: i64,
    /// Mails to reset the password that were asked for.
    #[schema(minimum = 0)]
    pub resets: i64,
    /// Passwords that were set.
    #[schema(minimum = 0)]
    pub password_changes: i64,
}

/// Somebody who sells.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seller {
    /// The account's id: an account has at most one seller.
    #[schema(format = "uuid")]
    pub id: String,
    /// The account's name.
    pub username: String,
    /// The account's address; left out when a visitor asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Email)]
    pub email: Option<String>,
    /// Name as shown.
    pub full_name: String,
    /// What the seller says.
    pub description: String,
    /// The same in one line.
    pub oneliner: String,
    /// Country.
    pub country: String,
    /// URL of a picture; empty when there is none.
    pub profile_picture: String,
    /// Languages spoken.
    pub languages: Vec<String>,
    /// Skills.
    pub skills: Vec<String>,
    /// Number of gigs.
    #[schema(minimum = 0)]
    pub total_gigs: i64,
    /// Jobs that are neither completed nor cancelled.
    #[schema(minimum = 0)]
    pub ongoing_jobs: i64,
    /// Completed jobs.
    #[schema(minimum = 0)]
    pub completed_jobs: i64,
    /// Cancelled jobs.
    #[schema(minimum = 0)]
    pub cancelled_jobs: i64,
    /// Deliveries made.
    #[schema(minimum = 0)]
    pub deliveries: i64,
    /// How often more time was asked for.
    #[schema(minimum = 0)]
    pub extensions_requested: i64,
    /// How often it was granted.
    #[schema(minimum = 0)]
    pub extensions_granted: i64,
    /// How often it was refused.
    #[schema(minimum = 0)]
    pub extensions_refused: i64,
    /// Minor units earned, by currency.
    pub earnings: BTreeMap<String, i64>,
    /// Sum of the stars given by buyers.
    #[schema(minimum = 0)]
    pub rating_sum: i64,
    /// Number of reviews by buyers.
    #[schema(minimum = 0)]
    pub rating_count: i64,
    /// Mean of the stars; 0 without reviews.
    #[schema(minimum = 0, maximum = 5)]
    pub rating: f64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What a seller says about themselves.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Name as shown, 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80)]
    pub full_name: String,
    /// Up to 4000 characters.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub description: String,
    /// Up to 120 characters.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub oneliner: String,
    /// Up to 60 characters.
    #[serde(default)]
    #[schema(max_length = 60)]
    pub country: String,
    /// `http` or `https` URL of up to 500 characters, or empty.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^(https?://.*)?$")]
    pub profile_picture: String,
    /// Up to 20 of up to 60 characters.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub languages: Vec<String>,
    /// Up to 50 of up to 60 characters.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub skills: Vec<String>,
}

/// What is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A text is too long or missing.
    #[error("`{field}` has {found} characters: expected {least} to {most}")]
    Length {
        /// The field.
        field: &'static str,
        /// Its length.
        found: usize,
        /// Least length.
        least: usize,
        /// Greatest length.
        most: usize,
    },
    /// A list is too long.
    #[error("`{field}` has {found} entries: expected at most {most}")]
    Entries {
        /// The field.
        field: &'static str,
        /// Its length.
        found: usize,
        /// Greatest length.
        most: usize,
    },
    /// Not a URL of a picture.
    #[error("`profilePicture` is not valid: expected a URL that starts with `https://` or `http://`")]
    Picture,
}

impl Profile {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self) -> Result<(), Invalid> {
        length("fullName", self.full_name.trim(), 1, 80)?;
        length("description", &self.description, 0, 4000)?;
        length("oneliner", &self.oneliner, 0, 120)?;
        length("country", &self.country, 0, 60)?;
        length("profilePicture", &self.profile_picture, 0, 500)?;
        let picture = &self.profile_picture;
        if !picture.is_empty() && !picture.starts_with("https://") && !picture.starts_with("http://") {
            return Err(Invalid::Picture);
        }
        entries("languages", &self.languages, 20)?;
        entries("skills", &self.skills, 50)
    }
}

fn length(field: &'static str, text: &str, least: usize, most: usize) -> Result<(), Invalid> {
    let found = text.chars().count();
    if (least..=most).contains(&found) { Ok(()) } else { Err(Invalid::Length { field, found, least, most }) }
}

fn entries(field: &'static str, list: &[String], most: usize) -> Result<(), Invalid> {
    if list.len() > most {
        return Err(Invalid::Entries { field, found: list.len(), most });
    }
    list.iter().try_for_each(|entry| length(field, entry.trim(), 1, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            full_name: "Ada Lovelace".into(),
            description: "Engines and poetry".into(),
            oneliner: String::new(),
            country: "UK".into(),
            profile_picture: String::new(),
            languages: vec!["English".into()],
            skills: vec!["analysis".into()],
        }
    }

    #[test]
    fn ordinary_profile_is_valid() {
        assert_eq!(profile().check(), Ok(()));
    }

    #[test]
    fn blank_name_is_refused() {
        let nameless = Profile { full_name: "  ".into(), ..profile() };
        assert!(matches!(nameless.check(), Err(Invalid::Length { field: "fullName", .. })));
    }

    #[test]
    fn picture_must_be_a_web_address() {
        let script = Profile { profile_picture: "javascript:alert(1)".into(), ..profile() };
        assert_eq!(script.check(), Err(Invalid::Picture));
    }

    #[test]
    fn lists_are_bounded() {
        let chatty = Profile { languages: vec!["x".into(); 21], ..profile() };
        assert!(matches!(chatty.check(), Err(Invalid::Entries { found: 21, .. })));
    }
}
