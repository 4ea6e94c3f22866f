//! Lists of gigs over HTTP: search, by seller, by category, top-rated, similar.

use axum::extract::State;
use platform::document::{OpenApiRouter, routes};
use platform::{ApiError, Caller, Connected, Json, Observed, Page as Part, Path, Query, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Gigs;
use crate::domain::Gig;
use crate::routes::gig_not_found;
use crate::search;
use crate::store::{self, Filter, Order};

/// Most gigs of one page.
const MOST: i64 = 100;
/// Length of the lists of top-rated and similar gigs.
const SHORT_LIST: i64 = 10;
/// What a client writes for `from` to get the first page.
const START: &str = "0";

pub(crate) fn routes() -> OpenApiRouter<Gigs> {
    OpenApiRouter::default()
        .routes(routes!(find))
        .routes(routes!(of_seller))
        .routes(routes!(paused_of_seller))
        .routes(routes!(of_category))
        .routes(routes!(top_rated))
        .routes(routes!(similar))
}

#[derive(Serialize, ToSchema)]
struct GigsAnswer {
    gigs: Vec<Gig>,
}

/// One page of a search.
#[derive(Serialize, ToSchema)]
struct Page {
    /// Number of gigs on all pages.
    #[schema(minimum = 0)]
    total: i64,
    /// Newest first.
    gigs: Vec<Gig>,
    /// `from` of the next older page (`forward`); none on the last one.
    next: Option<String>,
    /// `from` of the next newer page (`backward`); none on the first one.
    previous: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Forward,
    Backward,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Search {
    #[serde(default)]
    query: String,
    min_price: Option<i64>,
    max_price: Option<i64>,
    delivery_days: Option<i64>,
    category: Option<String>,
}

/// Searches active gigs, newest first, a page at a time.
#[utoipa::path(
    get,
    path = "/search/{from}/{size}/{direction}",
    params(
        ("from" = String, Path, description = "`0`, or `next` or `previous` of an earlier page.", max_length = 64),
        ("size" = u32, Path, minimum = 1, maximum = 100),
        ("direction" = String, Path, description = "`forward` to older gigs, `backward` to newer ones.", pattern = "^(forward|backward)$"),
        Search,
    ),
    responses(
        (status = 200, description = "One page.", body = Page),
        (status = 400, description = "`invalid_size`, `invalid_cursor`"),
    ),
)]
async fn find(
    State(gigs): State<Gigs>,
    _caller: Caller,
    Path((from, size, direction)): Path<(String, i64, Direction)>,
    Query(search): Query<Search>,
) -> Result<Json<Page>, ApiError> {
    if !(1..=MOST).contains(&size) {
        return Err(ApiError::bad_request("invalid_size", format!("`size` is `{size}`: expected 1 to {MOST}")));
    }
    if from.len() > 64 {
        return Err(ApiError::bad_request(
            "invalid_cursor",
            format!("`from` is too long: expected `{START}` or a cursor of an earlier page"),
        ));
    }
    let filter = Filter {
        text: search::Query::every_word(&search.query),
        min_price: search.min_price,
        max_price: search.max_price,
        delivery_days: search.delivery_days,
        category: search.category,
        active: Some(true),
        ..Filter::default()
    };
    let started = from == START;
    let cursor = (!started).then_some(from);
    let order = match direction {
        Direction::Forward => Order::Newest(cursor),
        Direction::Backward => Order::Newer(cursor),
    };
    let mut db = gigs.database.pool().acquire().await?;
    // One more than asked for tells whether there is another page.
    let mut found = store::list(&mut db, &filter, &order, size + 1).await?;
    let more = found.len() as i64 > size;
    let (older, newer) = match direction {
        Direction::Forward => {
            found.truncate(size as usize);
            (more, !started)
        }
        Direction::Backward => {
            if more {
                found.remove(0);
            }
            (!started, more)
        }
    };
    let id = |gig: Option<&Gig>| gig.map(|gig| gig.id.clone());
    let page = Page {
        total: store::count(&mut db, &filter).await?,
        next: id(found.last()).filter(|_| older),
        previous: id(found.first()).filter(|_| newer),
        gigs: found,
    };
    Ok(Json(page))
}

/// A seller's active gigs, newest first.
#[utoipa::path(
    get,
    path = "/seller/{seller_id}",
    params(
        Part,
    ),
    responses(
        (status = 200, description = "One page.", body = GigsAnswer),
    ),
)]
async fn of_seller(
    State(gigs): State<Gigs>,
    _caller: Caller,
    Path(seller_id): Path<String>,
    part: Part,
) -> Result<Json<GigsAnswer>, ApiError> {
    list(&gigs, seller(seller_id, true), Order::Newest(part.before), part.size).await
}

/// The caller's paused gigs, newest first.
#[utoipa::path(
    get,
    path = "/seller/pause/{seller_id}",
    params(
        Part,
    ),
    responses(
        (status = 200, description = "One page.", body = GigsAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_gigs`"),
    ),
)]
async fn paused_of_seller(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Path(seller_id): Path<String>,
    part: Part,
) -> Result<Json<GigsAnswer>, ApiError> {
    if caller.id != seller_id {
        return Err(ApiError::forbidden("not_your_gigs", "only the seller may see paused gigs"));
    }
    list(&gigs, seller(seller_id, false), Order::Newest(part.before), part.size).await
}

fn seller(seller_id: String, active: bool) -> Filter {
    Filter { seller_id: Some(seller_id), active: Some(active), ..Filter::default() }
}

async fn list(gigs: &Gigs, filter: Filter, order: Order, size: i64) -> Result<Json<GigsAnswer>, ApiError> {
    let mut db = gigs.database.pool().acquire().await?;
    let gigs = store::list(&mut db, &filter, &order, size).await?;
    Ok(Json(GigsAnswer { gigs }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Chosen {
    #[param(min_length = 1, max_length = 60)]
    category: Option<String>,
}

/// Gigs of the category that the caller looks at.
///
/// Gigs of the category that somebody looks at: the one named in the query, or the one of last time.
#[utoipa::path(
    get,
    path = "/category/{username}",
    params(
        Chosen,
        Part,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = GigsAnswer),
        (status = 400, description = "`invalid_category`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_choice`"),
    ),
)]
async fn of_category(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Path(username): Path<String>,
    Query(chosen): Query<Chosen>,
    part: Part,
) -> Result<Json<GigsAnswer>, ApiError> {
    let category = category(&gigs, &caller, &username, chosen).await?;
    let filter = Filter { category, active: Some(true), ..Filter::default() };
    list(&gigs, filter, Order::Newest(part.before), part.size).await
}

/// The best-rated gigs of the category that the caller looks at.
///
/// The best-rated gigs of that category; of all when none was ever chosen.
#[utoipa::path(
    get,
    path = "/top/{username}",
    params(
        Chosen,
    ),
    responses(
        (status = 200, description = "Up to 10 gigs.", body = GigsAnswer),
        (status = 400, description = "`invalid_category`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_choice`"),
    ),
)]
async fn top_rated(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Path(username): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Result<Json<GigsAnswer>, ApiError> {
    let category = category(&gigs, &caller, &username, chosen).await?;
    let filter = Filter { category, active: Some(true), rated: true, ..Filter::default() };
    list(&gigs, filter, Order::Rating, SHORT_LIST).await
}

async fn category(gigs: &Gigs, caller: &Caller, username: &str, chosen: Chosen) -> Result<Option<String>, ApiError> {
    if username != caller.username {
        return Err(ApiError::forbidden("not_your_choice", "only the user may see what they looked at"));
    }
    let Some(category) = chosen.category else {
        let mut db = gigs.database.pool().acquire().await?;
        return Ok(store::selected_category(&mut db, username).await?);
    };
    if !(1..=60).contains(&category.chars().count()) {
        return Err(ApiError::bad_request("invalid_category", "`category` is not valid: expected 1 to 60 characters"));
    }
    let mut tx = gigs.database.begin().await?;
    store::select_category(&mut tx, username, &category).await?;
    tx.commit().await?;
    Ok(Some(category))
}

/// Gigs like this one.
///
/// Gigs that share words with this one; when there are few, others of its category follow.
#[utoipa::path(
    get,
    path = "/similar/{gig_id}",
    responses(
        (status = 200, description = "Up to 10 gigs.", body = GigsAnswer),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn similar(
    State(gigs): State<Gigs>,
    _caller: Caller,
    Path(gig_id): Path<String>,
) -> Result<Json<GigsAnswer>, ApiError> {
    let mut db = gigs.database.pool().acquire().await?;
    let gig = store::find(&mut db, &gig_id).await?.ok_or_else(gig_not_found)?;
    let words = format!("{} {}", gig.title, gig.tags.join(" "));
    let mut found = match search::Query::any_word(&words) {
        Some(text) => {
            let filter = Filter { text: Some(text), ..like(&gig, false) };
            newest(&mut db, &filter).await?
        }
        None => Vec::new(),
    };
    if (found.len() as i64) < SHORT_LIST {
        for other in newest(&mut db, &like(&gig, true)).await? {
            if (found.len() as i64) < SHORT_LIST && found.iter().all(|gig| gig.id != other.id) {
                found.push(other);
            }
        }
    }
    Ok(Json(GigsAnswer { gigs: found }))
}

fn like(gig: &Gig, same_category: bool) -> Filter {
    Filter {
        category: same_category.then(|| gig.category.clone()),
        active: Some(true),
        except: Some(gig.id.clone()),
        ..Filter::default()
    }
}

async fn newest(db: &mut Observed<impl Connected>, filter: &Filter) -> Result<Vec<Gig>, sqlx::Error> {
    store::list(db, filter, &Order::Newest(None), SHORT_LIST).await
}
