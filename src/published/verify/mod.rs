//! Whether what is committed can be computed again: tables by column, figures by bytes, claims.
//!
//! Two questions are asked of every stage. *Committed*: do the committed files belong together, the tables and figures to
//! the lock, and do the committed tables give the committed claims and figures? *Recomputed*: does a computation from
//! nothing, in a store of its own, give them?
//!
//! A verdict is `nondeterministic` where two computations of the same thing by this program on this machine differ. One
//! computation cannot tell, so a second one is made of every stage that differs from what is committed, or of all of them
//! on request.

pub(crate) mod claims;
pub mod columns;
mod committed;
mod recompute;
mod rows;
pub mod tolerance;

pub use crate::published::verify::committed::committed;
pub use crate::published::verify::recompute::{VerifyOptions, verify};
pub(crate) use crate::published::verify::rows::Rows;
pub use crate::published::verify::rows::{Row, Verdict};
