//! Documents of providers, what pacts cover of them, and whether the two fit each other.

mod checks;
mod committed;
mod documents;
mod fuzz;
mod several;
mod shares;
mod shop;
