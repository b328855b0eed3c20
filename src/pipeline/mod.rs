//! From stages to cached units and published figures. Only `store` touches the data folder.

pub mod closure;
pub mod committed;
pub mod compute;
pub mod data;
pub mod elapsed;
pub mod export;
pub mod key;
pub mod lockfile;
pub mod machine;
pub mod openblas;
pub mod outbox;
pub mod overrides;
pub mod parallel;
pub mod plan;
pub mod progress;
pub mod provenance;
pub mod publish;
pub mod run;
pub mod share;
pub mod store;
pub mod table;
pub mod units;
pub mod used;
pub mod verify;
pub mod why;
