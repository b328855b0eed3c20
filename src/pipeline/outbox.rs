//! Units of one replicate on their way into the store, a few at a time: what waits for the disk, waits together.

use crate::error::Result;
use crate::pipeline::plan::RunContext;
use crate::store::Prepared;
use std::time::{Duration, Instant};

/// How much finished work may wait for more of it, and be lost by a killed run.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is prepared but not published.
#[derive(Debug)]
pub struct Outbox<'a> {
    context: &'a RunContext<'a>,
    waiting: Vec<Prepared>,
    since: Instant,
}

impl<'a> Outbox<'a> {
    /// An empty outbox.
    #[must_use]
    pub fn new(context: &'a RunContext<'a>) -> Self {
        Self { context, waiting: Vec::new(), since: Instant::now() }
    }

    /// Where it leads to.
    #[must_use]
    pub fn context(&self) -> &'a RunContext<'a> {
        self.context
    }

    /// Adds a unit that was begun at `started`, and publishes all if enough time has passed since the first of them was.
    ///
    /// # Errors
    /// As for [`Self::send`].
    pub fn put(&mut self, unit: Prepared, started: Instant) -> Result<()> {
        if self.waiting.is_empty() {
            self.since = started;
        }
        self.waiting.push(unit);
        if self.since.elapsed() >= PATIENCE { self.send() } else { Ok(()) }
    }

    /// Publishes everything.
    ///
    /// # Errors
    /// A store that cannot be written; a second, different value of a unit.
    pub fn send(&mut self) -> Result<()> {
        if !self.waiting.is_empty() {
            for manifest in self.context.store.publish_prepared(std::mem::take(&mut self.waiting))? {
                self.context.remember(&manifest);
            }
        }
        Ok(())
    }
}
