//! What schedulers are told: scripts for Slurm, job files for HyperQueue. A slice is one command line that may be run anywhere, at
//! any time, and twice; everything else is theirs.

pub mod hyperqueue;
pub mod layout;
pub mod limits;
pub mod site;
pub mod slurm;
pub mod words;
