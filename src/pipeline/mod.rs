//! From stages to results in the store. Only `store` touches the data folder.

pub mod closure;
pub mod code;
pub(crate) mod compute;
pub mod context;
pub(crate) mod cost;
pub(crate) mod data;
pub(crate) mod distribute;
pub mod frozen;
pub mod keys;
pub(crate) mod live;
pub(crate) mod machine;
pub(crate) mod openblas;
pub(crate) mod parallel;
pub mod plan;
pub(crate) mod progress;
pub mod project;
pub mod provenance;
pub mod run;
pub mod slices;
pub mod units;
