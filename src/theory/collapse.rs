//! The ridge above which the XOR network collapses to zero.
//!
//! Effective dynamics without step noise: `dW_i/dt = -E[r v_i 1_i Y] - β W_i`, `dv_i/dt = -E[r relu_i] - β v_i`, in the
//! notation of [`crate::theory::xor_law`], with `μ`, `ν` unit and orthogonal.
//!
//! **Linear order.** Near zero `r = 1/2 - y`, and neurons do not see each other. With `Φ(W) = E[(y - 1/2) relu(W·Y)]`, which is
//! homogeneous of degree one, `dv/dt = Φ(W) - βv` and `dW/dt = v ∇Φ(W) - βW`. As `relu(x) + relu(-x) = |x|`, the mirrored
//! clusters add up to `Φ(W) = (E|m + s g/√λ| - E|n + s g/√λ|)/8` with `m = W·μ`, `n = W·ν`, `s = ‖W‖`, `g ~ N(0, 1)`. Both
//! expectations increase with `|m|` and `|n|`, so on unit vectors `Φ` is largest at `W = ±μ` (`m = ±1`, `n = 0`), where it
//! is `ρ = (E|1 + g/√λ| - √(2/(πλ)))/8`, lowest at `±ν`, `-ρ`, and nowhere else that large, in no combination of `μ`, `ν` and other
//! directions either. Along `W = aμ`, `∇Φ = ρμ` and `da/dt = ρv - βa`, `dv/dt = ρa - βv`: the pair grows at the rate
//! `ρ - β` (`a = v`; along `±ν` with `v < 0`) and no pair grows faster, since
//! `d(v² + ‖W‖²)/dt = 4vΦ(W) - 2β(v² + ‖W‖²) ≤ 2(ρ - β)(v² + ‖W‖²)`.
//!
//! **Any size.** The same bound holds for the whole network from any start: with `S = Σ_i (v_i² + ‖W_i‖²)`,
//! `dS/dt = -4E[r f] - 2βS`, and `-E[r f] = E[(y - 1/2) f] - E[(σ(f) - 1/2) f] ≤ Σ_i v_i Φ(W_i) ≤ ρS/2`, so
//! `dS/dt ≤ 2(ρ - β)S`. Hence `ρ` is the exact threshold: for `β > ρ` everything decays exponentially, for `β < ρ` zero is
//! unstable.
//!
//! **Step noise** adds `(c/λ) E[r² 1_i] v_i²`, near zero `c v_i²/(8λ)`, to `d‖W_i‖²/dt`, off `Span(μ, ν)`. It is not in the
//! threshold. It lowers the growth rate of an aligned neuron, to second order only: at `c = 1` by a share 1e-4 of `ρ` at
//! `λ = 10`, 1e-3 at `λ = 5` and 0.08 at `λ = 1`.

use crate::mutation;

/// Growth rate of a small aligned neuron without ridge, `ρ = (E|1 + g/√λ| - √(2/(πλ)))/8` with `g ~ N(0, 1)`: the effective
/// dynamics of the XOR network collapse to zero if `β > ρ`, from any start, and leave zero if `β < ρ`.
///
/// `E|1 + g/√λ| = √(2/(πλ)) e^{-λ/2} + erf(√(λ/2))`, so `ρ ≈ (1 - √(2/(πλ)))/8` for large `λ` (0.0935 at `λ = 10`). NaN unless
/// `λ > 0`.
pub fn collapse_threshold(lambda: f64) -> f64 {
    let lambda = mutation::predicted_for(lambda);
    let noise = (2.0 / (std::f64::consts::PI * lambda)).sqrt();
    0.125 * (noise * libm::expm1(-0.5 * lambda) + libm::erf((0.5 * lambda).sqrt()))
}
