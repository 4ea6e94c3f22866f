//! A statement written anew: `?` for values, lists of values as one, blanks and comments collapsed.

use super::lexer::Token;

/// Longest text, in bytes.
const MAX: usize = 1024;

/// A sanitised statement in the making.
#[derive(Default)]
pub(super) struct Text {
    out: String,
    list: Option<List>,
    /// The end of the text is a whole list of values.
    listed: bool,
    /// And a comma after it.
    continued: bool,
    full: bool,
}

/// An open parenthesis with nothing but values and commas in it so far.
struct List {
    /// Where in the text it starts.
    start: usize,
    /// It follows another such list, and says nothing new.
    again: bool,
    /// A value was last, so that it may end here.
    complete: bool,
}

impl Text {
    /// Adds a token, after a blank when it was `spaced`.
    pub(super) fn push(&mut self, token: Token<'_>, spaced: bool) {
        if self.full {
            return;
        }
        let again = self.listed && self.continued;
        let start = if again { self.out.trim_end_matches([' ', ',']).len() } else { self.out.len() };
        if spaced && !self.out.is_empty() {
            self.out.push(' ');
        }
        let start = if again { start } else { self.out.len().max(start) };
        let (listed, value) = (self.listed, matches!(token, Token::Value | Token::Placeholder(_)));
        (self.listed, self.continued) = (false, false);
        match token {
            Token::Mark('(') => self.list = Some(List { start, again, complete: false }),
            Token::Mark(')') => {
                if let Some(list) = self.list.take().filter(|list| list.complete) {
                    self.out.truncate(list.start);
                    self.out.push_str(if list.again { "" } else { "(?)" });
                    self.listed = true;
                    return;
                }
            }
            Token::Mark(',') => {
                (self.listed, self.continued) = (listed, listed);
                if let Some(list) = &mut self.list {
                    list.complete = false;
                }
            }
            _ if value => {
                if let Some(list) = &mut self.list {
                    list.complete = true;
                }
            }
            _ => self.list = None,
        }
        match token {
            Token::Word(text) | Token::Quoted(text) | Token::Placeholder(text) => self.out.push_str(text),
            Token::Value => self.out.push('?'),
            Token::Cast => self.out.push_str("::"),
            Token::Mark(mark) => self.out.push(mark),
        }
        // A list that is still open may yet collapse.
        self.full = self.list.as_ref().map_or(self.out.len(), |list| list.start) > MAX || self.out.len() > 64 * MAX;
    }

    /// The text; `cut` when the statement goes on.
    pub(super) fn finish(mut self, cut: bool) -> String {
        if cut || self.out.len() > MAX {
            let mut end = self.out.len().min(MAX);
            while !self.out.is_char_boundary(end) {
                end -= 1;
            }
            self.out.truncate(end);
            self.out.push('…');
        }
        self.out
    }
}
