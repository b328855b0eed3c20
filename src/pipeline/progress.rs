//! Progress with time left, on standard error: a bar on a terminal, plain lines elsewhere.

use crate::error::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Seconds between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Work done out of work to do, in any unit that is proportional to time.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    lines: Option<Mutex<Instant>>,
    what: String,
    started: Instant,
}

impl Progress {
    /// Starts showing the progress of `what`, with `total` units of work to do.
    pub fn start(what: &str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total.max(1)), target);
        if let Ok(style) =
            ProgressStyle::with_template("{msg:28} {wide_bar} {percent:>3} %  {elapsed} gone, {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        let now = Instant::now();
        Self { bar, lines: (!terminal).then(|| Mutex::new(now)), what: what.to_owned(), started: now }
    }

    /// Adds finished work.
    pub fn add(&self, work: u64) {
        self.bar.inc(work);
        let Some(lines) = &self.lines else { return };
        let Ok(mut last) = lines.try_lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            #[allow(clippy::cast_precision_loss, reason = "only shown")]
            let share = self.bar.position() as f64 / self.bar.length().unwrap_or(1).max(1) as f64;
            let gone = self.started.elapsed().as_secs_f64();
            let left = if share > 0.0 { gone / share - gone } else { 0.0 };
            let what = &self.what;
            say(&format!("{what}: {:.0} % done, {gone:.0} s gone, about {left:.0} s left", 100.0 * share));
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn print_line(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
