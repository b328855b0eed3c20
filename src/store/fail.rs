//! Points at which tests make the program fail: `SPECTRAL_ALIGNMENT_FAIL_AT=STEP:COUNT[:HOW]`.
//!
//! The program fails at the COUNT-th time that it comes to a step: `write` (half of a file is written), `flush`, `move`
//! (a unit is about to get its place), `journal` (it has it; half of the entry is written), `aside`, `drop` (something is
//! about to be set aside, or dropped), or `any` of them. HOW is `kill`, which is what happens if nothing is said, `full`
//! for a full disk, or `broken` for one that cannot be written. Without the variable a point costs a load.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Plan {
    step: String,
    left: AtomicU64,
    how: String,
}

fn plan() -> Option<Plan> {
    let text = std::env::var("SPECTRAL_ALIGNMENT_FAIL_AT").ok()?;
    let mut parts = text.split(':');
    let (step, count) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
    Some(Plan { step, left: AtomicU64::new(count), how: parts.next().unwrap_or("kill").to_owned() })
}

fn planned_failure() -> Option<&'static Plan> {
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    PLAN.get_or_init(plan).as_ref()
}

/// Whether a test wants a failure at all.
pub(crate) fn planned() -> bool {
    planned_failure().is_some()
}

/// Fails if this is where a test wants it.
pub(crate) fn point(step: &str) -> io::Result<()> {
    let Some(plan) = planned_failure() else { return Ok(()) };
    if (plan.step != step && plan.step != "any") || plan.left.fetch_sub(1, Ordering::Relaxed) != 1 {
        return Ok(());
    }
    match plan.how.as_str() {
        "full" => Err(io::ErrorKind::StorageFull.into()),
        "broken" => Err(io::Error::other("the disk is broken (a test says so)")),
        _ => std::process::abort(),
    }
}
