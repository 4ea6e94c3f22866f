//! The fault-proxy links of a system: one for each peer that a service names, and one for its clients.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use chaos::{Link, Upstream};

use crate::config::Config;

/// A link that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the link `{name}`: {source}")]
pub struct LinkError {
    /// `from->to`.
    pub name: String,
    /// Why.
    pub source: io::Error,
}

/// Name of the link that clients use.
pub(super) fn client_link(config: &Config) -> String {
    format!("client->{}", config.system.entry)
}

/// Names and far ends of the links that the chosen services need.
pub(super) fn wanted(
    config: &Config,
    chosen: &BTreeSet<String>,
    upstream: impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, Option<String>> {
    let mut links = BTreeMap::from([(client_link(config), upstream(&config.system.entry))]);
    for service in config.services.values().filter(|service| chosen.contains(&service.name)) {
        for peer in service.links() {
            links.insert(format!("{}->{peer}", service.name), upstream(&peer));
        }
    }
    links
}

/// Opens links, each on a port of its own.
pub(super) fn open(wanted: BTreeMap<String, Option<String>>) -> Result<BTreeMap<String, Arc<Link>>, LinkError> {
    wanted
        .into_iter()
        .map(|(name, far_end)| {
            let upstream = far_end.map_or_else(Upstream::unset, Upstream::new);
            let link = Link::bind(name.clone(), upstream).map_err(|source| LinkError { name: name.clone(), source })?;
            Ok((name, link))
        })
        .collect()
}
