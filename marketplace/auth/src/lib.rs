//! Accounts: who somebody is, and how they prove it.
//!
//! Passwords are hashed with argon2id, tokens in mails are single-use and stored as hashes, and every answer about an
//! account that may not exist takes as long and says as much as one about an account that does. Sessions are the
//! gateway's business: this service only says whether a name and a password belong together.

pub mod contract;
pub mod domain;
pub mod events;
pub mod password;
mod routes;
mod seed;
pub mod store;
pub mod token;

pub use routes::openapi;

use platform::{App, Context, Database, Migration};

use password::{DEFAULT_ITERATIONS, DEFAULT_MEMORY_KIB, Passwords};

/// The service's schema.
pub const SCHEMA: &[Migration] = &[Migration::new(1, "accounts", include_str!("../migrations/0001_accounts.sql"))];

/// What every route works with.
#[derive(Clone, Debug)]
struct Auth {
    database: Database,
    passwords: Passwords,
    seeding: bool,
}

/// Builds the service from `DATABASE_URL`, `ARGON2_MEMORY_KIB`, `ARGON2_ITERATIONS` and `ALLOW_SEED`.
///
/// # Errors
/// Every mistake of the environment, or why the database cannot be opened.
pub async fn app(ctx: Context) -> anyhow::Result<App> {
    let env = ctx.env();
    let number = |name: &str, default: u32| {
        let value = env.number(name, u64::from(default));
        u32::try_from(value)
            .unwrap_or_else(|_| env.problem(format!("`{name}` is `{value}`: expected a number below 2^32")))
    };
    let memory_kib = number("ARGON2_MEMORY_KIB", DEFAULT_MEMORY_KIB);
    let iterations = number("ARGON2_ITERATIONS", DEFAULT_ITERATIONS);
    let passwords = Passwords::new(memory_kib, iterations);
    if let Err(error) = &passwords {
        env.problem::<()>(error.to_string());
    }
    let seeding = env.switch("ALLOW_SEED");
    let database = ctx.database(SCHEMA).await?;
    let state = Auth { database: database.clone(), passwords: passwords?, seeding };
    let hooks = contract::hooks(&database, &state.passwords);
    Ok(App::new(routes::router(state)).with_database(&database).with_contract(hooks))
}
