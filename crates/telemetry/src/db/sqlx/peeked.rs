//! A query of which the statement has been read: sqlx gives it only to who executes it.

use sqlx::error::BoxDynError;
use sqlx::{Database, Execute, SqlStr};

/// A query, taken apart.
pub(super) struct Peeked<DB: Database> {
    pub(super) sql: SqlStr,
    statement: Option<DB::Statement>,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    persistent: bool,
}

impl<DB: Database> Peeked<DB> {
    pub(super) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        let arguments = query.take_arguments();
        let statement = query.statement().cloned();
        let persistent = query.persistent();
        Self { arguments, statement, persistent, sql: query.sql() }
    }
}

impl<DB: Database> Execute<'_, DB> for Peeked<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
