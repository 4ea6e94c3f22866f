//! Asks an endpoint what its row says, and notes where the answers differ.

use axum::http::Method;
use platform::testing::Answer;
use serde_json::{Value, json};

use super::documented::Documented;
use super::row::{Call, Refusal, Row, Strangers, Visitors};
use crate::system::System;
use crate::world::{Person, World};

/// What differs from the row.
struct Walk<'a> {
    system: &'a System,
    row: &'a Row,
    documented: &'a Documented,
    differences: Vec<String>,
}

/// Asks everything that `row` has answers for; those who are to be refused come first, and must not change anything.
/// Each answer is one that the document promises, and the right request one that it asks for.
pub(crate) async fn walk(world: &World, row: &Row, documented: &Documented) -> Vec<String> {
    let mut walk = Walk { system: &world.system, row, documented, differences: Vec::new() };
    if let Some(misfit) = documented.misfit_of_request(&row.method, row.route, row.right.body.as_ref()) {
        walk.note(format!("right: not as documented: {misfit}"));
    }
    let own = row.who.as_ref().map(|person| person.token.as_str());
    walk.refuses_the_wrong(own).await;
    if row.visitors == Visitors::Refused {
        walk.refused("visitor", &row.right, None, (401, "sign_in_required")).await;
        walk.refused("forger", &row.right, Some("not.a.token"), (401, "invalid_session")).await;
    }
    let theirs = walk.stranger(&world.eve).await;
    let answer = walk.succeeds("right", own).await;
    if let (Some(Strangers::MeetTheirOwn(pointer)), Some(theirs)) = (&row.strangers, theirs)
        && theirs.json.pointer(pointer) == answer.json.pointer(pointer)
    {
        walk.note(format!("stranger: gets the same at `{pointer}`: {}", theirs.text));
    }
    if let Some(refusal) = row.again {
        walk.refused("again", &row.right, own, refusal).await;
    }
    walk.differences
}

impl Walk<'_> {
    fn note(&mut self, difference: String) {
        self.differences.push(format!("{} ({} {}): {difference}", self.row.name, self.row.method, self.row.route));
    }

    async fn send(&self, method: &Method, call: &Call, token: Option<&str>) -> Answer {
        let headers = [("x-correlation-id", "the-table")];
        self.system.call_with(method.clone(), &call.path, token, &headers, call.body.clone()).await
    }

    async fn ask(&mut self, kind: &str, call: &Call, token: Option<&str>) -> Answer {
        let answer = self.send(&self.row.method, call, token).await;
        if let Some(misfit) = self.documented.misfit_of_answer(&self.row.method, self.row.route, &answer) {
            self.note(format!("{kind}: not as documented: {misfit}"));
        }
        answer
    }

    /// The right request, which must succeed.
    async fn succeeds(&mut self, kind: &str, token: Option<&str>) -> Answer {
        let answer = self.ask(kind, &self.row.right, token).await;
        if answer.status != self.row.status {
            self.note(format!("{kind}: {} instead of {}: {}", answer.status, self.row.status, answer.text));
            return answer;
        }
        for pointer in self.row.shows {
            if answer.json.pointer(pointer).is_none_or(Value::is_null) {
                self.note(format!("{kind}: nothing at `{pointer}`: {}", answer.text));
            }
        }
        answer
    }

    /// Gets an answer in which nothing stands at the `hidden` places; all else that the row shows is there.
    async fn sees_without(&mut self, kind: &str, token: Option<&str>, hidden: &[&str]) {
        let answer = self.ask(kind, &self.row.right, token).await;
        if answer.status != self.row.status {
            self.note(format!("{kind}: {} instead of {}: {}", answer.status, self.row.status, answer.text));
        }
        for pointer in hidden {
            if answer.json.pointer(pointer).is_some_and(|value| !value.is_null() && *value != json!({})) {
                self.note(format!("{kind}: sees `{pointer}`: {}", answer.text));
            }
        }
    }

    async fn refused(&mut self, kind: &str, call: &Call, token: Option<&str>, refusal: Refusal) {
        let answer = self.ask(kind, call, token).await;
        self.is_refusal(kind, &answer, refusal);
    }

    /// Status and code, in the one shape that all errors have.
    fn is_refusal(&mut self, kind: &str, answer: &Answer, (status, code): Refusal) {
        let told = answer.json.as_object();
        let fields: Vec<&str> = told.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default();
        let whole = fields == ["code", "correlationId", "message", "status"]
            && answer.json["status"] == answer.status.as_u16()
            && answer.json["correlationId"] == "the-table"
            && answer.json["message"].as_str().is_some_and(|message| !message.is_empty());
        if answer.status != status || answer.json["code"] != code || !whole {
            self.note(format!("{kind}: {} {} instead of {status} `{code}`", answer.status, answer.text));
        }
    }

    /// Every endpoint refuses something: what its row says, a method that it does not take, and a body that is none.
    async fn refuses_the_wrong(&mut self, token: Option<&str>) {
        for (who, call, refusal) in &self.row.wrong {
            let token = who.as_ref().map_or(token, |who| Some(who.token.as_str()));
            self.refused("wrong", call, token, *refusal).await;
        }
        let answer = self.send(&Method::PATCH, &self.row.right, token).await;
        self.is_refusal("wrong method", &answer, (405, "method_not_allowed"));
        if self.row.right.body.is_some() {
            let nothing = Call { body: Some(Value::from(7)), ..self.row.right.clone() };
            self.refused("wrong body", &nothing, token, (422, "invalid_body")).await;
        }
    }

    /// Somebody who has nothing to do with it; what they get when they get something.
    async fn stranger(&mut self, eve: &Person) -> Option<Answer> {
        match &self.row.strangers {
            None => self.note("the row does not say what becomes of strangers".to_owned()),
            Some(Strangers::AreNone) => {}
            Some(Strangers::Refused(call, refusal)) => self.refused("stranger", call, Some(&eve.token), *refusal).await,
            Some(Strangers::See(hidden)) => {
                self.sees_without("stranger", Some(&eve.token), hidden).await;
                if self.row.visitors == Visitors::Welcome {
                    self.sees_without("visitor", None, hidden).await;
                }
            }
            Some(Strangers::MeetTheirOwn(_)) => {
                let answer = self.ask("stranger", &self.row.right, Some(&eve.token)).await;
                if answer.status != self.row.status {
                    self.note(format!("stranger: {} instead of their own: {}", answer.status, answer.text));
                }
                return Some(answer);
            }
        }
        None
    }
}
