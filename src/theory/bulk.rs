//! The scalar part of the effective spectrum: `z(y)`, `h(y)`, edges, gaps and density of the bulk.
//!
//! Definitions, and why there are no more edges and gaps than are looked for, stand in
//! [`crate::theory::effective_spectrum`]; complex numbers are pairs (real part, imaginary part).

use ndarray::Array1;

use crate::error::{Error, Result};
use crate::problem::as_f64;

/// Relative distance of values of `f` of sizeable mass from which on a gap of the bulk is looked for between them.
const GAP: f64 = 0.02;
/// Share of the law of `f` at either end in which gaps are not looked for.
const TAIL: f64 = 0.01;

/// One end of the bulk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Where the bulk ends.
    pub position: f64,
    /// `|z''(S)|` at the edge: the density there is `√(2 distance / |z''(S)|)/π`. None where the bulk does not end like a
    /// square root: at an endpoint of the range of `S`, or at zero.
    pub curvature: Option<f64>,
    /// Where the bulk ends, in the parametrisation by `y`; 0 where no outlier can lie beyond.
    pub(crate) y: f64,
}

impl Edge {
    /// Scale of the Tracy-Widom fluctuation of the extreme bulk eigenvalue of a `d × d` matrix, `(|z''(S)|/2)^{1/3} d^{-2/3}`.
    ///
    /// For `f = 1`, `λ = 1` it is the scale of Johnstone (2001), `(√n + √d)(1/√n + 1/√d)^{1/3}/n`.
    pub fn tracy_widom_scale(&self, d: f64) -> Option<f64> {
        self.curvature.map(|curvature| libm::cbrt(curvature / 2.0) * libm::pow(d, -2.0 / 3.0))
    }
}

/// The scalar part of the theory: the law of `f` with `φ` and `λ`.
#[derive(Debug, Clone)]
pub(crate) struct Bulk {
    /// Distinct values other than 0, increasing, with their probabilities.
    atoms: Vec<(f64, f64)>,
    /// Infimum and supremum of the support of `f`.
    pub(crate) inf: f64,
    pub(crate) sup: f64,
    /// `φ = n/d`.
    pub(crate) ratio: f64,
    /// Signal-to-noise ratio `λ`.
    pub(crate) lambda: f64,
}

impl Bulk {
    /// Merges equal values; the support is widened to hold every value.
    pub(crate) fn new(
        values: &Array1<f64>,
        masses: &Array1<f64>,
        (inf, sup): (f64, f64),
        (ratio, lambda): (f64, f64),
    ) -> Self {
        let pairs = values.iter().copied().zip(masses.iter().copied());
        let mut sorted: Vec<(f64, f64)> = pairs.filter(|&(f, mass)| f != 0.0 && mass > 0.0).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut atoms: Vec<(f64, f64)> = Vec::with_capacity(sorted.len());
        for (f, mass) in sorted {
            match atoms.last_mut() {
                Some(last) if f - last.0 <= 1e-14 * f.abs() => last.1 += mass,
                _ => atoms.push((f, mass)),
            }
        }
        let inf = atoms.first().map_or(inf, |first| inf.min(first.0));
        let sup = atoms.last().map_or(sup, |last| sup.max(last.0));
        Self { atoms, inf, sup, ratio, lambda }
    }

    /// `E[term(f); f ≠ 0]`.
    fn expectation(&self, term: impl Fn(f64) -> f64) -> f64 {
        self.atoms.iter().map(|&(f, mass)| mass * term(f)).sum()
    }

    /// `P(f ≠ 0)`.
    pub(crate) fn active(&self) -> f64 {
        self.expectation(|_| 1.0)
    }

    /// Supremum of `|f|`.
    pub(crate) fn largest(&self) -> f64 {
        self.inf.abs().max(self.sup.abs())
    }

    /// Smallest over largest size of a value of `f` other than 0.
    pub(crate) fn dynamic_range(&self) -> f64 {
        let smallest = self.atoms.iter().map(|atom| atom.0.abs()).fold(f64::INFINITY, f64::min);
        (smallest / self.largest()).clamp(1e-200, 1.0)
    }

    /// `z(y)` at a real `y` off the support of `f`.
    pub(crate) fn z(&self, y: f64) -> f64 {
        y / self.lambda * (1.0 / self.ratio + self.expectation(|f| f / (y - f)))
    }

    /// `h(y)` there.
    pub(crate) fn h(&self, y: f64) -> f64 {
        self.ratio * self.expectation(|f| (f / (y - f)) * (f / (y - f)))
    }

    /// `z`, `z'(y)` at a complex `y`.
    fn complex(&self, (a, b): (f64, f64)) -> ((f64, f64), (f64, f64)) {
        let (mut re, mut im, mut square_re, mut square_im) = (1.0 / self.ratio, 0.0, 1.0 / self.ratio, 0.0);
        for &(f, mass) in &self.atoms {
            let inverse = f / ((a - f) * (a - f) + b * b);
            let (t, s) = ((a - f) * inverse, -b * inverse);
            re += mass * t;
            im += mass * s;
            square_re -= mass * (t * t - s * s);
            square_im -= mass * 2.0 * t * s;
        }
        let z = ((a * re - b * im) / self.lambda, (a * im + b * re) / self.lambda);
        (z, (square_re / self.lambda, square_im / self.lambda))
    }

    /// The edge at which `h = 1` between `end` (an extreme of the support of `f`) and infinity, in the direction `sign`.
    pub(crate) fn outer_edge(&self, end: f64, sign: f64) -> Edge {
        let largest = self.largest();
        let far = 2.0 * largest * (1.0 + self.ratio.sqrt());
        // Infinite if a value of `f` lies at the end.
        let at_end = self.h(end);
        if at_end <= 1.0 || far == 0.0 {
            let position = if end == 0.0 || far == 0.0 { 0.0 } else { self.z(end) };
            return Edge { position, curvature: None, y: if far == 0.0 { 0.0 } else { end } };
        }
        let (mut near, mut far) = (1e-300_f64.min(far), far);
        while far > near * (1.0 + 4.0 * f64::EPSILON) {
            let middle = near.sqrt() * far.sqrt();
            if middle <= near || middle >= far {
                break;
            }
            let inside = self.h(end + sign * middle) > 1.0;
            (near, far) = if inside { (middle, far) } else { (near, middle) };
        }
        let y = end + sign * far;
        let position = self.z(y);
        // For f of one sign the spectrum has that sign; an edge at zero (φ P(f ≠ 0) = 1) is found up to rounding only.
        if sign * position >= 0.0 && sign * end <= 0.0 && position.abs() <= 1e-14 * largest / self.lambda {
            return Edge { position: 0.0, curvature: None, y: 0.0 };
        }
        Edge { position, curvature: Some(self.curvature(y)), y }
    }

    /// `|z''(S)|` where `z'(S) = 0`: `z''(y) (dy/dS)²` with `dy/dS = y²/(λφ)`.
    fn curvature(&self, y: f64) -> f64 {
        let second = 2.0 / self.lambda * self.expectation(|f| (f / (y - f)) * (f / (y - f)) / (y - f));
        let speed = y * y / (self.lambda * self.ratio);
        (second * speed * speed).abs()
    }

    /// Intervals of `y` between neighbouring values of `f` on which `h < 1`, increasing.
    ///
    /// Values in the outer 1 % of the law, or the 1 % nearest to zero, are passed over, and so are distances not much wider
    /// than those that open a gap between equally spaced nodes (relative spacing `π √(φ mass)`): gaps between thinned-out
    /// nodes mean nothing.
    pub(crate) fn gaps(&self) -> Vec<(f64, f64)> {
        let mut candidates = Vec::new();
        let (total, mut below) = (self.active(), 0.0);
        let negative = self.expectation(|f| if f < 0.0 { 1.0 } else { 0.0 });
        let inner = TAIL * total..=(1.0 - TAIL) * total;
        for pair in self.atoms.windows(2) {
            let ((low, mass), (high, next)) = (pair[0], pair[1]);
            below += mass;
            let isolated = mass.max(next) > TAIL * total;
            let least = if isolated { GAP } else { GAP.max(12.0 * (self.ratio * mass.max(next)).sqrt()) };
            let nearer_zero = if low < 0.0 { negative - below } else { below - negative };
            let tail = !inner.contains(&below) || (low * high > 0.0 && nearer_zero < TAIL * total);
            if !tail && high - low > least * low.abs().max(high.abs()) {
                candidates.push((low, high));
            }
        }
        // Where the support of f ends at zero there may be a gap between the mass at zero and the rest.
        let first = self.atoms.iter().map(|atom| atom.0.abs()).fold(f64::INFINITY, f64::min);
        let near = |f: f64| if f.abs() <= 2.0 * first { 1.0 } else { 0.0 };
        if self.expectation(near) > TAIL * total {
            if self.inf == 0.0 {
                candidates.insert(0, (0.0, first));
            } else if self.sup == 0.0 {
                candidates.push((-first, 0.0));
            }
        }
        candidates.into_iter().filter_map(|(low, high)| self.gap_between(low, high)).collect()
    }

    /// The gap between neighbouring values of `f`: `h` is convex there, so its minimum is found by bisection of `h'`.
    fn gap_between(&self, mut low: f64, mut high: f64) -> Option<(f64, f64)> {
        let ends = (low, high);
        let inside = loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                return None;
            }
            let level = self.h(middle);
            if level < 1.0 {
                break middle;
            }
            let rise = -2.0
                * self.ratio
                * self.expectation(|f| (f / (middle - f)) * (f / (middle - f)) / (middle - f));
            let lowest = level - rise * (middle - if rise > 0.0 { ends.0 } else { ends.1 });
            if lowest > 1.0 {
                return None;
            }
            (low, high) = if rise > 0.0 { (low, middle) } else { (middle, high) };
        };
        let root = |mut outer: f64, mut inner: f64| {
            if outer == 0.0 && self.h(0.0) < 1.0 {
                return 0.0;
            }
            loop {
                let middle = 0.5 * (outer + inner);
                if middle <= outer.min(inner) || middle >= outer.max(inner) {
                    return inner;
                }
                (outer, inner) = if self.h(middle) < 1.0 { (outer, middle) } else { (middle, inner) };
            }
        };
        Some((root(ends.0, inside), root(ends.1, inside)))
    }

    /// `Im S/π` for `S = -λφ/y`.
    pub(crate) fn density_of(&self, (a, b): (f64, f64)) -> f64 {
        self.lambda * self.ratio * b / (a * a + b * b) / std::f64::consts::PI
    }

    /// Newton's method for `z(y) = (x, eta)` from a start in the upper half plane; None unless it converges there.
    fn newton(&self, start: (f64, f64), (x, eta): (f64, f64)) -> Option<(f64, f64)> {
        let (mut a, mut b) = start;
        for _ in 0..16 {
            let (z, slope) = self.complex((a, b));
            let step = quotient((z.0 - x, z.1 - eta), slope);
            (a, b) = (a - step.0, b - step.1);
            if !(a.is_finite() && b.is_finite()) || b <= 0.0 {
                return None;
            }
            // At an edge z' vanishes and y is only determined to the rounding of z.
            let rounding = 16.0 * f64::EPSILON * (x.abs() + eta + (a.abs() + b) / (self.lambda * self.ratio));
            let settled = (z.0 - x).abs() + (z.1 - eta).abs() <= rounding;
            if settled || step.0.abs() + step.1.abs() <= 1e-13 * (a.abs() + b) {
                return Some((a, b));
            }
        }
        None
    }

    /// The solution at `x`, inside the bulk, continued from a neighbouring point; None if it must be found from afar.
    pub(crate) fn follow(&self, x: f64, known: Option<(f64, (f64, f64))>) -> Option<(f64, f64)> {
        let (from, (a, b)) = known?;
        let (_, slope) = self.complex((a, b));
        let step = quotient((x - from, 0.0), slope);
        let start = (a + step.0, b + step.1);
        let root = self.newton(if start.1 > 0.1 * b { start } else { (a, b) }, (x, 0.0))?;
        (root.1 > 1e-9 * root.0.abs()).then_some(root)
    }

    /// The solution at `x + i0`, continued from a large imaginary part, where `y ≈ λφ z`; it is unique in the upper half plane.
    pub(crate) fn descend(&self, x: f64) -> Result<(f64, f64)> {
        let scale = x.abs().max(self.largest() / self.lambda * (1.0 + 1.0 / self.ratio));
        let mut eta = 16.0 * scale;
        let unit = self.lambda * self.ratio;
        let failed = |eta: f64| Error::Numeric {
            routine: "effective spectrum",
            problem: format!("no density at {x:e}: continuation in the imaginary part stopped at {eta:e}"),
        };
        let mut root = self.newton((unit * x, unit * eta), (x, eta)).ok_or_else(|| failed(eta))?;
        let mut factor = 0.25;
        for _ in 0..2000 {
            if eta <= 1e-13 * x.abs() {
                return Ok(self.newton(root, (x, 0.0)).unwrap_or(root));
            }
            match self.newton(root, (x, eta * factor)) {
                Some(next) => {
                    root = next;
                    eta *= factor;
                    factor = (factor * factor).max(0.1);
                }
                None if factor > 1.0 - 1e-6 => break,
                None => factor = factor.sqrt(),
            }
        }
        Err(failed(eta))
    }
}

/// A quotient of complex numbers.
fn quotient((a, b): (f64, f64), (c, d): (f64, f64)) -> (f64, f64) {
    let squared = c * c + d * d;
    ((a * c + b * d) / squared, (b * c - a * d) / squared)
}

/// Abscissas between the ends of a band on one side of zero, increasing; see [`density_grid`](crate::theory::effective_spectrum::EffectiveSpectrum::density_grid).
pub(crate) fn clustered(low: f64, high: f64, count: usize, range: f64) -> Vec<f64> {
    if high <= 0.0 {
        return clustered(-high, -low, count, range).into_iter().rev().map(|x| -x).collect();
    }
    let bottom = if low > 0.0 { low } else { high * 1e-8 * range };
    let spread = |from: f64, to: f64, count: usize| {
        let step = std::f64::consts::PI / as_f64(count - 1);
        (0..count).map(move |i| from + (to - from) * 0.5 * (1.0 - libm::cos(step * as_f64(i))))
    };
    let mut abscissas: Vec<f64> = if high / bottom > 30.0 {
        let decades = spread(libm::log(bottom), libm::log(high), count - count / 2).map(libm::exp);
        decades.chain(spread(bottom, high, count / 2)).collect()
    } else {
        spread(bottom, high, count).collect()
    };
    abscissas.retain(|x| (bottom * (1.0 + 1e-12)..high * (1.0 - 1e-12)).contains(x));
    abscissas.extend([bottom, high]);
    abscissas.sort_by(f64::total_cmp);
    abscissas.dedup();
    abscissas
}
