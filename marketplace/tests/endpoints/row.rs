//! One row of the table, and the words to write it with.

use axum::http::Method;
use serde_json::Value;

use crate::world::Person;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

/// A call without a body.
pub(crate) fn to(path: impl Into<String>) -> Call {
    Call { path: path.into(), body: None }
}

impl Call {
    pub(crate) fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// A refusal: status and code.
pub(crate) type Refusal = (u16, &'static str);

/// What happens to somebody who has not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visitors {
    /// They are told to sign in.
    Refused,
    /// They may do it, too.
    Welcome,
}

/// What happens to somebody who has signed in and has nothing to do with it.
#[derive(Clone, Debug)]
pub(crate) enum Strangers {
    /// They are refused, when they ask this.
    Refused(Call, Refusal),
    /// They see it, but not what is private in it: places in the answer.
    See(&'static [&'static str]),
    /// They meet what is their own, which differs at this place of the answer.
    MeetTheirOwn(&'static str),
    /// It belongs to nobody.
    AreNone,
}

/// An endpoint: what it is for, and what it makes of four kinds of requests.
#[derive(Debug)]
pub(crate) struct Row {
    /// As the specification calls it.
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    /// As the gateway serves it.
    pub(crate) route: &'static str,
    pub(crate) who: Option<Person>,
    pub(crate) right: Call,
    pub(crate) status: u16,
    /// Places of the right answer that must be there.
    pub(crate) shows: &'static [&'static str],
    /// Refused to whom the endpoint is for, or to somebody else who is named.
    pub(crate) wrong: Vec<(Option<Person>, Call, Refusal)>,
    pub(crate) visitors: Visitors,
    pub(crate) strangers: Option<Strangers>,
    /// What the right request is told when it comes again.
    pub(crate) again: Option<Refusal>,
}

/// A row for an endpoint of the gateway.
pub(crate) fn endpoint(name: &'static str, method: Method, route: &'static str) -> Row {
    Row {
        name,
        method,
        route,
        who: None,
        right: to(""),
        status: 200,
        shows: &[],
        wrong: Vec::new(),
        visitors: Visitors::Refused,
        strangers: None,
        again: None,
    }
}

impl Row {
    /// What `who` may do, and what they get.
    pub(crate) fn right(mut self, who: &Person, call: Call, status: u16, shows: &'static [&'static str]) -> Self {
        (self.who, self.right, self.status, self.shows) = (Some(who.clone()), call, status, shows);
        self
    }

    /// Visitors may do the same, and see what strangers see.
    pub(crate) fn open_to_visitors(self) -> Self {
        Self { visitors: Visitors::Welcome, ..self }
    }

    /// What anybody may do without having signed in.
    pub(crate) fn right_for_visitors(mut self, call: Call, status: u16, shows: &'static [&'static str]) -> Self {
        (self.right, self.status, self.shows, self.visitors) = (call, status, shows, Visitors::Welcome);
        self
    }

    /// What the same person is refused.
    pub(crate) fn wrong(mut self, call: Call, status: u16, code: &'static str) -> Self {
        self.wrong.push((None, call, (status, code)));
        self
    }

    /// What another person with some part in it is refused.
    pub(crate) fn wrong_for(mut self, who: &Person, call: Call, status: u16, code: &'static str) -> Self {
        self.wrong.push((Some(who.clone()), call, (status, code)));
        self
    }

    /// What somebody else is refused who asks the same.
    pub(crate) fn refused_to_strangers(self, status: u16, code: &'static str) -> Self {
        let call = self.right.clone();
        self.refused_to_strangers_who_ask(call, status, code)
    }

    /// What somebody else is refused who asks this.
    pub(crate) fn refused_to_strangers_who_ask(mut self, call: Call, status: u16, code: &'static str) -> Self {
        self.strangers = Some(Strangers::Refused(call, (status, code)));
        self
    }

    /// Somebody else may see it, but for these places of the answer.
    pub(crate) fn seen_without(mut self, hidden: &'static [&'static str]) -> Self {
        self.strangers = Some(Strangers::See(hidden));
        self
    }

    /// Everybody meets their own, which differs at `pointer`.
    pub(crate) fn everybody_their_own(mut self, pointer: &'static str) -> Self {
        self.strangers = Some(Strangers::MeetTheirOwn(pointer));
        self
    }

    /// Nobody owns what this is about.
    pub(crate) fn nobodys(mut self) -> Self {
        self.strangers = Some(Strangers::AreNone);
        self
    }

    /// The right request is refused when it comes a second time.
    pub(crate) fn once(mut self, status: u16, code: &'static str) -> Self {
        self.again = Some((status, code));
        self
    }
}
