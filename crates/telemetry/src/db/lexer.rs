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
    /// Which strings have escapes.
    pub(super) backslash: Backslash,
    /// Comments nest.
    pub(super) nested: bool,
    /// `"..."` is always a name. Elsewhere it may be a string, and then is one unless its place says otherwise.
    pub(super) double_quotes_are_names: bool,
    /// `[...]` is a name.
    pub(super) brackets: bool,
}

/// Which strings a backslash escapes a character of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    /// None.
    Never,
    /// Those of `E'...'`.
    Marked,
    /// All.
    Always,
    /// Nobody knows. Where it matters for the end of a text, the rest of the statement is taken for a value.
    Unknown,
}

/// The rest of a statement, and what of it was last.
pub(super) struct Lexer<'s> {
    rest: &'s str,
    dialect: Dialect,
    spaced: bool,
    /// Nobody knows what the rest is.
    unclear: bool,
}

impl Dialect {
    /// The dialect of a `db.system.name`; of an unknown one whatever keeps fewest texts.
    pub(super) fn of(system: &str) -> Self {
        let standard =
            Self { backslash: Backslash::Never, nested: true, double_quotes_are_names: true, brackets: false };
        match system {
            "postgresql" | "cockroachdb" => Self { backslash: Backslash::Marked, ..standard },
            "ibm.db2" => standard,
            "oracle.db" => Self { nested: false, ..standard },
            "microsoft.sql_server" => Self { brackets: true, ..standard },
            "sqlite" => Self { nested: false, double_quotes_are_names: false, brackets: true, ..standard },
            "mysql" | "mariadb" => {
                Self { backslash: Backslash::Always, nested: false, double_quotes_are_names: false, brackets: false }
            }
            _ => Self { backslash: Backslash::Unknown, double_quotes_are_names: false, ..standard },
        }
    }
}

impl<'s> Lexer<'s> {
    pub(super) fn new(sql: &'s str, dialect: Dialect) -> Self {
        Self { rest: sql, dialect, spaced: false, unclear: false }
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
            let length = if self.starts_line_comment() {
                self.rest.find('\n').map_or(self.rest.len(), |end| end + 1)
            } else if self.rest.starts_with("/*") {
                comment(self.rest, self.dialect.nested)
            } else {
                return;
            };
            // To another system it may be an operator before a string, or end elsewhere.
            let doubtful = |text: &str| text.contains(['\'', '"', '`']) || text[1..].contains("/*");
            if self.dialect.backslash == Backslash::Unknown && doubtful(&self.rest[..length]) {
                self.unclear = true;
                return;
            }
            self.take(length);
        }
    }

    fn starts_line_comment(&self) -> bool {
        match self.dialect.backslash {
            // MySQL wants a blank after it: `5--1` is 6.
            Backslash::Always if self.rest.starts_with("--") => {
                self.rest[2..].chars().next().is_none_or(|c| c.is_whitespace() || c.is_control())
            }
            Backslash::Always | Backslash::Unknown if self.rest.starts_with('#') => true,
            _ => self.rest.starts_with("--"),
        }
    }

    fn next_token(&mut self) -> Option<Token<'s>> {
        let before = self.rest.len();
        self.skip_blanks_and_comments();
        self.spaced = self.rest.len() != before;
        let first = self.rest.chars().next()?;
        if self.unclear {
            self.take(self.rest.len());
            return Some(Token::Value);
        }
        let second = self.rest[first.len_utf8()..].chars().next();
        Some(match first {
            '\'' => self.string(self.dialect.backslash),
            'e' | 'E' if second == Some('\'') && self.dialect.backslash == Backslash::Marked => {
                self.take(1);
                self.string(Backslash::Always)
            }
            'b' | 'B' | 'n' | 'N' | 'x' | 'X' if second == Some('\'') => {
                self.take(1);
                self.string(self.dialect.backslash)
            }
            // In doubt its place decides, so it is no value yet.
            '"' => self.name('"', self.dialect.backslash),
            '`' if self.dialect.backslash == Backslash::Unknown => self.name('`', Backslash::Unknown),
            '`' => self.name('`', Backslash::Never),
            '[' if self.dialect.brackets => self.name(']', Backslash::Never),
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

    fn name(&mut self, end: char, backslash: Backslash) -> Token<'s> {
        let text = self.quoted(end, backslash);
        if self.unclear { Token::Value } else { Token::Quoted(text) }
    }

    fn string(&mut self, backslash: Backslash) -> Token<'s> {
        self.quoted('\'', backslash);
        Token::Value
    }

    /// A text in quotes; a doubled quote is one of its characters. Without an end it goes to the end of the statement.
    fn quoted(&mut self, end: char, backslash: Backslash) -> &'s str {
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = characters.next() {
            if c == '\\' && backslash == Backslash::Always {
                characters.next();
            } else if c == '\\' && backslash == Backslash::Unknown {
                if characters.peek().is_some_and(|(_, next)| *next == end) {
                    self.unclear = true;
                    break;
                }
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
            match self.dialect.backslash {
                Backslash::Marked => {}
                Backslash::Unknown => {
                    self.take(self.rest.len());
                    return Token::Value;
                }
                // One of the characters of a name.
                Backslash::Never | Backslash::Always => return self.placeholder(),
            }
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

/// The length of the comment that `text` starts with; one without an end goes to the end.
fn comment(text: &str, nested: bool) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (1, 2);
    while depth > 0 {
        match bytes.get(at..at + 2) {
            Some(b"/*") if nested => (depth, at) = (depth + 1, at + 2),
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

    #[test]
    fn rest_is_a_value_where_an_unknown_system_may_end_a_text_elsewhere() {
        for (sql, split) in [
            (r"a = 'b\' OR c = 'd'", "a = ?"),
            (r#"FROM "b\" OR c = "d""#, "FROM ?"),
            (r"`b\` OR `c`", "?"),
            ("a # 'b\n' c", "a ?"),
            ("a -- 'b\n' c", "a ?"),
            ("/* /* */ 'b */ c'", "?"),
            ("$a$ 'b $a$ c'", "?"),
            ("/* a */ 'b' # c\n = d -- e", "? = d"),
        ] {
            assert_eq!(shown(sql, "other_sql"), split, "{sql}");
        }
        assert_eq!(shown("a--'b\n c'", "mysql"), "a - - ?");
        assert_eq!(shown("/* /* */ 'b */ c'", "sqlite"), "?");
        assert_eq!(shown("e'a\\' b 'c'", "sqlite"), "e ? b ?");
    }

    proptest! {
        #[test]
        fn any_text_is_split_to_its_end(sql in "(\\PC|['\"$/*\\-\\[\\]`\\\\\n]){0,120}", system in "sqlite|mysql|postgresql|other_sql") {
            let mut lexer = Lexer::new(&sql, Dialect::of(&system));
            prop_assert!(lexer.by_ref().count() <= sql.chars().count());
            prop_assert_eq!(lexer.rest, "");
        }
    }
}
