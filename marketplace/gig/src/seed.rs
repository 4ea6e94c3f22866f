//! Made-up gigs for demonstrations. Off unless `ALLOW_SEED=1`.

use axum::extract::State;
use axum::http::StatusCode;
use platform::{ApiError, Caller, Json, Path};
use serde::Serialize;
use sqlx::Row;
use utoipa::ToSchema;

use crate::Gigs;
use crate::domain::Offer;
use crate::routes::publish;

/// Most gigs of one request.
const MOST: usize = 100;

const SUBJECTS: [(&str, &str); 6] = [
    ("I will design a logo", "Graphics"),
    ("I will translate a page", "Writing"),
    ("I will compose a jingle", "Music"),
    ("I will review a contract", "Business"),
    ("I will write a parser", "Programming"),
    ("I will edit a film", "Video"),
];

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seeded {
    created: usize,
    gig_ids: Vec<String>,
}

/// Makes gigs of made-up sellers up, where that is wanted.
///
/// Makes up to `count` gigs, spread over the sellers that this service knows.
#[utoipa::path(
    put,
    path = "/seed/{count}",
    params(
        ("count" = u32, Path, minimum = 1, maximum = 100),
    ),
    responses(
        (status = 201, description = "Their ids.", body = Seeded),
        (status = 400, description = "`invalid_count`"),
        (status = 403, description = "`seeding_disabled`"),
    ),
)]
pub(crate) async fn seed(
    State(gigs): State<Gigs>,
    _caller: Caller,
    Path(count): Path<usize>,
) -> Result<(StatusCode, Json<Seeded>), ApiError> {
    if !gigs.seeding {
        return Err(ApiError::forbidden("seeding_disabled", "made-up data is not wanted here"));
    }
    if !(1..=MOST).contains(&count) {
        return Err(ApiError::bad_request("invalid_count", format!("`count` is `{count}`: expected 1 to {MOST}")));
    }
    let mut tx = gigs.database.begin().await?;
    let sellers = sqlx::query("SELECT id, username FROM sellers WHERE username LIKE 'seed-%' ORDER BY id LIMIT 100")
        .fetch_all(&mut *tx)
        .await?;
    let mut gig_ids = Vec::new();
    if !sellers.is_empty() {
        for (row, (title, category)) in sellers.iter().cycle().zip(SUBJECTS.iter().cycle()).take(count) {
            let seller = Caller::new(row.try_get::<String, _>("id")?, row.try_get::<String, _>("username")?, "");
            let offer = Offer {
                title: (*title).to_owned(),
                description: format!("{title}, made up for a demonstration"),
                category: (*category).to_owned(),
                sub_categories: Vec::new(),
                tags: vec!["seed".to_owned()],
                price: 1_000 + 500 * gig_ids.len() as i64,
                currency: "USD".to_owned(),
                delivery_days: 1 + gig_ids.len() as i64 % 14,
                cover_image: String::new(),
            };
            gig_ids.push(publish(&mut tx, &seller, &offer).await?.id);
        }
    }
    tx.commit().await?;
    let created = gig_ids.len();
    Ok((StatusCode::CREATED, Json(Seeded { created, gig_ids })))
}
