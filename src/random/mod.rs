//! Named streams of random numbers.

pub mod normal;
pub mod seed;
