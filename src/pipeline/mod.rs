//! From stages to cached units and published figures. Only `store` touches the data folder.

pub mod closure;
pub mod compute;
pub mod data;
pub mod machine;
pub mod openblas;
pub mod outbox;
pub mod parallel;
pub mod plan;
pub mod progress;
pub mod provenance;
pub mod run;
pub mod share;
pub mod units;
pub mod used;
