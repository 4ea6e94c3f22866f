//! What the services of the reference marketplace promise: OpenAPI 3.1 of their routes, AsyncAPI 3 of their events, made
//! from their code and committed in `openapi/` and `asyncapi/`. To renew the committed ones:
//!
//! ```sh
//! cargo xtask openapi
//! ```

mod agreement;
mod committed;
mod events;
mod files;
mod gateway;
mod operations;
mod references;
mod routes;
mod schemas;
