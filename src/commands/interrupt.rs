//! What Ctrl-C says.

use crate::error::{Error, Result, say};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// For commands that compute into the cache.
pub(crate) const KEPT: &str =
    "interrupted: what is finished is kept in the cache; the same command goes on from there";

/// From now on says this before the program ends by an interrupt (Ctrl-C) or a request to terminate.
///
/// # Errors
/// A system that gives no notice of signals.
pub(crate) fn explain_interrupts(message: &'static str) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(Error::io("await", "signals"))?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            say(&format!("\n{message}"));
            // Whoever started the program sees that a signal ended it.
            let _ = emulate_default_handler(signal);
        }
    });
    Ok(())
}
