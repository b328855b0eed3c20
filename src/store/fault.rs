//! Points at which tests make the program fail: only in a build with the feature `faults`.
//!
//! `SPECTRAL_ALIGNMENT_FAIL_AT=STEP:COUNT[:HOW]` fails at the COUNT-th time that the program comes to a step: `write` (half
//! of a file is written), `flush`, `move` (a file is about to get its place), `aside`, `drop` (something is about to be set
//! aside, or dropped), `update` (half of a published file is written), or `any` of them. HOW is `kill`, which is what
//! happens if nothing is said, `full` for a full disk, or `broken` for one that cannot be written.

use std::io;

#[cfg(feature = "faults")]
mod planned {
    use std::sync::LazyLock;
    use std::sync::atomic::AtomicU64;

    pub(crate) struct Plan {
        pub(crate) step: String,
        pub(crate) left: AtomicU64,
        pub(crate) how: String,
    }

    pub(crate) static PLAN: LazyLock<Option<Plan>> = LazyLock::new(|| {
        let text = std::env::var("SPECTRAL_ALIGNMENT_FAIL_AT").ok()?;
        let mut parts = text.split(':');
        let (step, count) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        Some(Plan { step, left: AtomicU64::new(count), how: parts.next().unwrap_or("kill").to_owned() })
    });
}

/// Fails if this is where a test wants it.
#[cfg(feature = "faults")]
pub(crate) fn point(step: &str) -> io::Result<()> {
    use std::sync::atomic::Ordering;
    let Some(plan) = planned::PLAN.as_ref() else { return Ok(()) };
    if (plan.step != step && plan.step != "any") || plan.left.fetch_sub(1, Ordering::Relaxed) != 1 {
        return Ok(());
    }
    match plan.how.as_str() {
        "full" => Err(io::ErrorKind::StorageFull.into()),
        "broken" => Err(io::Error::other("the disk is broken (a test says so)")),
        _ => std::process::abort(),
    }
}

/// Does nothing in a program that people use.
#[cfg(not(feature = "faults"))]
#[expect(clippy::unnecessary_wraps, reason = "fails in tests")]
pub(crate) fn point(_step: &str) -> io::Result<()> {
    Ok(())
}
