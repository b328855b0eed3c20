//! Whether what is committed can be computed again: tables by column, figures by bytes, claims.
//!
//! Two questions are asked of every stage. *Committed*: do the committed files belong together, the tables and figures to
//! the lock, and do the committed tables give the committed claims and figures? *Recomputed*: does a computation from
//! nothing, in a store of its own, give them?
//!
//! A verdict is `nondeterministic` where two computations of the same thing by this program on this machine differ. One
//! computation cannot tell, so a second one is made of every stage that differs from what is committed, or of all of them
//! on request.

pub mod claims;
pub mod columns;
pub mod committed;
pub mod options;
mod recompute;
pub mod rows;
pub mod stages;
pub mod tolerance;

pub use crate::published::verify::committed::committed;
pub use crate::published::verify::options::VerifyOptions;
pub use crate::published::verify::rows::{Row, Verdict};
pub use crate::published::verify::stages::verify;
