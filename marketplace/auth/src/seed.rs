//! Made-up accounts for demonstrations. Off unless `ALLOW_SEED=1`.

use axum::extract::State;
use axum::http::StatusCode;
use platform::{ApiError, Caller, Json, Path, new_id, now};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Auth;
use crate::domain::Account;
use crate::routes::register;
use crate::token;

/// Most accounts of one request.
const MOST: u32 = 100;

#[derive(Serialize, ToSchema)]
pub(crate) struct Seeded {
    created: u32,
    usernames: Vec<String>,
}

/// Makes accounts up, where that is wanted.
///
/// Creates accounts that nobody can sign in to: their passwords are random and forgotten at once.
#[utoipa::path(
    put,
    path = "/seed/{count}",
    params(
        ("count" = u32, Path, minimum = 1, maximum = 100),
    ),
    responses(
        (status = 201, description = "Their names.", body = Seeded),
        (status = 400, description = "`invalid_count`"),
        (status = 403, description = "`seeding_disabled`"),
    ),
)]
pub(crate) async fn seed(
    State(auth): State<Auth>,
    _caller: Caller,
    Path(count): Path<u32>,
) -> Result<(StatusCode, Json<Seeded>), ApiError> {
    if !auth.seeding {
        return Err(ApiError::forbidden("seeding_disabled", "made-up data is not wanted here"));
    }
    if !(1..=MOST).contains(&count) {
        return Err(ApiError::bad_request("invalid_count", format!("`count` is `{count}`: expected 1 to {MOST}")));
    }
    // One hash for all of them, of a password that nobody ever sees.
    let password_hash = auth.passwords.hash(token::generate()).await?;
    let mut usernames = Vec::new();
    let mut tx = auth.database.begin().await?;
    for _ in 0..count {
        let id = new_id();
        // The last group of a UUIDv7 is random.
        let username = format!("seed-{}", id.rsplit('-').next().unwrap_or(&id));
        let account = Account {
            email: format!("{username}@example.test"),
            username: username.clone(),
            id,
            password_hash: password_hash.clone(),
            email_verified: true,
            created_at: now(),
        };
        register(&mut tx, &account).await?;
        usernames.push(username);
    }
    tx.commit().await?;
    let created = count;
    Ok((StatusCode::CREATED, Json(Seeded { created, usernames })))
}
