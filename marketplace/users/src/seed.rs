//! Made-up sellers for demonstrations. Off unless `ALLOW_SEED=1`.

use axum::extract::State;
use axum::http::StatusCode;
use platform::{ApiError, Caller, Json, Path};
use serde::Serialize;
use sqlx::Row;
use utoipa::ToSchema;

use crate::Users;
use crate::domain::Profile;
use crate::routes::create;

/// Most sellers of one request.
const MOST: i64 = 100;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seeded {
    created: usize,
    seller_ids: Vec<String>,
}

/// Makes sellers of made-up accounts, where that is wanted.
///
/// Makes sellers of up to `count` buyers who are none yet.
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
    State(users): State<Users>,
    _caller: Caller,
    Path(count): Path<i64>,
) -> Result<(StatusCode, Json<Seeded>), ApiError> {
    if !users.seeding {
        return Err(ApiError::forbidden("seeding_disabled", "made-up data is not wanted here"));
    }
    if !(1..=MOST).contains(&count) {
        return Err(ApiError::bad_request("invalid_count", format!("`count` is `{count}`: expected 1 to {MOST}")));
    }
    let mut tx = users.database.begin().await?;
    let buyers = sqlx::query(
        "SELECT b.id, b.username, b.email FROM buyers b LEFT JOIN sellers s ON s.id = b.id
         WHERE s.id IS NULL AND b.username LIKE 'seed-%' ORDER BY b.id LIMIT $1",
    )
    .bind(count)
    .fetch_all(&mut *tx)
    .await?;
    let mut seller_ids = Vec::with_capacity(buyers.len());
    for row in buyers {
        let account = Caller::new(
            row.try_get::<String, _>("id")?,
            row.try_get::<String, _>("username")?,
            row.try_get::<String, _>("email")?,
        );
        let profile = Profile {
            full_name: account.username.clone(),
            description: "A made-up seller".to_owned(),
            oneliner: "Made up".to_owned(),
            country: String::new(),
            profile_picture: String::new(),
            languages: vec!["English".to_owned()],
            skills: Vec::new(),
        };
        seller_ids.push(create(&mut tx, &account, &profile).await?.id);
    }
    tx.commit().await?;
    let created = seller_ids.len();
    Ok((StatusCode::CREATED, Json(Seeded { created, seller_ids })))
}
