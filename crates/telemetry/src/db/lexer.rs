//! Splits SQL into what matters for a summary: words, names, values. Total: any text is split, none is refused.

/// One piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// A keyword or a bare name.
    Word(&'s str),
    /// A quoted name, with its quotes.
    Quoted(&'s str),
    /// A value: its text must not be kept.
    Value,
    /// `$1`, `?`, `?1`, `:name`, `@name`: stands for a value that is elsewhere.
    Placeholder(&'s str),
    /// `::`.
    Cast,
    /// Anything else, one character.
    Mark(char),
}

/// What the systems disagree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// A backslash escapes the next character of any string, not only of `E'...'`.
    pub(super) backslash: bool,
    /// `"..."` is always a name. Elsewhere it may be a string, and then is one unless its place says otherwise.
    pub(super) double_quotes_are_names: bool,
    /// `[...]` is a name.
    pub(super) brackets: bool,
}

/// The rest of a statement, and what of it was last.
pub(super) struct Lexer<'s> {
    rest: &'s str,
    dialect: Dialect,
    spaced: bool,
}

impl Dialect {
    /// The dialect of a `db.system.name`; of an unknown one whatever keeps fewest texts.
    pub(super) fn of(system: &str) -> Self {
        match system {
            "postgresql" | "cockroachdb" | "oracle.db" | "ibm.db2" => {
                Self { backslash: false, double_quotes_are_names: true, brackets: false }
            }
            "sqlite" => Self { backslash: false, double_quotes_are_names: false, brackets: true },
            "microsoft.sql_server" => Self { backslash: false, double_quotes_are_names: true, brackets: true },
            // MySQL, MariaDB and whatever else.
            _ => Self { backslash: true, double_quotes_are_names: false, brackets: false },
        }
    }
}

impl<'s> Lexer<'s> {
    pub(super) fn new(sql: &'s str, dialect: Dialect) -> Self {
        Self { rest: sql, dialect, spaced: false }
    }

    /// Whether there was a blank or a comment before the last token.
    pub(super) fn spaced(&self) -> bool {
        self.spaced
    }

    /// Whether the next character is a dot, without anything between.
    pub(super) fn before_dot(&self) -> bool {
        self.rest.starts_with('.')
    }

    /// Takes `length` bytes; more than there are, or half a character, takes what there is.
    fn take(&mut self, length: usize) -> &'s str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("--") || (self.dialect.backslash && self.rest.starts_with('#')) {
                let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
                self.take(end);
            } else if self.rest.starts_with("/*") {
                let length = comment(self.rest);
                self.take(length);
            } else {
                return;
            }
        }
    }

    fn next_token(&mut self) -> Option<Token<'s>> {
        let before = self.rest.len();
        self.skip_blanks_and_comments();
        self.spaced = self.rest.len() != before;
        let first = self.rest.chars().next()?;
        let second = self.rest[first.len_utf8()..].chars().next();
        Some(match first {
            '\'' => self.string(self.dialect.backslash),
            'e' | 'E' if second == Some('\'') => {
                self.take(1);
                self.string(true)
            }
            'b' | 'B' | 'n' | 'N' | 'x' | 'X' if second == Some('\'') => {
                self.take(1);
                self.string(self.dialect.backslash)
            }
            // In doubt its place decides, so it is no value yet.
            '"' => Token::Quoted(self.quoted('"', self.dialect.backslash)),
            '`' => Token::Quoted(self.quoted('`', false)),
            '[' if self.dialect.brackets => Token::Quoted(self.quoted(']', false)),
            '$' => self.dollar(),
            '0'..='9' => self.number(),
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number(),
            '?' => self.placeholder(),
            ':' | '@' if second.is_some_and(starts_word) => self.placeholder(),
            c if starts_word(c) => {
                let end = self.rest.find(|c| !continues_word(c)).unwrap_or(self.rest.len());
                Token::Word(self.take(end))
            }
            // Not the placeholder that its second half would be.
            ':' if second == Some(':') => {
                self.take(2);
                Token::Cast
            }
            c => {
                self.take(c.len_utf8());
                Token::Mark(c)
            }
        })
    }

    fn string(&mut self, backslash: bool) -> Token<'s> {
        self.quoted('\'', backslash);
        Token::Value
    }

    /// A text in quotes; a doubled quote is one of its characters. Without an end it goes to the end of the statement.
    fn quoted(&mut self, end: char, backslash: bool) -> &'s str {
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = characters.next() {
            if c == '\\' && backslash {
                characters.next();
            } else if c == end {
                if characters.peek().is_some_and(|(_, next)| *next == end) {
                    characters.next();
                } else {
                    return self.take(at + c.len_utf8());
                }
            }
        }
        self.take(self.rest.len())
    }

    /// `$1`, `$name`, or `$tag$ ... $tag$`.
    fn dollar(&mut self) -> Token<'s> {
        let tag = 1 + self.rest[1..].find(|c| !(continues_word(c) && c != '$')).unwrap_or(self.rest.len() - 1);
        let digits = self.rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if self.rest[tag..].starts_with('$') && !digits {
            let fence = &self.rest[..=tag];
            let body = &self.rest[fence.len()..];
            let end = body.find(fence).map_or(self.rest.len(), |end| end + 2 * fence.len());
            self.take(end);
            return Token::Value;
        }
        Token::Placeholder(self.take(tag))
    }

    fn number(&mut self) -> Token<'s> {
        let mut previous = '0';
        let end = self.rest.find(|c: char| {
            let sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
            previous = c;
            !(c.is_alphanumeric() || matches!(c, '.' | '_') || sign)
        });
        self.take(end.unwrap_or(self.rest.len()));
        Token::Value
    }

    fn placeholder(&mut self) -> Token<'s> {
        let name = self.rest[1..].find(|c| !continues_word(c)).unwrap_or(self.rest.len() - 1);
        Token::Placeholder(self.take(1 + name))
    }
}

impl<'s> Iterator for Lexer<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        self.next_token()
    }
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of the comment that `text` starts with; comments nest, and one without an end goes to the end.
fn comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (1, 2);
    while depth > 0 {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(sql: &str, system: &str) -> String {
        let tokens = Lexer::new(sql, Dialect::of(system)).map(|token| match token {
            Token::Word(text) => text.to_owned(),
            Token::Quoted(text) => format!("q{text}"),
            Token::Value => "?".to_owned(),
            Token::Placeholder(text) => format!("p{text}"),
            Token::Cast => "::".to_owned(),
            Token::Mark(c) => c.to_string(),
        });
        tokens.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_found_in_every_notation() {
        assert_eq!(shown("'it''s' x'00' E'a\\'b' 1.5e-3 .5 0xFF", "postgresql"), "? ? ? ? ? ?");
        assert_eq!(shown("$$a'b$$ $fn$ $$ 'x' $fn$ $1", "postgresql"), "? ? p$1");
        assert_eq!(shown("'open", "sqlite"), "?");
        assert_eq!(shown("$tag$ open", "postgresql"), "?");
        assert_eq!(shown("'a\\' b'", "mysql"), "?");
    }

    #[test]
    fn names_placeholders_and_comments() {
        assert_eq!(shown("a.\"b\"\"c\" `d` t1", "postgresql"), "a . q\"b\"\"c\" q`d` t1");
        assert_eq!(shown("[my table] ?1 :id @id", "sqlite"), "q[my table] p?1 p:id p@id");
        assert_eq!(shown("a::int -- b 'c\n/* d /* e */ ' */ f", "postgresql"), "a :: int f");
    }

    proptest! {
        #[test]
        fn any_text_is_split_to_its_end(sql in "(\\PC|['\"$/*\\-\\[\\]`\\\\\n]){0,120}", system in "sqlite|mysql|postgresql") {
            let mut lexer = Lexer::new(&sql, Dialect::of(&system));
            prop_assert!(lexer.by_ref().count() <= sql.chars().count());
            prop_assert_eq!(lexer.rest, "");
        }
    }
}
