//! Operations and events, as both kinds of documents have them.

use super::schema::Schema;
use super::template;

/// What a document promises.
#[derive(Clone, Debug, Default)]
pub struct Model<'a> {
    /// Operations of an OpenAPI document, in the order of the file.
    pub operations: Vec<Operation<'a>>,
    /// Events of an AsyncAPI document, in the order of the file.
    pub events: Vec<Event<'a>>,
}

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// In capitals.
    pub method: String,
    /// Path with its parameters, `/orders/{id}`.
    pub path: &'a str,
    /// `operationId`.
    pub id: Option<&'a str>,
    /// Parameters of path, query, headers and cookies, those of the path item included.
    pub parameters: Vec<Parameter<'a>>,
    /// What a request carries.
    pub body: Option<Body<'a>>,
    /// What comes back, by status.
    pub responses: Vec<Response<'a>>,
    /// Ways to authenticate, of which a request needs one; empty when it needs none.
    pub security: Vec<Vec<String>>,
    /// Whether a request without any of them is answered as well.
    pub anonymous: bool,
    /// Paths of the servers, in front of the operation's own.
    pub bases: Vec<String>,
    /// JSON pointer to it.
    pub pointer: String,
}

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

/// One parameter of a request.
#[derive(Clone, Debug)]
pub struct Parameter<'a> {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub name: &'a str,
    /// Whether a request must have it.
    pub required: bool,
    /// What it must be.
    pub schema: Schema<'a>,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub struct Body<'a> {
    /// Whether a request must have it.
    pub required: bool,
    /// By media type.
    pub content: Vec<Content<'a>>,
}

/// One form of a body.
#[derive(Clone, Debug)]
pub struct Content<'a> {
    /// `application/json`, or a range such as `text/*`.
    pub media_type: &'a str,
    /// What it must be.
    pub schema: Schema<'a>,
}

/// What comes back with one status.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// `200`, a range such as `5XX`, or `default`.
    pub status: &'a str,
    /// Headers, `Content-Type` left out.
    pub headers: Vec<Header<'a>>,
    /// Body by media type.
    pub content: Vec<Content<'a>>,
}

/// One header of a response.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// Its name, as it is written.
    pub name: &'a str,
    /// Whether it is always there.
    pub required: bool,
    /// What it must be.
    pub schema: Schema<'a>,
}

/// One kind of message that the provider sends.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Its `name`, else its key in the document.
    pub name: &'a str,
    /// Address of its channel: a topic, a queue, a routing key.
    pub address: &'a str,
    /// Exchange of AMQP that it is sent to, when the document says so.
    pub exchange: Option<&'a str>,
    /// Whether it is the only message of its channel.
    pub alone: bool,
    /// Other names that a message may give: title, key, message type, constants of its headers.
    pub aliases: Vec<&'a str>,
    /// Media type of the payload.
    pub content_type: Option<&'a str>,
    /// Headers, as an object.
    pub headers: Schema<'a>,
    /// Payload; anything where its schema is of a language that is not JSON Schema.
    pub payload: Schema<'a>,
    /// JSON pointer to the message.
    pub pointer: String,
}

impl<'a> Model<'a> {
    pub(super) fn of_operations(operations: Vec<Operation<'a>>) -> Self {
        Self { operations, events: Vec::new() }
    }

    pub(super) fn of_events(events: Vec<Event<'a>>) -> Self {
        Self { operations: Vec::new(), events }
    }

    /// The operation that a request is for: of several templates that fit, the one with the fewest parameters.
    #[must_use]
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation<'a>> {
        operation_among(std::slice::from_ref(self), method, path)
    }

    /// Whether any operation has a path that fits, whatever its method.
    #[must_use]
    pub fn has_path(&self, path: &str) -> bool {
        self.operations.iter().any(|operation| operation.parameters_in(path).is_some())
    }

    /// The event that a message is: one whose name or alias is a value of its metadata, else the only one that is sent
    /// to an address named there, else one that is called as the interaction is.
    #[must_use]
    pub fn event(&self, metadata: &[&str], description: &str) -> Option<&Event<'a>> {
        event_among(std::slice::from_ref(self), metadata, description)
    }
}

/// As [`Model::operation`], of several documents together.
pub(crate) fn operation_among<'m, 'a>(models: &'m [Model<'a>], method: &str, path: &str) -> Option<&'m Operation<'a>> {
    let fits = |operation: &&Operation<'_>| operation.method == method && operation.parameters_in(path).is_some();
    let all = models.iter().flat_map(|model| &model.operations);
    all.filter(fits).min_by_key(|operation| template::openness(operation.path))
}

/// As [`Model::event`], of several documents together: a name in one of them says more than an address in another.
pub(crate) fn event_among<'m, 'a>(
    models: &'m [Model<'a>],
    metadata: &[&str],
    description: &str,
) -> Option<&'m Event<'a>> {
    let named = |name: &str| metadata.contains(&name);
    let all = || models.iter().flat_map(|model| &model.events);
    all()
        .find(|event| named(event.name))
        .or_else(|| all().find(|event| event.aliases.iter().any(|alias| named(alias))))
        .or_else(|| all().find(|event| event.alone && named(event.address)))
        .or_else(|| all().find(|event| event.name == description))
}

impl<'a> Operation<'a> {
    /// Method and path, `GET /orders/{id}`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The parameter of a request that is the same as another version's: of the path by its position, else by its name,
    /// in which the case of headers says nothing.
    #[must_use]
    pub fn parameter_like(&self, other: &Operation<'_>, parameter: &Parameter<'_>) -> Option<&Parameter<'a>> {
        let name = match parameter.place {
            Place::Path => {
                let position = template::names(other.path).position(|name| name == parameter.name)?;
                template::names(self.path).nth(position)?
            }
            _ => parameter.name,
        };
        let same = |each: &&Parameter<'_>| match parameter.place {
            Place::Header => each.name.eq_ignore_ascii_case(name),
            _ => each.name == name,
        };
        self.parameters.iter().filter(|each| each.place == parameter.place).find(same)
    }

    /// Values of the path's parameters, by name; none when the path is not this operation's.
    #[must_use]
    pub fn parameters_in<'p>(&self, path: &'p str) -> Option<Vec<(&'a str, &'p str)>> {
        self.bases.iter().find_map(|base| template::parameters(self.path, path.strip_prefix(base.as_str())?))
    }

    /// What comes back with a status: the status itself, its range, or the default.
    #[must_use]
    pub fn response(&self, status: u16) -> Option<&Response<'a>> {
        let find = |wanted: &str| self.responses.iter().find(|response| response.status.eq_ignore_ascii_case(wanted));
        find(&status.to_string()).or_else(|| find(&format!("{}XX", status / 100))).or_else(|| find("default"))
    }
}

/// The form of a body that a media type means, parameters such as `charset` left out.
pub(crate) fn content_for<'c, 'a>(content: &'c [Content<'a>], media_type: &str) -> Option<&'c Content<'a>> {
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let wanted = essence(media_type);
    let fits = |declared: &str| match essence(declared).as_str() {
        "*/*" => true,
        range if range.ends_with("/*") => wanted.starts_with(&range[..range.len() - 1]),
        exact => exact == wanted,
    };
    content
        .iter()
        .find(|each| essence(each.media_type) == wanted)
        .or_else(|| content.iter().find(|each| fits(each.media_type)))
}

/// Whether a media type is JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}
