//! Finds the command and the tables of a statement, one token at a time, without a grammar.

use super::lexer::Token;

/// Commands that are reported by their name.
const COMMANDS: [&str; 33] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "REPLACE",
    "VALUES",
    "CREATE",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "PRAGMA",
    "EXPLAIN",
    "ANALYZE",
    "VACUUM",
    "REINDEX",
    "SET",
    "SHOW",
    "CALL",
    "COPY",
    "GRANT",
    "REVOKE",
    "LOCK",
    "LISTEN",
    "NOTIFY",
    "ATTACH",
];

/// Words that end a list of tables.
const CLAUSES: [&str; 15] = [
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "WINDOW",
    "SET",
    "VALUES",
    "RETURNING",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "SELECT",
];

/// Words between the one that announces a table and the table.
const FILLERS: [&str; 8] = ["ONLY", "LATERAL", "IF", "NOT", "EXISTS", "INTO", "TABLE", "FROM"];

/// Most tables reported.
const MAX_TABLES: usize = 64;

/// What has been found so far.
#[derive(Default)]
pub(super) struct Tables {
    operation: Option<&'static str>,
    /// With the depth of parentheses each was found at.
    found: Vec<(String, usize)>,
    /// Names of common table expressions, which are no tables.
    common: Vec<String>,
    groups: Vec<Group>,
    top: Group,
    /// The words before this token.
    previous: [String; 2],
    /// A name that goes on after a dot.
    name: Option<Name>,
}

/// What is between two parentheses.
#[derive(Default, Clone)]
struct Group {
    /// Whether anything has been read of it.
    begun: bool,
    /// It is a query of its own, so that `FROM` announces tables; in a function's arguments it does not.
    query: bool,
    /// A table is expected next.
    expecting: bool,
    /// Within `FROM ...`: a comma announces another table.
    from: bool,
    /// `WITH` was read and its main command not yet.
    with: bool,
}

struct Name {
    text: String,
    /// A dot was last, so the next word belongs to it.
    open: bool,
    /// A parenthesis after it makes it a function.
    callable: bool,
}

impl Tables {
    pub(super) fn operation(&self) -> &'static str {
        self.operation.unwrap_or("_OTHER")
    }

    /// The table of the outermost command, else the first one anywhere.
    pub(super) fn main(&self) -> Option<&str> {
        let outermost = self.tables().find(|(_, depth)| *depth == 0).or_else(|| self.tables().next());
        outermost.map(|(name, _)| name)
    }

    /// All tables, each once.
    pub(super) fn all(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for (name, _) in self.tables() {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    fn tables(&self) -> impl Iterator<Item = (&str, usize)> {
        let named = self.name.iter().map(|name| (name.text.as_str(), self.groups.len()));
        let found = self.found.iter().map(|(name, depth)| (name.as_str(), *depth)).chain(named);
        found.filter(|(name, _)| !self.common.iter().any(|common| common.eq_ignore_ascii_case(name)))
    }

    /// Whether a table is named next, if anything is.
    pub(super) fn expects(&self) -> bool {
        self.top.expecting
    }

    pub(super) fn push(&mut self, token: Token<'_>) {
        match token {
            Token::Mark('.') if self.name.is_some() => {
                if let Some(name) = &mut self.name {
                    name.open = true;
                }
                return;
            }
            Token::Word(part) | Token::Quoted(part) if self.name.as_ref().is_some_and(|name| name.open) => {
                if let Some(name) = &mut self.name {
                    name.text.push('.');
                    name.text.push_str(unquoted(part));
                    name.open = false;
                }
                return;
            }
            _ => {}
        }
        if let Some(name) = self.name.take() {
            let function = name.callable && token == Token::Mark('(');
            if !function && self.found.len() < MAX_TABLES {
                self.found.push((name.text, self.groups.len()));
            }
        }
        match token {
            Token::Word(word) => self.word(word),
            Token::Quoted(name) => self.named(unquoted(name)),
            Token::Mark('(') => self.open(),
            Token::Mark(')') => self.close(),
            Token::Mark(',') => {
                let group = &mut self.top;
                group.expecting = group.from;
            }
            Token::Mark(';') => self.top = Group::default(),
            Token::Mark(_) | Token::Cast | Token::Value | Token::Placeholder(_) => self.top.expecting = false,
        }
    }

    fn word(&mut self, word: &str) {
        let upper = word.to_ascii_uppercase();
        if self.top.expecting
            && !FILLERS.contains(&&*upper)
            && upper != "SELECT"
            && upper != "WITH"
            && upper != "VALUES"
        {
            self.named(word);
        } else {
            self.keyword(&upper);
        }
        let [_, last] = std::mem::take(&mut self.previous);
        self.previous = [last, upper];
        self.top.begun = true;
    }

    fn keyword(&mut self, upper: &str) {
        let [before, last] = &self.previous;
        let begins = !self.top.begun || (last == "ANALYZE" || last == "EXPLAIN") || self.top.with;
        let command = COMMANDS.iter().find(|command| **command == upper).copied();
        let starts = command.is_some() && (begins || upper == "SELECT");
        if starts && !(self.top.with && last == "AS") {
            self.top.query = true;
            self.top.with = false;
            if self.operation.is_none() && (self.groups.is_empty() || !self.within_common()) {
                self.operation = command;
            }
        }
        match upper {
            "WITH" if begins => (self.top.with, self.top.query) = (true, true),
            // Its name and columns stand before it.
            "AS" if self.top.with => {}
            "FROM" if last == "DISTINCT" && matches!(&**before, "IS" | "NOT") => {}
            "FROM" if self.top.query => (self.top.expecting, self.top.from) = (true, true),
            "JOIN" | "INTO" => self.top.expecting = true,
            "UPDATE" if starts => self.top.expecting = true,
            "TABLE" => self.top.expecting = true,
            "TRUNCATE" if starts => self.top.expecting = true,
            // What follows its `FROM` is a file.
            "COPY" if starts => (self.top.expecting, self.top.query) = (true, false),
            _ if CLAUSES.contains(&upper) => (self.top.expecting, self.top.from) = (false, false),
            _ if command.is_none() && self.top.with && last != "AS" => self.common(upper),
            _ => {}
        }
    }

    /// Whether an enclosing group is one of a `WITH` whose main command is still to come.
    fn within_common(&self) -> bool {
        self.groups.iter().any(|group| group.with)
    }

    /// A bare or quoted name.
    fn named(&mut self, name: &str) {
        if self.top.expecting {
            self.top.expecting = false;
            let callable = !["INTO", "TABLE", "EXISTS", "COPY"].contains(&&*self.previous[1]);
            self.name = Some(Name { text: name.to_owned(), open: false, callable });
        } else if self.top.with {
            self.common(name);
        }
        self.top.begun = true;
    }

    fn common(&mut self, name: &str) {
        if name != "RECURSIVE" && name != "MATERIALIZED" && name != "NOT" && self.common.len() < MAX_TABLES {
            self.common.push(name.to_owned());
        }
    }

    fn open(&mut self) {
        // `FROM (a JOIN b)` and `((SELECT ...))` go on inside.
        let inside = Group { expecting: self.top.expecting, query: !self.top.begun, ..Group::default() };
        self.top.expecting = false;
        self.top.begun = true;
        // Deeper than any statement is; beyond it the parentheses no longer matter.
        if self.groups.len() < 256 {
            let outer = std::mem::replace(&mut self.top, inside);
            self.groups.push(outer);
        }
    }

    fn close(&mut self) {
        self.top = self.groups.pop().unwrap_or_default();
        self.previous = Default::default();
    }
}

/// A quoted name without its quotes; doubled ones inside are left.
fn unquoted(name: &str) -> &str {
    let inner = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    if name.starts_with(['"', '`', '[']) && name.len() >= 2 { inner } else { name }
}
