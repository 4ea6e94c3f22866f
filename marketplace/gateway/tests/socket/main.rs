//! Chat at once, over real sockets: gateways and the chat service on free ports, and browsers that connect to them.

mod admission;
mod browser;
mod delivery;
mod flow;
mod official_client;
mod presence;
mod proxy;
mod slow;
mod system;
