//! What a system runs on, by product and version, for whoever reads its results.

use super::system::{BROKER, RunningSystem};
use crate::config::{BackendKind, Broker};
use crate::report::model::Component;

impl RunningSystem {
    /// Brokers and databases that are none of the system's services, asked for their versions. What does not answer has
    /// none.
    pub async fn components(&self) -> Vec<Component> {
        let mut components = Vec::new();
        if self.config.broker == Some(Broker::Embedded) {
            components.push(Component {
                name: BROKER.to_owned(),
                product: "embedded AMQP broker".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                origin: "this program".to_owned(),
            });
        }
        for (name, spaces) in &self.places.spaces {
            let Some(backend) = self.config.backends.get(name) else { continue };
            let product = match backend.kind {
                BackendKind::Postgres => "PostgreSQL",
                BackendKind::Rabbitmq => "RabbitMQ",
            };
            let origin = match &backend.server {
                Some(server) => format!("the server that `{}` names", server.variable),
                None => format!("a container of `{}`", backend.image),
            };
            let version = spaces.reach.version().await;
            components.push(Component { name: name.clone(), product: product.to_owned(), version, origin });
        }
        components
    }
}
