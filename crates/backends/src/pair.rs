//! The two pairs of backends, and the macro that runs a test on each.

use crate::broker::Broker;
use crate::database::Database;
use crate::{report, variables};

/// A database and a broker that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// SQLite in a temporary directory, and the embedded broker on a free port.
    Embedded,
    /// A database of its own in PostgreSQL, and a virtual host of its own in RabbitMQ.
    Real,
}

impl Pair {
    /// An empty database; it goes when the value is dropped.
    ///
    /// # Panics
    ///
    /// When there is none to be had: the message says why and what to do.
    pub async fn database(self) -> Database {
        let database = match self {
            Self::Embedded => Database::embedded(),
            Self::Real => Database::real().await,
        };
        database.unwrap_or_else(|error| panic!("no database for the {self:?} pair: {error:#}"))
    }

    /// An empty broker; it goes when the value is dropped.
    ///
    /// # Panics
    ///
    /// When there is none to be had: the message says why and what to do.
    pub async fn broker(self) -> Broker {
        let broker = match self {
            Self::Embedded => Broker::embedded().await,
            Self::Real => Broker::real().await,
        };
        broker.unwrap_or_else(|error| panic!("no broker for the {self:?} pair: {error:#}"))
    }

    /// Whether tests run on this pair; the real one can be left out by request only.
    #[must_use]
    pub fn is_wanted(self) -> bool {
        let wanted = self == Self::Embedded || !variables::embedded_only();
        if !wanted {
            report::left_out();
        }
        wanted
    }
}

/// Makes two tests of each function `async fn(Pair)`: one below the module `embedded`, one below `real`.
///
/// A function that is not listed is dead code, so that the compiler tells of a test that was forgotten. Arguments of
/// `tokio::test` may come first, in parentheses.
///
/// # Examples
///
/// ```
/// async fn broker_has_an_address(pair: backends::Pair) {
///     assert!(pair.broker().await.url().starts_with("amqp://"));
/// }
///
/// backends::on_each_pair!((flavor = "multi_thread", worker_threads = 2) broker_has_an_address);
/// ```
#[macro_export]
macro_rules! on_each_pair {
    (@test ($($argument:tt)*) $test:ident $pair:ident) => {
        #[$crate::tokio::test(crate = "backends::tokio", $($argument)*)]
        async fn $test() {
            if $crate::Pair::$pair.is_wanted() {
                super::$test($crate::Pair::$pair).await;
            }
        }
    };
    ($arguments:tt $($test:ident),+ $(,)?) => {
        mod embedded {
            $($crate::on_each_pair!(@test $arguments $test Embedded);)+
        }
        mod real {
            $($crate::on_each_pair!(@test $arguments $test Real);)+
        }
    };
    ($($test:ident),+ $(,)?) => {
        $crate::on_each_pair!((flavor = "current_thread") $($test),+);
    };
}
