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
use crate::mutation;
use crate::theory::bulk::{Bulk, Edge, clustered};
use crate::theory::jacobi::{SymmetricEigen, symmetric_eigen};
use crate::theory::mixture_law::MixtureLaw;
use crate::theory::{NodeSet, Weights};

/// Relative distance of outliers below which their eigenvectors are found together.
const DEGENERATE: f64 = 1e-8;
/// Relative margin by which an outlier must clear the edge.
const CLEARANCE: f64 = 1e-12;

/// Where an outlier lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Above the right edge of the bulk.
    Above,
    /// Below the left edge of the bulk.
    Below,
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
    /// Where it lies, in the parametrisation by `y`.
    pub(crate) y: f64,
}

impl Outlier {
    /// Squared overlap of the unit eigenvector with `V`, `‖r‖²`.
    pub fn overlap_with_space(&self) -> f64 {
        self.projection.iter().map(|value| value * value).sum()
    }

    /// Squared overlap with the direction of a vector of `V` given in the coordinates of the nodes; 0 for the zero vector.
    pub fn overlap_with(&self, direction: &ArrayView1<f64>) -> f64 {
        let squared: f64 = direction.iter().map(|value| value * value).sum();
        let product: f64 = direction.iter().zip(&self.projection).map(|(a, b)| a * b).sum();
        if squared > 0.0 { product * product / squared } else { 0.0 }
    }

    /// Squared overlap with the span of orthonormal columns (`r × m`).
    pub fn overlap_with_span(&self, basis: &Array2<f64>) -> f64 {
        basis.columns().into_iter().map(|column| self.overlap_with(&column)).sum()
    }

    /// Squared overlap with `Span(μ_1..μ_k)`.
    pub fn overlap_with_span_of_means(&self, law: &MixtureLaw) -> f64 {
        self.overlap_with_span(&law.means_basis)
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
        let lambda = mutation::predicted_for(lambda);
        let values = &weights.values;
        if values.len() != nodes.masses.len() {
            let rule = format!("needs one weight per node, {}", nodes.masses.len());
            return Err(Error::parameter("weights", values.len(), rule));
        }
        let slack = 1e-12 * weights.sup.abs().max(weights.inf.abs());
        let (low, high) = (weights.inf - slack, weights.sup + slack);
        let occupied = |(value, mass): (&f64, &f64)| *mass > 0.0 && !(low..=high).contains(value);
        if !(low.is_finite() && high.is_finite()) || values.iter().zip(&nodes.masses).any(occupied) {
            let rule = format!("must lie in [inf, sup] = [{}, {}]", weights.inf, weights.sup);
            return Err(Error::parameter("weights", "out of range", rule));
        }
        let bulk = Bulk::new(values, &nodes.masses, (weights.inf, weights.sup), (ratio, lambda));
        let (right, left) = (bulk.outer_edge(bulk.sup, 1.0), bulk.outer_edge(bulk.inf, -1.0));
        Ok(Self { nodes: nodes.clone(), values: values.clone(), bulk, right, left })
    }

    /// The nodes of `u`.
    pub(crate) fn nodes(&self) -> &NodeSet {
        &self.nodes
    }

    /// The weights at the nodes.
    pub(crate) fn values(&self) -> &Array1<f64> {
        &self.values
    }

    /// `λ`.
    pub(crate) fn lambda(&self) -> f64 {
        self.bulk.lambda
    }

    /// `φ`.
    pub(crate) fn ratio(&self) -> f64 {
        self.bulk.ratio
    }

    /// Right edge of the bulk.
    pub fn right_edge(&self) -> Edge {
        self.right
    }

    /// Left edge of the bulk. For `f ≥ 0` with mass at zero it is that mass' position, 0, unless `inf f > 0`; then, as without
    /// such mass, it is the left edge of the continuous part.
    pub fn left_edge(&self) -> Edge {
        self.left
    }

    /// Mass of the spectrum at zero, `(1 - φ P(f ≠ 0))₊`.
    pub fn mass_at_zero(&self) -> f64 {
        (1.0 - self.bulk.ratio * self.bulk.active()).max(0.0)
    }

    /// The intervals that carry the continuous part of the bulk, in increasing order.
    ///
    /// Gaps are found where the law of `f` has a gap of its own, with 1 % of the law on either side.
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
                found.push(Outlier { position: self.bulk.z(y), side, projection, y });
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
            if y <= low.0
                || y >= high.0
                || width <= 4.0 * f64::EPSILON * y.abs().max(1e-3 * self.bulk.largest())
            {
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
