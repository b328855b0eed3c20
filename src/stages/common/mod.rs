//! What stages share.

pub mod captions;
pub mod deep;
pub mod densities;
pub mod dimensions;
pub mod grid;
pub mod histograms;
pub mod judged;
pub mod judging;
pub mod limit;
pub mod looks;
pub mod mixture;
pub mod panels;
pub mod products;
pub mod rates;
pub mod shared;
pub mod thresholds;
pub mod words;
pub mod xor;
pub mod xor_runs;
