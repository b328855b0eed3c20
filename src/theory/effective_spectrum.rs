//! Limiting spectrum of `A = (1/n) Σ_i f_i Y_i Y_iᵀ`: bulk density and edges, outliers and their eigenvectors' overlaps.
//!
//! `Y = u + z/√λ` with `u` the projection on `V`, `z` standard Gaussian outside `V` (`d` dimensions), `f` a function of `u`,
//! `n = φ d`. The Stieltjes transform `S(z) = lim tr (A - z)^{-1} / d` of the bulk solves `1 + zS = φ E[S f/(λφ + S f)]`; an
//! outlier is a root of `det(zI - F(z)) = 0` with `F(z) = λφ E[f u uᵀ/(λφ + S(z) f)]`, and a unit eigenvector projects on `V`
//! to `r` with `(zI - F(z)) r = 0`, `‖r‖² - ⟨r, F'(z) r⟩ = 1`. Source: arXiv 2310.03010 and companion 2502.15655.
//!
//! **Parametrisation.** With `y = -λφ/S`, which is on the scale of `f`,
//! `z(y) = (y/λ) (1/φ + E[f/(y - f)])`, `z'(y) = (1 - h(y))/(λφ)` with `h(y) = φ E[f²/(y - f)²]`, and
//! `F(y) = E[f y/(y - f) u uᵀ]`, `F'(y) = -E[f²/(y - f)² u uᵀ]`. Where `y` is real and off the support of `f`, `z(y)` lies
//! outside the spectrum exactly where `h(y) < 1`.
//!
//! **Edges.** `h` decreases from `sup f` to `+∞` and increases from `-∞` to `inf f`, so each outer edge is the only root of
//! `h = 1` there, or the endpoint if `h ≤ 1` throughout (a thin tail of `f`, or mass at zero); there is no local extremum to
//! be trapped by, for any sign of `f`. Between two neighbouring values of `f`, `h` is convex: at most one gap of the spectrum.
//!
//! **Outliers.** Outside the bulk `z(y)` strictly increases and `F(y)` decreases in the order of symmetric matrices, so each
//! ordered branch `z(y) - eig_j(F(y))` strictly increases: one root at most per branch, decided by the signs at the ends of
//! the interval, and a k-fold root is found k times.

use ndarray::{Array1, Array2, ArrayView1};

use crate::error::{Error, Result};
use crate::theory::jacobi::{SymmetricEigen, symmetric_eigen};
use crate::theory::mixture_law::MixtureLaw;
use crate::theory::{NodeSet, Weights};

/// Relative distance of outliers below which their eigenvectors are found together.
const DEGENERATE: f64 = 1e-8;
/// Relative margin by which an outlier must clear the edge.
const CLEARANCE: f64 = 1e-12;
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
    y: f64,
}

impl Edge {
    /// Scale of the Tracy-Widom fluctuation of the extreme bulk eigenvalue of a `d × d` matrix, `(|z''(S)|/2)^{1/3} d^{-2/3}`.
    ///
    /// For `f = 1`, `λ = 1` it is the scale of Johnstone (2001), `(√n + √d)(1/√n + 1/√d)^{1/3}/n`.
    #[must_use]
    pub fn tracy_widom_scale(&self, d: f64) -> Option<f64> {
        self.curvature.map(|curvature| libm::cbrt(curvature / 2.0) * libm::pow(d, -2.0 / 3.0))
    }
}

/// Where an outlier lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Above the right edge of the bulk.
    Above,
    /// Below the left edge of the bulk.
    Below,
    /// In a gap between two bands of the bulk.
    Gap,
}

/// One isolated eigenvalue.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlier {
    /// Limit of the eigenvalue.
    pub position: f64,
    /// Where it lies.
    pub side: Side,
    /// Projection `r` of the unit eigenvector on `V`, in the coordinates of the nodes (length `r = dim V`). Within a multiple
    /// eigenvalue the vectors are one choice of orthogonal ones: only sums over all of them are meaningful.
    pub projection: Array1<f64>,
}

impl Outlier {
    /// Squared overlap of the unit eigenvector with `V`, `‖r‖²`.
    #[must_use]
    pub fn overlap_with_space(&self) -> f64 {
        self.projection.iter().map(|value| value * value).sum()
    }

    /// Squared overlap with the direction of a vector of `V` given in the coordinates of the nodes; 0 for the zero vector.
    #[must_use]
    pub fn overlap_with(&self, direction: &ArrayView1<f64>) -> f64 {
        let squared: f64 = direction.iter().map(|value| value * value).sum();
        let product: f64 = direction.iter().zip(&self.projection).map(|(a, b)| a * b).sum();
        if squared > 0.0 { product * product / squared } else { 0.0 }
    }

    /// Squared overlap with the span of orthonormal columns (`r × m`).
    #[must_use]
    pub fn overlap_with_span(&self, basis: &Array2<f64>) -> f64 {
        basis.columns().into_iter().map(|column| self.overlap_with(&column)).sum()
    }

    /// Squared overlap with `Span(μ_1..μ_k)`.
    #[must_use]
    pub fn overlap_with_span_of_means(&self, law: &MixtureLaw) -> f64 {
        self.overlap_with_span(law.means_basis())
    }
}

/// The predicted spectrum of one block.
#[derive(Debug, Clone)]
pub struct EffectiveSpectrum {
    nodes: NodeSet,
    values: Array1<f64>,
    bulk: Bulk,
    right: Edge,
    left: Edge,
}

impl EffectiveSpectrum {
    /// The limiting spectrum for nodes of `u` in `V`, the weights at them, `φ = ratio = n/d` and the signal-to-noise ratio `λ`.
    ///
    /// `sup` and `inf` of the weights bound the support of `f` and give the edges as `d → ∞`. Where the law of `f` reaches its
    /// extremes only in a thin tail (`G_aa` and `G_ab` of a trained classifier), a sample stays well inside them, and
    /// the edges, and the outliers to be counted beyond them, of a finite matrix are those for [`Weights::discrete`] at
    /// about `n` nodes, or at the realised weights.
    ///
    /// # Errors
    /// Lengths that do not fit, values that are not finite or outside `[inf, sup]`, `φ ≤ 0`, `λ ≤ 0`.
    pub fn new(nodes: &NodeSet, weights: &Weights, ratio: f64, lambda: f64) -> Result<Self> {
        for (name, value) in [("ratio", ratio), ("lambda", lambda)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::parameter(name, value, "must be positive"));
            }
        }
        let values = &weights.values;
        if values.len() != nodes.masses().len() {
            let rule = format!("needs one weight per node, {}", nodes.masses().len());
            return Err(Error::parameter("weights", values.len(), rule));
        }
        let slack = 1e-12 * weights.sup.abs().max(weights.inf.abs());
        let (low, high) = (weights.inf - slack, weights.sup + slack);
        let occupied = |(value, mass): (&f64, &f64)| *mass > 0.0 && !(low..=high).contains(value);
        if !(low.is_finite() && high.is_finite()) || values.iter().zip(nodes.masses()).any(occupied) {
            let rule = format!("must lie in [inf, sup] = [{}, {}]", weights.inf, weights.sup);
            return Err(Error::parameter("weights", "out of range", rule));
        }
        let bulk = Bulk::new(values, nodes.masses(), (weights.inf, weights.sup), (ratio, lambda));
        let (right, left) = (bulk.outer_edge(bulk.sup, 1.0), bulk.outer_edge(bulk.inf, -1.0));
        Ok(Self { nodes: nodes.clone(), values: values.clone(), bulk, right, left })
    }

    /// Right edge of the bulk.
    #[must_use]
    pub fn right_edge(&self) -> Edge {
        self.right
    }

    /// Left edge of the bulk. For `f ≥ 0` with mass at zero it is that mass' position, 0, unless `inf f > 0`; then, as without
    /// such mass, it is the left edge of the continuous part.
    #[must_use]
    pub fn left_edge(&self) -> Edge {
        self.left
    }

    /// Mass of the spectrum at zero, `(1 - φ P(f ≠ 0))₊`.
    #[must_use]
    pub fn mass_at_zero(&self) -> f64 {
        (1.0 - self.bulk.ratio * self.bulk.active()).max(0.0)
    }

    /// The intervals that carry the continuous part of the bulk, in increasing order.
    ///
    /// Gaps are found where the law of `f` has a gap of its own, with 1 % of the law on either side.
    #[must_use]
    pub fn bands(&self) -> Vec<(f64, f64)> {
        let (mut bands, mut start) = (Vec::new(), self.left.position);
        for (low, high) in self.bulk.gaps() {
            bands.push((start, self.bulk.z(low)));
            start = self.bulk.z(high);
        }
        bands.push((start, self.right.position));
        bands.retain(|(low, high)| low < high);
        bands
    }

    /// Density of the continuous part of the bulk at `x` (with the mass at zero it integrates to 1); 0 outside the edges.
    ///
    /// # Errors
    /// If Newton's method does not reach the solution in the upper half plane.
    pub fn density(&self, x: f64) -> Result<f64> {
        let outside = x <= self.left.position || x >= self.right.position;
        if outside { Ok(0.0) } else { Ok(self.bulk.density_of(self.bulk.descend(x)?)) }
    }

    /// Points `(x, density)` in increasing order over all bands, about `points` in all, at least 16 per band.
    ///
    /// They cluster at the edges, and geometrically towards zero where the bulk comes near it, so that the trapezoidal rule on
    /// them plus [`EffectiveSpectrum::mass_at_zero`] gives 1 (within 1e-3 from some 400 points per band on).
    ///
    /// # Errors
    /// As [`EffectiveSpectrum::density`].
    pub fn density_grid(&self, points: usize) -> Result<Vec<(f64, f64)>> {
        let mut halves = Vec::new();
        for (low, high) in self.bands() {
            if low < 0.0 && high > 0.0 {
                halves.extend([(low, 0.0), (0.0, high)]);
            } else {
                halves.push((low, high));
            }
        }
        let each = (points / halves.len().max(1)).max(16);
        let floor = self.bulk.dynamic_range();
        let mut curve = Vec::new();
        for (low, high) in halves {
            let mut known = None;
            let abscissas = clustered(low, high, each, floor);
            let mut half = Vec::with_capacity(abscissas.len());
            for x in abscissas.into_iter().rev() {
                if x <= low || x >= high {
                    half.push((x, 0.0));
                } else {
                    let root = self.bulk.follow(x, known).map_or_else(|| self.bulk.descend(x), Ok)?;
                    known = Some((x, root));
                    half.push((x, self.bulk.density_of(root)));
                }
            }
            curve.extend(half.into_iter().rev());
        }
        Ok(curve)
    }

    /// Outliers above the right edge, largest first, then, if `f` takes negative values, those below the left edge, lowest
    /// last. Multiple ones are listed as often as they occur.
    ///
    /// # Errors
    /// If the eigensolver or the root search fails.
    pub fn outliers(&self) -> Result<Vec<Outlier>> {
        let mut found = self.outliers_above()?;
        if self.bulk.inf < 0.0 {
            found.extend(self.outliers_below()?);
        }
        Ok(found)
    }

    /// Outliers above the right edge, largest first.
    ///
    /// # Errors
    /// As [`EffectiveSpectrum::outliers`].
    pub fn outliers_above(&self) -> Result<Vec<Outlier>> {
        if self.right.y == 0.0 || self.nodes.dimension() == 0 {
            return Ok(Vec::new());
        }
        let start = self.right.y;
        let mut reach = start.abs().max(self.bulk.largest());
        while reach.is_finite() && self.branches(start + reach)?.iter().any(|branch| *branch <= 0.0) {
            reach *= 2.0;
        }
        self.outliers_between(start, start + reach, Side::Above)
    }

    /// Outliers below the left edge, largest first. For `f ≥ 0` only a deficit of variance in a direction of `V` causes one.
    ///
    /// # Errors
    /// As [`EffectiveSpectrum::outliers`].
    pub fn outliers_below(&self) -> Result<Vec<Outlier>> {
        if self.left.y == 0.0 || self.nodes.dimension() == 0 {
            return Ok(Vec::new());
        }
        let start = self.left.y;
        let mut reach = start.abs().max(self.bulk.largest());
        while reach.is_finite() && self.branches(start - reach)?.iter().any(|branch| *branch >= 0.0) {
            reach *= 2.0;
        }
        self.outliers_between(start - reach, start, Side::Below)
    }

    /// Outliers in the gaps of [`EffectiveSpectrum::bands`], largest first.
    ///
    /// # Errors
    /// As [`EffectiveSpectrum::outliers`].
    pub fn outliers_in_gaps(&self) -> Result<Vec<Outlier>> {
        let mut found = Vec::new();
        for (low, high) in self.bulk.gaps().into_iter().rev() {
            found.extend(self.outliers_between(low, high, Side::Gap)?);
        }
        Ok(found)
    }

    /// Eigenvalues, largest first, and eigenvectors of `F(y)`.
    fn effective_matrix(&self, y: f64) -> Result<SymmetricEigen> {
        symmetric_eigen(&self.nodes.weighted_second_moment(|node| {
            let f = self.values[node];
            if f == 0.0 { 0.0 } else { f * y / (y - f) }
        }))
    }

    /// `z(y) - eig_j(F(y))`, by decreasing eigenvalue.
    fn branches(&self, y: f64) -> Result<Array1<f64>> {
        let z = self.bulk.z(y);
        Ok(self.effective_matrix(y)?.values.mapv(|value| z - value))
    }

    /// All outliers with `y` in an interval on which `z(y)` increases.
    fn outliers_between(&self, low: f64, high: f64, side: Side) -> Result<Vec<Outlier>> {
        let (from, to) = (self.branches(low)?, self.branches(high)?);
        let clear = |y: f64, branch: f64| CLEARANCE * (self.bulk.z(y).abs() + branch.abs());
        let crosses = |j: usize| from[j] < -clear(low, from[j]) && to[j] > clear(high, to[j]);
        let crossing: Vec<usize> = (0..from.len()).filter(|&j| crosses(j)).collect();
        // Every evaluation narrows the interval of every branch.
        let mut known = vec![(low, from), (high, to)];
        let mut roots: Vec<(usize, f64)> = Vec::with_capacity(crossing.len());
        for j in crossing {
            roots.push((j, self.root_of_branch(j, &mut known)?));
        }
        let mut found = Vec::with_capacity(roots.len());
        let mut rest = roots.as_slice();
        while let Some(&(first, y)) = rest.first() {
            let same = |root: &(usize, f64)| (root.1 - y).abs() <= DEGENERATE * y.abs();
            let multiplicity = rest.iter().take_while(|root| same(root)).count();
            for (projection, &(_, y)) in self.eigenspace(first, multiplicity, y)?.into_iter().zip(rest) {
                found.push(Outlier { position: self.bulk.z(y), side, projection });
            }
            rest = &rest[multiplicity..];
        }
        Ok(found)
    }

    /// Root of branch `j` between evaluations in order of `y`: regula falsi (Illinois) with bisection as a guard.
    fn root_of_branch(&self, j: usize, known: &mut Vec<(f64, Array1<f64>)>) -> Result<f64> {
        let place = known.partition_point(|(_, branches)| branches[j] < 0.0).clamp(1, known.len() - 1);
        let mut low = (known[place - 1].0, known[place - 1].1[j]);
        let mut high = (known[place].0, known[place].1[j]);
        let mut previous = 0.0;
        for round in 1..200 {
            let width = high.0 - low.0;
            let secant = low.0 - low.1 * width / (high.1 - low.1);
            let usable = round % 4 != 0 && secant > low.0 && secant < high.0;
            let y = if usable { secant } else { low.0 + 0.5 * width };
            if y <= low.0 || y >= high.0 || width <= 4.0 * f64::EPSILON * y.abs() {
                return Ok(y);
            }
            let branches = self.branches(y)?;
            let value = branches[j];
            let place = known.partition_point(|(other, _)| *other < y);
            known.insert(place, (y, branches));
            if value.abs() <= f64::EPSILON * self.bulk.z(y).abs() {
                return Ok(y);
            }
            if value < 0.0 {
                low = (y, value);
                high.1 *= if previous < 0.0 { 0.5 } else { 1.0 };
            } else {
                high = (y, value);
                low.1 *= if previous > 0.0 { 0.5 } else { 1.0 };
            }
            previous = value;
        }
        let problem = format!("outlier {j} not located between {} and {}", low.0, high.0);
        Err(Error::Numeric { routine: "effective spectrum", problem })
    }

    /// Projections on `V` of orthonormal eigenvectors to the eigenvalues `first..first + multiplicity` of `F(y)`, which agree.
    ///
    /// With `N` their eigenvectors on `V`, the metric `M = Nᵀ(I - F'(z))N = I + Nᵀ E[f²/(y-f)² u uᵀ] N/z'(y)` decides the
    /// lengths: the projections are `N Q Λ^{-1/2}` for `M = Q Λ Qᵀ`, which is `‖r‖² - ⟨r, F'(z) r⟩ = 1` for a single one.
    fn eigenspace(&self, first: usize, multiplicity: usize, y: f64) -> Result<Vec<Array1<f64>>> {
        let eigen = self.effective_matrix(y)?;
        let descent = self.nodes.weighted_second_moment(|node| {
            let f = self.values[node];
            if f == 0.0 { 0.0 } else { f * f / ((y - f) * (y - f)) }
        });
        let slope = (1.0 - self.bulk.h(y)) / (self.bulk.lambda * self.bulk.ratio);
        let column = |i: usize| eigen.vectors.column(first + i);
        let metric = Array2::from_shape_fn((multiplicity, multiplicity), |(i, j)| {
            let terms = descent.indexed_iter().map(|((a, b), entry)| column(i)[a] * entry * column(j)[b]);
            terms.sum::<f64>() / slope + if i == j { 1.0 } else { 0.0 }
        });
        let lengths = symmetric_eigen(&metric)?;
        // A large overlap is a small eigenvalue of the metric: list the vectors by decreasing overlap.
        let project = |m: usize| {
            let weighted = (0..multiplicity).map(|i| &column(i) * lengths.vectors[[i, m]]);
            weighted.fold(Array1::zeros(self.nodes.dimension()), |sum, part| sum + part)
                / lengths.values[m].sqrt()
        };
        Ok((0..multiplicity).rev().map(project).collect())
    }
}

/// The scalar part of the theory: the law of `f` with `φ` and `λ`.
#[derive(Debug, Clone)]
struct Bulk {
    /// Distinct values other than 0, increasing, with their probabilities.
    atoms: Vec<(f64, f64)>,
    inf: f64,
    sup: f64,
    ratio: f64,
    lambda: f64,
}

impl Bulk {
    fn new(
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

    fn expectation(&self, term: impl Fn(f64) -> f64) -> f64 {
        self.atoms.iter().map(|&(f, mass)| mass * term(f)).sum()
    }

    fn active(&self) -> f64 {
        self.expectation(|_| 1.0)
    }

    fn largest(&self) -> f64 {
        self.inf.abs().max(self.sup.abs())
    }

    /// Smallest over largest size of a value of `f` other than 0.
    fn dynamic_range(&self) -> f64 {
        let smallest = self.atoms.iter().map(|atom| atom.0.abs()).fold(f64::INFINITY, f64::min);
        (smallest / self.largest()).clamp(1e-200, 1.0)
    }

    fn z(&self, y: f64) -> f64 {
        y / self.lambda * (1.0 / self.ratio + self.expectation(|f| f / (y - f)))
    }

    fn h(&self, y: f64) -> f64 {
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
    fn outer_edge(&self, end: f64, sign: f64) -> Edge {
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
    /// Values in the outer 1 % of the law, or the 1 % nearest to zero, are passed over, and so are distances not much wider than those that open a gap
    /// between equally spaced nodes (relative spacing `π √(φ mass)`): gaps between thinned-out nodes mean nothing.
    fn gaps(&self) -> Vec<(f64, f64)> {
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
    fn density_of(&self, (a, b): (f64, f64)) -> f64 {
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
    fn follow(&self, x: f64, known: Option<(f64, (f64, f64))>) -> Option<(f64, f64)> {
        let (from, (a, b)) = known?;
        let (_, slope) = self.complex((a, b));
        let step = quotient((x - from, 0.0), slope);
        let start = (a + step.0, b + step.1);
        let root = self.newton(if start.1 > 0.1 * b { start } else { (a, b) }, (x, 0.0))?;
        (root.1 > 1e-9 * root.0.abs()).then_some(root)
    }

    /// The solution at `x + i0`, continued from a large imaginary part, where `y ≈ λφ z`; it is unique in the upper half plane.
    fn descend(&self, x: f64) -> Result<(f64, f64)> {
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

fn quotient((a, b): (f64, f64), (c, d): (f64, f64)) -> (f64, f64) {
    let squared = c * c + d * d;
    ((a * c + b * d) / squared, (b * c - a * d) / squared)
}

/// Abscissas between the ends of a band on one side of zero, increasing; see [`EffectiveSpectrum::density_grid`].
fn clustered(low: f64, high: f64, count: usize, range: f64) -> Vec<f64> {
    if high <= 0.0 {
        return clustered(-high, -low, count, range).into_iter().rev().map(|x| -x).collect();
    }
    let bottom = if low > 0.0 { low } else { high * 1e-8 * range };
    let spread = |from: f64, to: f64, count: usize| {
        let step = std::f64::consts::PI / whole(count - 1);
        (0..count).map(move |i| from + (to - from) * 0.5 * (1.0 - libm::cos(step * whole(i))))
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

#[allow(clippy::cast_precision_loss, reason = "a number of points is far below 2^52")]
fn whole(count: usize) -> f64 {
    count as f64
}
