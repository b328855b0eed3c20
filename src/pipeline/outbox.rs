//! Units of one replicate on their way into the store, a few at a time: what waits for the disk, waits together.

use crate::error::Result;
use crate::pipeline::plan::Shelf;
use crate::pipeline::store::Prepared;
use std::time::{Duration, Instant};

/// How much finished work may wait for more of it, and be lost by a killed run.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is prepared but not published.
#[derive(Debug)]
pub struct Outbox<'a> {
    shelf: &'a Shelf<'a>,
    waiting: Vec<Prepared>,
    since: Instant,
}

impl<'a> Outbox<'a> {
    /// An empty outbox.
    #[must_use]
    pub fn new(shelf: &'a Shelf<'a>) -> Self {
        Self { shelf, waiting: Vec::new(), since: Instant::now() }
    }

    /// Where it leads to.
    #[must_use]
    pub fn shelf(&self) -> &'a Shelf<'a> {
        self.shelf
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
            for manifest in self.shelf.store.publish_prepared(std::mem::take(&mut self.waiting))? {
                self.shelf.remember(&manifest);
            }
        }
        Ok(())
    }
}
