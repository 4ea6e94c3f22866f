//! What a statement does and to which tables, of low cardinality, and its text without values.

use std::sync::Arc;

use super::lexer::{Dialect, Lexer, Token};
use super::tables::Tables;
use super::text::Text;
use crate::cache::Cache;

/// Statements remembered: an application has hundreds.
static SUMMARIES: Cache<Summary> = Cache::new(1024);

/// Longest `db.query.summary`, in bytes, as the conventions limit it.
const MAX_SUMMARY: usize = 255;

/// Longest part of a statement that is read, in bytes.
const MAX_READ: usize = 65_536;

/// A statement in short.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// `SELECT`, `INSERT`, ...; `_OTHER` for what is no known command.
    pub(super) operation: &'static str,
    /// The table the statement is mainly about.
    pub(super) table: Option<Arc<str>>,
    /// `{operation} {table}`, for the span.
    pub(super) name: Arc<str>,
    /// The operation and all tables, in the order of the statement.
    pub(super) summary: Arc<str>,
    /// The statement with `?` in place of values.
    pub(super) text: Arc<str>,
}

impl Summary {
    /// The summary of a statement, remembered.
    pub(super) fn of(system: &str, statement: &str) -> Arc<Self> {
        SUMMARIES.get(&[system, statement], || Self::read(system, statement))
    }

    fn read(system: &str, statement: &str) -> Self {
        let mut end = statement.len().min(MAX_READ);
        while !statement.is_char_boundary(end) {
            end -= 1;
        }
        let dialect = Dialect::of(system);
        let mut lexer = Lexer::new(&statement[..end], dialect);
        let (mut tables, mut text) = (Tables::default(), Text::default());
        let mut before = None;
        while let Some(token) = lexer.next() {
            let in_place = match before {
                Some(Token::Mark('.')) => true,
                // Of a function's arguments, perhaps.
                Some(Token::Mark('(')) => false,
                _ => tables.expects(),
            };
            let is_string = is_string(token, dialect) && !in_place && !lexer.before_dot();
            // The name of a common table is not told, but must be known.
            tables.push(if is_string && tables.expects() { Token::Value } else { token });
            let token = if is_string { Token::Value } else { token };
            text.push(token, lexer.spaced());
            before = Some(token);
        }
        let operation = tables.operation();
        let table = tables.main().map(Arc::from);
        let name = match &table {
            Some(table) => format!("{operation} {table}").into(),
            None => operation.into(),
        };
        let mut summary = operation.to_owned();
        for table in tables.all() {
            if summary.len() + 1 + table.len() > MAX_SUMMARY {
                break;
            }
            summary.push(' ');
            summary.push_str(table);
        }
        Self { operation, table, name, summary: summary.into(), text: text.finish(end < statement.len()).into() }
    }
}

/// Whether something is in double quotes that may be a string: SQLite takes it for one when there is no such column. Only
/// where nothing but a name can stand is it kept.
fn is_string(token: Token<'_>, dialect: Dialect) -> bool {
    matches!(token, Token::Quoted(text) if text.starts_with('"')) && !dialect.double_quotes_are_names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn short(sql: &str) -> (String, String) {
        let summary = Summary::read("postgresql", sql);
        (summary.name.to_string(), summary.summary.to_string())
    }

    #[test]
    fn name_is_operation_and_main_table_and_summary_has_all() {
        for (sql, name, all) in [
            ("SELECT * FROM gigs WHERE id = $1", "SELECT gigs", "SELECT gigs"),
            ("select g.a from \"Gigs\" g join public.users u on u.id = g.u", "SELECT Gigs", "SELECT Gigs public.users"),
            ("SELECT a FROM x, y AS z, w WHERE f(1, 2)", "SELECT x", "SELECT x y w"),
            ("SELECT (SELECT COUNT(*) FROM b) FROM a", "SELECT a", "SELECT b a"),
            ("SELECT * FROM (SELECT * FROM inner_one) t", "SELECT inner_one", "SELECT inner_one"),
            ("INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 2", "INSERT t", "INSERT t"),
            ("INSERT OR REPLACE INTO t SELECT * FROM u", "INSERT t", "INSERT t u"),
            ("UPDATE ONLY t SET a = u.a FROM u WHERE t.id = u.id", "UPDATE t", "UPDATE t u"),
            ("DELETE FROM t USING u WHERE a IS NOT DISTINCT FROM b", "DELETE t", "DELETE t"),
            ("WITH a AS (SELECT 1 FROM x), b AS (SELECT 2) INSERT INTO t SELECT * FROM a, b", "INSERT t", "INSERT x t"),
            ("WITH RECURSIVE a(n) AS (SELECT n FROM tree) SELECT n FROM a", "SELECT tree", "SELECT tree"),
            ("SELECT a FROM t FOR UPDATE SKIP LOCKED", "SELECT t", "SELECT t"),
            ("SELECT EXTRACT(YEAR FROM ts), TRIM(BOTH FROM x) FROM events", "SELECT events", "SELECT events"),
            ("SELECT n FROM generate_series(1, 10) n", "SELECT", "SELECT"),
            ("(SELECT 1 FROM a) UNION ALL SELECT 2 FROM b", "SELECT b", "SELECT a b"),
            ("CREATE TABLE IF NOT EXISTS lamps (id TEXT PRIMARY KEY)", "CREATE lamps", "CREATE lamps"),
            ("ALTER TABLE a.b ADD c INT", "ALTER a.b", "ALTER a.b"),
            ("TRUNCATE TABLE t", "TRUNCATE t", "TRUNCATE t"),
            ("BEGIN IMMEDIATE", "BEGIN", "BEGIN"),
            ("-- the first\nSELECT 1", "SELECT", "SELECT"),
            ("EXPLAIN ANALYZE SELECT * FROM t", "EXPLAIN t", "EXPLAIN t"),
            ("COPY t (a, b) FROM STDIN", "COPY t", "COPY t"),
            ("PRAGMA journal_mode = WAL", "PRAGMA", "PRAGMA"),
            ("s3cret something", "_OTHER", "_OTHER"),
            ("", "_OTHER", "_OTHER"),
        ] {
            assert_eq!(short(sql), (name.to_owned(), all.to_owned()), "{sql}");
        }
    }

    #[test]
    fn text_has_no_values() {
        let text = |system: &str, sql: &str| Summary::read(system, sql).text.to_string();
        assert_eq!(
            text("postgresql", "SELECT a, -- why\n b::text FROM t WHERE n = 'eve''s' AND m IN (1, 2, 3) AND k = $1"),
            "SELECT a, b::text FROM t WHERE n = ? AND m IN (?) AND k = $1"
        );
        assert_eq!(
            text("sqlite", "INSERT INTO t (a, \"b\") VALUES ($1, $2), ($3, $4) RETURNING t.\"a\""),
            "INSERT INTO t (a, ?) VALUES (?) RETURNING t.\"a\""
        );
        assert_eq!(text("sqlite", "SELECT \"pw\" FROM \"t\" WHERE a = \"secret\""), "SELECT ? FROM \"t\" WHERE a = ?");
        assert_eq!(text("mysql", "SELECT `a` FROM t WHERE b = 'x\\' OR 1'"), "SELECT `a` FROM t WHERE b = ?");
    }

    #[test]
    fn huge_statements_are_cut() {
        let sql = format!("SELECT * FROM t WHERE {}", "a = b AND ".repeat(20_000));
        let summary = Summary::read("sqlite", &sql);
        assert_eq!(&*summary.name, "SELECT t");
        assert!(summary.text.len() <= 1100 && summary.text.ends_with('…'), "{}", summary.text.len());
        let many = format!("SELECT * FROM {}", (0..1000).map(|n| format!("t{n}")).collect::<Vec<_>>().join(", "));
        assert!(Summary::read("sqlite", &many).summary.len() <= MAX_SUMMARY);
    }

    /// A value, written in one of the notations of the system.
    fn literal(system: &str, notation: u8, secret: &str) -> String {
        match (system, notation % 4) {
            ("postgresql", 1) => format!("$q${secret}$q$"),
            ("postgresql", 2) => format!("E'{}'", secret.replace('\\', "\\\\").replace('\'', "\\'")),
            ("other_sql", 1) => format!("\"{}\"", secret.replace('\\', "\\\\").replace('"', "\\\"")),
            ("other_sql", 2) => format!("'{}'", secret.replace('\\', "\\\\").replace('\'', "\\'")),
            ("sqlite" | "other_sql", 3) => format!("\"{}\"", secret.replace('"', "\"\"")),
            ("mysql" | "sqlite", 1) => format!("\"{}\"", secret.replace('\\', "\\\\").replace('"', "\"\"")),
            ("mysql", _) => format!("'{}'", secret.replace('\\', "\\\\").replace('\'', "\\'")),
            _ => format!("'{}'", secret.replace('\'', "''")),
        }
    }

    proptest! {
        #[test]
        fn no_value_is_ever_kept(
            system in "postgresql|mysql|sqlite|other_sql",
            notation in any::<u8>(),
            before in "[ -#%-~]{0,12}",
            after in "[ -#%-~]{0,12}",
        ) {
            let secret = format!("{before}hunter2{after}");
            let value = literal(&system, notation, &secret);
            for sql in [
                format!("SELECT a FROM t WHERE b = {value} AND c IN ({value}, {value})"),
                format!("INSERT INTO t (a, b) VALUES ({value}, 1), (2, {value})"),
                format!("UPDATE t SET a={value},b=2 /* {} */ WHERE c LIKE {value}", "note"),
                format!("WITH x AS (SELECT {value}) SELECT * FROM x -- done"),
                format!("SELECT a FROM t WHERE b IS NOT DISTINCT FROM {value} OR b IS DISTINCT FROM {value}"),
                format!("SELECT TRIM(BOTH FROM {value}), EXTRACT(DAY FROM {value}) FROM t WHERE EXISTS {value}"),
                format!("SELECT * FROM f({value}), TABLE({value}) ORDER BY a, {value}"),
                format!("DELETE FROM t WHERE c # {value}\n AND d - -{value} AND e = /* it's */ {value}"),
            ] {
                let summary = Summary::read(&system, &sql);
                for kept in [&summary.text, &summary.summary, &summary.name] {
                    prop_assert!(!kept.contains("hunter2"), "{kept} of {sql}");
                }
            }
        }

        #[test]
        fn generated_statements_are_summarised(
            table in "[a-z]{4,8}_[a-z]{2,5}", column in "c[a-z]{3,8}", quoted in any::<bool>(), comment in "[a-z '\"]{0,20}",
        ) {
            let shown = if quoted { format!("\"{table}\"") } else { table.clone() };
            for (operation, sql) in [
                ("SELECT", format!("SELECT {column} /* {comment} */ FROM {shown} WHERE {column} = 'FROM other'")),
                ("INSERT", format!("/* {comment} */ INSERT INTO {shown} ({column}) VALUES ('x')")),
                ("UPDATE", format!("UPDATE {shown} SET {column} = 1")),
                ("DELETE", format!("DELETE FROM {shown} -- {comment}")),
            ] {
                prop_assert_eq!(short(&sql).1, format!("{operation} {table}"), "{}", sql);
            }
        }

        #[test]
        fn any_text_is_summarised_within_bounds(sql in "(\\PC|[(),.;'\"$]| FROM | SELECT | WITH | AS ){0,150}") {
            let summary = Summary::read("postgresql", &sql);
            prop_assert!(summary.summary.len() <= MAX_SUMMARY && summary.text.len() <= 1100);
        }
    }
}
