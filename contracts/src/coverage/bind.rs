//! Which operation or event of the documents an interaction is about.

use super::exchange::Talk;
use crate::document::{Event, Model, Operation, event_among, operation_among};
use crate::store::Interaction;

/// What an interaction is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound<'m, 'a> {
    /// An operation.
    Operation(&'m Operation<'a>),
    /// An event.
    Event(&'m Event<'a>),
}

/// Finds it among the models of the provider's documents; else a sentence that says what is missing.
pub(crate) fn bind<'m, 'a>(
    models: &'m [Model<'a>],
    interaction: &Interaction,
    talk: &Talk,
) -> Result<Bound<'m, 'a>, String> {
    match talk {
        Talk::Http(exchange) => {
            let (method, path) = (exchange.method.as_str(), exchange.path.as_str());
            let found = operation_among(models, method, path);
            found.map(Bound::Operation).ok_or_else(|| {
                let known = models.iter().any(|model| model.has_path(path));
                let missing = if known { "has no such method" } else { "has no such path" };
                format!("the provider's document {missing}: `{method} {path}`")
            })
        }
        Talk::Message(message) => {
            let words = message.words();
            let found = event_among(models, &words, &interaction.description);
            found.map(Bound::Event).ok_or_else(|| {
                "the provider's document has no event whose name, type or address is in the metadata of this \
                 message"
                    .into()
            })
        }
    }
}
