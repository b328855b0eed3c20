//! From stages to results in the store. Only `store` touches the data folder.

pub mod closure;
pub mod compute;
pub mod context;
pub mod data;
pub mod keys;
pub mod machine;
pub mod openblas;
pub mod parallel;
pub mod plan;
pub mod progress;
pub mod provenance;
pub mod run;
pub mod share;
pub mod units;
pub mod used;
