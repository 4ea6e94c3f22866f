//! What a gig is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Least price, in minor units.
pub const MIN_PRICE: i64 = 100;
/// Greatest price, in minor units.
pub const MAX_PRICE: i64 = 10_000_000;
/// Longest time to deliver, in days.
pub const MAX_DAYS: i64 = 90;

/// A gig as clients see it, with what is known about its seller.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gig {
    /// Id, UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// Whose gig it is.
    pub seller_id: String,
    /// The seller's name.
    pub seller_username: String,
    /// The seller's name as shown; empty until the seller's event has arrived.
    pub seller_name: String,
    /// URL of the seller's picture; may be empty.
    pub seller_picture: String,
    /// What is offered.
    pub title: String,
    /// What is offered, at length.
    pub description: String,
    /// Category.
    pub category: String,
    /// Finer categories.
    pub sub_categories: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Price in minor units.
    #[schema(minimum = 100, maximum = 10000000)]
    pub price: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_days: i64,
    /// URL of a picture; may be empty.
    pub cover_image: String,
    /// Whether it can be found and ordered.
    pub active: bool,
    /// Sum of the stars of this gig.
    #[schema(minimum = 0)]
    pub rating_sum: i64,
    /// Number of reviews of this gig.
    #[schema(minimum = 0)]
    pub rating_count: i64,
    /// Sum of the seller's stars.
    #[schema(minimum = 0)]
    pub seller_rating_sum: i64,
    /// Number of the seller's reviews.
    #[schema(minimum = 0)]
    pub seller_rating_count: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What a seller offers: the body of a create or an update.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Offer {
    /// 5 to 120 characters.
    #[schema(min_length = 5, max_length = 120)]
    pub title: String,
    /// 1 to 4000 characters.
    #[schema(min_length = 1, max_length = 4000)]
    pub description: String,
    /// 1 to 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub category: String,
    /// Up to 10 of up to 60 characters.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub sub_categories: Vec<String>,
    /// Up to 20 of up to 60 characters.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tags: Vec<String>,
    /// Price in minor units.
    #[schema(minimum = 100, maximum = 10000000)]
    pub price: i64,
    /// ISO 4217 code; `USD` when absent.
    #[serde(default = "usd")]
    #[schema(pattern = "^[A-Z]{3}$", default = "USD")]
    pub currency: String,
    /// Days until delivery.
    #[schema(minimum = 1, maximum = 90)]
    pub delivery_days: i64,
    /// `http` or `https` URL of up to 500 characters, or empty.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^(https?://.*)?$")]
    pub cover_image: String,
}

fn usd() -> String {
    "USD".to_owned()
}

/// What is wrong with an offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A text is too long or too short.
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
    /// A number is out of range.
    #[error("`{field}` is `{found}`: expected {least} to {most}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        found: i64,
        /// Least value.
        least: i64,
        /// Greatest value.
        most: i64,
    },
    /// Not a currency.
    #[error("`currency` is `{0}`: expected three capital letters, as in ISO 4217")]
    Currency(String),
    /// Not a URL of a picture.
    #[error("`coverImage` is not valid: expected a URL that starts with `https://` or `http://`")]
    Picture,
}

impl Offer {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self) -> Result<(), Invalid> {
        length("title", self.title.trim(), 5, 120)?;
        length("description", self.description.trim(), 1, 4000)?;
        length("category", self.category.trim(), 1, 60)?;
        length("coverImage", &self.cover_image, 0, 500)?;
        entries("subCategories", &self.sub_categories, 10)?;
        entries("tags", &self.tags, 20)?;
        range("price", self.price, MIN_PRICE, MAX_PRICE)?;
        range("deliveryDays", self.delivery_days, 1, MAX_DAYS)?;
        if self.currency.len() != 3 || !self.currency.chars().all(|c| c.is_ascii_uppercase()) {
            return Err(Invalid::Currency(self.currency.chars().take(20).collect()));
        }
        let picture = &self.cover_image;
        if !picture.is_empty() && !picture.starts_with("https://") && !picture.starts_with("http://") {
            return Err(Invalid::Picture);
        }
        Ok(())
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

fn range(field: &'static str, found: i64, least: i64, most: i64) -> Result<(), Invalid> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(Invalid::Range { field, found, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer {
            title: "I will design a logo".into(),
            description: "Three drafts".into(),
            category: "Design".into(),
            sub_categories: vec![],
            tags: vec!["logo".into()],
            price: 5000,
            currency: "EUR".into(),
            delivery_days: 3,
            cover_image: String::new(),
        }
    }

    #[test]
    fn ordinary_offer_is_valid() {
        assert_eq!(offer().check(), Ok(()));
    }

    #[test]
    fn price_is_bounded_on_both_sides() {
        for price in [i64::MIN, 0, 99, MAX_PRICE + 1, i64::MAX] {
            let found = Offer { price, ..offer() }.check();
            assert!(matches!(found, Err(Invalid::Range { field: "price", .. })), "{price}");
        }
    }

    #[test]
    fn currency_is_three_capital_letters() {
        for wrong in ["", "eur", "EURO", "E1R", "ÄÖÜ"] {
            let found = Offer { currency: wrong.into(), ..offer() }.check();
            assert_eq!(found, Err(Invalid::Currency(wrong.into())));
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        let mut body = serde_json::to_value(offer()).unwrap();
        body["sellerId"] = "somebody else".into();
        assert!(serde_json::from_value::<Offer>(body).is_err());
    }
}
