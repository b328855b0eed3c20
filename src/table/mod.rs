//! Tables: typed columns, their builder, their comparison.

mod builder;
mod compare;
mod frame;

pub use crate::table::builder::TableBuilder;
pub use crate::table::compare::{Difference, differences, repeated};
pub(crate) use crate::table::frame::MOST_BYTES;
pub use crate::table::frame::{Table, VALUES_DIGEST, parquet_metadata};
