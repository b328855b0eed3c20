//! From stages to results in the store. Only `store` touches the data folder.

pub mod closure;
pub mod code;
pub mod compute;
pub mod context;
pub mod data;
pub mod distribute;
pub mod keys;
pub mod live;
pub mod machine;
pub mod openblas;
pub mod parallel;
pub mod plan;
pub mod progress;
pub mod provenance;
pub mod run;
