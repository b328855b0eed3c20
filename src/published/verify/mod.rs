//! Whether what is committed can be reproduced: tables by column, figures by bytes, claims.
//!
//! Two questions are asked about every stage. *Committed*: do the committed tables and figures match the lock, and do the
//! committed tables give the committed claims and figures? *Recomputed*: does a computation from scratch, in its own store,
//! reproduce them?
//!
//! A verdict is `nondeterministic` where two computations of the same thing by this program on this machine differ. One
//! computation cannot tell, so every stage that differs from what is committed is computed a second time; on request, all are.

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
