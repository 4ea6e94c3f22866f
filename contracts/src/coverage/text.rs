//! The result as a person reads it.

use std::fmt;

use super::model::{Coverage, Share};

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.providers.iter().flat_map(|provider| {
            let consumers = provider.consumers.iter().map(|consumer| consumer.consumer.chars().count() + 2);
            consumers.chain([provider.provider.chars().count()])
        });
        let width = names.max().unwrap_or(0).max("provider".len());
        let title = ["operations", "events", "statuses", "fields"].map(str::to_owned);
        row(f, width, "provider", &title)?;
        let share = |share: &Share| match share.total {
            0 => "-".to_owned(),
            _ => format!("{}/{} {:>3} %", share.covered, share.total, share.percent()),
        };
        for provider in &self.providers {
            let cells = [&provider.operations, &provider.events, &provider.statuses, &provider.fields].map(share);
            row(f, width, &provider.provider, &cells)?;
            for consumer in &provider.consumers {
                // Who only listens is not measured by what it does not call, nor the other way round.
                let cells = [&consumer.operations, &consumer.events].map(|each| match each.covered {
                    0 => String::new(),
                    _ => share(each),
                });
                row(f, width, &format!("  {}", consumer.consumer), &cells)?;
            }
        }
        row(f, width, "all", &[&self.operations, &self.events, &self.statuses, &self.fields].map(share))?;
        list(f, "Operations that no pact covers:", &self.operations.uncovered)?;
        list(f, "Events that no pact covers:", &self.events.uncovered)?;
        // Of operations that nobody calls at all, this would say the same again.
        let statuses = self.statuses.uncovered.iter().filter_map(|status| {
            status
                .rsplit_once(' ')
                .filter(|(operation, _)| !self.operations.uncovered.iter().any(|each| each == operation))
        });
        list(f, "Statuses that no pact expects:", &together(statuses))?;
        let fields = self.fields.uncovered.iter().filter_map(|field| field.split_once(": "));
        list(f, "Fields that no consumer reads:", &together(fields))?;
        let problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        list(f, "Pacts and documents that do not fit each other:", &problems)
    }
}

fn row(f: &mut fmt::Formatter<'_>, width: usize, name: &str, cells: &[String]) -> fmt::Result {
    let cells: String = cells.iter().map(|cell| format!("  {cell:>16}")).collect();
    writeln!(f, "{}", format!("{name:width$}{cells}").trim_end())
}

/// `place: one, another` instead of a line for each.
fn together<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Vec<String> {
    let mut lines: Vec<(&str, Vec<&str>)> = Vec::new();
    for (place, what) in pairs {
        match lines.last_mut() {
            Some((last, all)) if *last == place => all.push(what),
            _ => lines.push((place, vec![what])),
        }
    }
    lines.into_iter().map(|(place, all)| format!("{place}: {}", all.join(", "))).collect()
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}
