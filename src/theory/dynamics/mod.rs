//! Effective dynamics: the ordinary differential equation that the summary statistics of online SGD obey as `d → ∞`.
//!
//! Online SGD `x ← x - (c/d)(∇L(x, Y) + βx)` moves the rows `x^1..x^C` of the first layer (the neurons `W_1..W_K` of the
//! XOR network) by multiples of `Y` and of themselves: row `a` by `-(c/d)(e_a Y + β x^a)`, where `e_a = π_a - 1{label = a}`
//! for softmax regression and `e_i = r v_i 1_i` for the network. In time `t = step · c/d`, with `m_ab = x^a·μ_b` and
//! `R_ab = x^a·x^b`, the limit is
//!
//! ```text
//! dm_ab/dt = -E[e_a Y·μ_b] - β m_ab
//! dR_ab/dt = -E[e_a Y·x^b] - E[e_b Y·x^a] - 2β R_ab + (c/λ) E[e_a e_b]
//! dv_i/dt  = -E[r relu(W_i·Y)] - β v_i
//! ```
//!
//! The term `c/λ` is what the step size leaves: a step adds `(c/d)² e_a e_b ‖Y‖²` to `R_ab`, there are `d/c` steps in a unit
//! of time, and `‖Y‖²/d → 1/λ`. A step adds `(c/d)² (r relu_i)²` to `v_i²` as well, but `relu_i` stays bounded as `d`
//! grows, so that a unit of time brings `O(c/d)` only: no such term is left for `v`, nor for `m`. Fluctuations about the
//! limit are `O(d^{-1/2})`, for the same reason.
//!
//! Expectations depend on the state alone, since `Y` counts only through its projection on the span of rows and means.
//! They are taken over common quasi-Monte Carlo nodes that move with the state through a Cholesky factor of `R` in a fixed
//! order: see [`MixtureDynamics`] and [`XorDynamics`] for what is integrated exactly.
//!
//! Source: arXiv 2206.04030, with the step of arXiv 2310.03010.

mod factor;
mod integrator;
mod mixture;
mod state;
mod xor;

pub use crate::theory::dynamics::integrator::{Path, integrate};
pub use crate::theory::dynamics::mixture::MixtureDynamics;
pub use crate::theory::dynamics::state::{Constants, Dynamics, State};
pub use crate::theory::dynamics::xor::XorDynamics;
