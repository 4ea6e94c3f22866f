//! The broker as lapin and an HTTP client see it.

mod confirms;
mod connections;
mod consuming;
mod dead_letters;
mod declaring;
mod durability;
mod exchanges;
mod faults;
mod lapin_client;
mod limits;
mod management;
mod raw_client;
mod redelivery;
mod wire;
