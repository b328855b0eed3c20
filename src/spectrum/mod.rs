//! Spectra of one block of the Hessian or the gradient matrix: the only user of LAPACK.
//!
//! A block is `A = (1/n) Σ w_i g_i g_iᵀ` (p × p) over the n samples, or that of a whole layer
//! ([`LayerCurvature`]), which is never formed where it is large. Pairs are ordered by decreasing magnitude of the
//! eigenvalue; of every eigenvector the first entry within a relative 1e-6 of the largest magnitude is positive.

pub mod answer;
pub mod krylov;
pub mod lapack;
pub mod query;
pub mod subspace;

use crate::error::{Error, Result};
use crate::simulation::task::{Curvature, LayerCurvature};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s, stack};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;

/// Largest residual `‖A v - θ v‖ / ‖A‖` of a stored pair; `‖A‖` is the largest magnitude of an eigenvalue.
pub const RESIDUAL: f64 = 1e-12;
/// Residual at which the Krylov iteration stops, below [`RESIDUAL`] to leave room for rounding.
const KRYLOV_RESIDUAL: f64 = 2e-13;
/// Relative residual at which an operator norm has an error far below 1e-10.
const NORM_RESIDUAL: f64 = 1e-7;
/// Largest residual of a stored pair of a block that is not formed: an eigenvalue is then off by the square of it over the gap.
pub const IMPLICIT_RESIDUAL: f64 = 1e-8;
/// Most parameters of a whole layer whose block is formed.
pub const MOST_FORMED: usize = 640;
/// Most vectors of a Krylov space of a block that is not formed.
const MOST_VECTORS: usize = 800;
/// Samples of one rank update.
const TILE: usize = 256;

/// One eigenpair with its relative residual `‖A v - θ v‖ / ‖A‖`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Eigenvalue θ.
    pub value: f64,
    /// Unit eigenvector v.
    pub vector: Array1<f64>,
    /// Relative residual.
    pub residual: f64,
}

/// Operator norms, not normalised, that say how well a matrix lives in a subspace `B` with projector `P`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Norms {
    /// `‖A‖`.
    pub operator: f64,
    /// `‖A - PAP‖`.
    pub outside: f64,
    /// `‖(I-P) A (I-P)‖`.
    pub perpendicular: f64,
}

/// How a block is given.
#[derive(Debug)]
enum Form<'a> {
    /// Of two rows of a layer.
    Rows(Curvature<'a>),
    /// Of a whole layer.
    Layer(LayerCurvature<'a>),
}

/// A block; its dense matrix is formed when first needed.
#[derive(Debug)]
pub struct BlockMatrix<'a> {
    form: Form<'a>,
    dense: OnceCell<Array2<f64>>,
}

impl<'a> BlockMatrix<'a> {
    /// The block of these features and weights.
    pub fn new(curvature: Curvature<'a>) -> Self {
        Self { form: Form::Rows(curvature), dense: OnceCell::new() }
    }

    /// The block of a whole layer.
    pub fn of_layer(curvature: LayerCurvature<'a>) -> Self {
        Self { form: Form::Layer(curvature), dense: OnceCell::new() }
    }

    /// What the layer of the block is given, n × inputs.
    pub fn inputs(&self) -> ArrayView2<'_, f64> {
        match &self.form {
            Form::Rows(curvature) => curvature.features.view(),
            Form::Layer(curvature) => curvature.inputs.view(),
        }
    }

    /// The second moment of the inputs, `(1/n) Σ a_i a_iᵀ`: that of a row with every weight 1.
    pub fn unweighted(&self) -> BlockMatrix<'_> {
        let features = self.inputs();
        BlockMatrix::new(Curvature { features: features.into(), weights: vec![1.0; features.nrows()] })
    }

    /// Number of parameters.
    fn p(&self) -> usize {
        match &self.form {
            Form::Rows(curvature) => curvature.features.ncols(),
            Form::Layer(curvature) => curvature.inputs.ncols() * curvature.factors.ncols(),
        }
    }

    /// Whether it may have negative eigenvalues.
    fn is_signed(&self) -> bool {
        match &self.form {
            Form::Rows(curvature) => curvature.weights.iter().any(|&weight| weight < 0.0),
            Form::Layer(_) => false,
        }
    }

    /// The block of a whole layer that is too large to be formed.
    fn implicit(&self) -> Option<&LayerCurvature<'a>> {
        match &self.form {
            Form::Layer(curvature) if self.p() > MOST_FORMED => Some(curvature),
            _ => None,
        }
    }

    /// The products with the columns of a p × b matrix, without the dense matrix where the block is large.
    ///
    /// # Errors
    /// As for [`Self::dense`].
    pub fn apply(&self, block: &Array2<f64>) -> Result<Array2<f64>> {
        Ok(match self.implicit() {
            Some(curvature) => layer_product(curvature, block),
            None => self.dense()?.dot(block),
        })
    }

    /// A space of inputs (inputs × dim) as one of parameters: for each row of a whole layer.
    fn lifted(&self, space: &Array2<f64>) -> Array2<f64> {
        match &self.form {
            Form::Rows(_) => space.clone(),
            Form::Layer(curvature) => {
                let (rows, (m, dim)) = (curvature.factors.ncols(), space.dim());
                let mut lifted = Array2::zeros((rows * m, rows * dim));
                for row in 0..rows {
                    let own = s![row * m..(row + 1) * m, row * dim..(row + 1) * dim];
                    lifted.slice_mut(own).assign(space);
                }
                lifted
            }
        }
    }

    /// Columns to start the outliers of the block of a whole layer from: the leading `wanted` directions of the means of `f_sq ⊗ a_s`
    /// over the samples of each cluster, and two in general position.
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails; a block of two rows.
    pub fn cluster_start(&self, clusters: &[u32], wanted: usize) -> Result<Array2<f64>> {
        let Form::Layer(LayerCurvature { inputs, factors }) = &self.form else {
            let problem = "only the block of a whole layer starts from means of clusters".to_owned();
            return Err(Error::Numeric { routine: "cluster start", problem });
        };
        let (n, rank) = (inputs.nrows(), factors.nrows() / inputs.nrows().max(1));
        let number = clusters.iter().max().map_or(0, |most| *most as usize + 1);
        let mut means = Array2::zeros((self.p(), number * rank));
        for (column, mut mean) in means.columns_mut().into_iter().enumerate() {
            let (cluster, q) = (column / rank, column % rank);
            let mine: Vec<usize> = (0..n).filter(|sample| clusters[*sample] as usize == cluster).collect();
            let of = factors.select(Axis(0), &mine.iter().map(|one| one * rank + q).collect::<Vec<_>>());
            let product = of.t().dot(&inputs.select(Axis(0), &mine));
            mean.iter_mut().zip(&product).for_each(|(entry, value)| *entry = value / count(n));
        }
        let (_, vectors) = lapack::eigenpairs(means.t().dot(&means).as_standard_layout().to_owned())?;
        let kept = wanted.min(number * rank);
        let leading = vectors.slice(s![vectors.nrows() - kept.., ..]);
        let mut start = Array2::zeros((self.p(), kept + 2));
        start.slice_mut(s![.., ..kept]).assign(&means.dot(&leading.t()));
        start.slice_mut(s![.., kept..]).assign(&scattered(self.p(), 2));
        Ok(start)
    }

    /// The dense matrix, p × p, both triangles.
    ///
    /// # Errors
    /// [`Error::Numeric`] where a dimension does not fit LAPACK.
    pub fn dense(&self) -> Result<&Array2<f64>> {
        if let Some(dense) = self.dense.get() {
            return Ok(dense);
        }
        let formed = match &self.form {
            Form::Rows(curvature) => weighted_gram(curvature)?,
            Form::Layer(curvature) if self.p() <= MOST_FORMED => layer_gram(curvature)?,
            Form::Layer(_) => {
                let problem = format!("a block of {} parameters is not formed", self.p());
                return Err(Error::Numeric { routine: "spectrum", problem });
            }
        };
        Ok(self.dense.get_or_init(|| formed))
    }

    /// The `count` eigenpairs of largest magnitude (all p if there are fewer), from the dense matrix.
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails or a residual is above [`RESIDUAL`].
    pub fn top(&self, count: usize) -> Result<Vec<Pair>> {
        let dense = self.dense()?;
        let p = self.p();
        let count = count.min(p);
        let (mut values, mut vectors) = lapack::eigenpairs_between(dense.clone(), p - count + 1, p)?;
        if self.is_signed() && count < p {
            let (low, low_vectors) = lapack::eigenpairs_between(dense.clone(), 1, count.min(p - count))?;
            values.extend(low);
            vectors.append(Axis(0), low_vectors.view()).map_err(shape)?;
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        order.truncate(count);
        let values: Vec<f64> = order.iter().map(|&index| values[index]).collect();
        let vectors = vectors.select(Axis(0), &order).reversed_axes();
        finish(&dense.dot(&vectors), &values, &vectors, RESIDUAL)
    }

    /// The same by a block Krylov iteration warm-started from `start` (p × b), a guess of the space; where outliers do
    /// not stand clear of the bulk it does not converge and the dense way is taken.
    ///
    /// # Errors
    /// [`Error::Numeric`] as for [`Self::top`]; a large block of a whole layer in which the pairs do not stand clear.
    pub fn outliers(&self, count: usize, start: &Array2<f64>) -> Result<Vec<Pair>> {
        let count = count.min(self.p());
        if let Some(curvature) = self.implicit() {
            let apply = |block: &Array2<f64>| layer_product(curvature, block);
            let ritz = krylov::leading(&apply, start, count, IMPLICIT_RESIDUAL / 4.0, MOST_VECTORS)?;
            let ritz = ritz.ok_or_else(|| Error::Numeric {
                routine: "eigenpairs",
                problem: format!("{count} pairs do not converge in {MOST_VECTORS} vectors"),
            })?;
            return finish(&apply(&ritz.vectors), &ritz.values, &ritz.vectors, IMPLICIT_RESIDUAL);
        }
        let dense = self.dense()?;
        let most = 16 * start.ncols();
        match krylov::leading(&|block| dense.dot(block), start, count, KRYLOV_RESIDUAL, most)? {
            Some(ritz) => finish(&dense.dot(&ritz.vectors), &ritz.values, &ritz.vectors, RESIDUAL),
            None => self.top(count),
        }
    }

    /// All eigenvalues by value, largest first.
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails.
    pub fn values(&self) -> Result<Vec<f64>> {
        let mut values = lapack::eigenvalues(self.dense()?.clone())?;
        values.reverse();
        Ok(values)
    }

    /// How well the block lives in the span of the orthonormal columns of `space` (p × dim).
    ///
    /// # Errors
    /// [`Error::Numeric`] if LAPACK fails.
    pub fn norms(&self, space: &Array2<f64>) -> Result<Norms> {
        let dense = self.dense()?;
        let space = &self.lifted(space);
        let inside = |block: &Array2<f64>| space.dot(&space.t().dot(block));
        let norm = |apply: &dyn Fn(&Array2<f64>) -> Array2<f64>| -> Result<f64> {
            let start = scattered(self.p(), 4.min(self.p()));
            if let Some(ritz) = krylov::leading(apply, &start, 1, NORM_RESIDUAL, 120)? {
                return Ok(ritz.values[0].abs());
            }
            let values = lapack::eigenvalues(apply(&Array2::eye(self.p())).as_standard_layout().to_owned())?;
            Ok(values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs())))
        };
        Ok(Norms {
            operator: norm(&|block| dense.dot(block))?,
            outside: norm(&|block| dense.dot(block) - inside(&dense.dot(&inside(block))))?,
            perpendicular: norm(&|block| {
                let image = dense.dot(&(block - &inside(block)));
                &image - &inside(&image)
            })?,
        })
    }
}

pub(crate) fn shape(error: ndarray::ShapeError) -> Error {
    Error::Numeric { routine: "spectrum", problem: error.to_string() }
}

#[allow(clippy::cast_precision_loss, reason = "a sample size is exact in f64")]
fn count(n: usize) -> f64 {
    n as f64
}

/// `(1/n) Σ w_i g_i g_iᵀ` by rank updates over tiles of samples, those of positive weight first.
fn weighted_gram(curvature: &Curvature) -> Result<Array2<f64>> {
    let Curvature { features, weights } = curvature;
    let p = features.ncols();
    let mut matrix = Array2::zeros((p, p));
    for sign in [1.0, -1.0] {
        let alpha = sign / count(weights.len());
        let mut tile = Vec::with_capacity(TILE * p);
        for (row, weight) in features.rows().into_iter().zip(weights) {
            if weight * sign > 0.0 {
                let root = weight.abs().sqrt();
                tile.extend(row.iter().map(|value| root * value));
            }
            if tile.len() == TILE * p {
                lapack::add_gram(&mut matrix, &tile, alpha)?;
                tile.clear();
            }
        }
        lapack::add_gram(&mut matrix, &tile, alpha)?;
    }
    lapack::symmetrise(&mut matrix);
    Ok(matrix)
}

/// The same for a whole layer, from rows `f_sq ⊗ a_s`.
fn layer_gram(curvature: &LayerCurvature) -> Result<Array2<f64>> {
    let LayerCurvature { inputs, factors } = curvature;
    let (n, p) = (inputs.nrows(), inputs.ncols() * factors.ncols());
    let rank = factors.nrows() / n.max(1);
    let mut matrix = Array2::zeros((p, p));
    let mut tile = Vec::with_capacity(TILE * p);
    for (row, factor) in factors.rows().into_iter().enumerate() {
        let input = inputs.row(row / rank);
        for &f in factor {
            tile.extend(input.iter().map(|a| f * a));
        }
        if tile.len() == TILE * p {
            lapack::add_gram(&mut matrix, &tile, 1.0 / count(n))?;
            tile.clear();
        }
    }
    lapack::add_gram(&mut matrix, &tile, 1.0 / count(n))?;
    lapack::symmetrise(&mut matrix);
    Ok(matrix)
}

/// The product of the block of a whole layer with the columns of `block` (p × b): `V ↦ (1/n) Σ_sq ⟨f_sq, V a_s⟩ f_sq a_sᵀ`.
fn layer_product(curvature: &LayerCurvature, block: &Array2<f64>) -> Array2<f64> {
    let LayerCurvature { inputs, factors } = curvature;
    let (n, m, rows, b) = (inputs.nrows(), inputs.ncols(), factors.ncols(), block.ncols());
    let rank = factors.nrows() / n.max(1);
    // All b matrices (rows × m) under each other.
    let mut stacked = Array2::zeros((b * rows, m));
    for (index, column) in block.columns().into_iter().enumerate() {
        let slots = stacked.slice_mut(s![index * rows..(index + 1) * rows, ..]);
        slots.into_iter().zip(column).for_each(|(slot, value)| *slot = *value);
    }
    let mut images = inputs.dot(&stacked.t()).as_standard_layout().to_owned();
    let mut image = vec![0.0; rows];
    for (sample, mut row) in images.rows_mut().into_iter().enumerate() {
        let Some(row) = row.as_slice_mut() else { continue };
        for part in row.chunks_exact_mut(rows) {
            image.fill(0.0);
            for factor in factors.slice(s![sample * rank..(sample + 1) * rank, ..]).rows() {
                let inside = factor.iter().zip(&*part).fold(0.0, |sum, (f, u)| sum + f * u);
                image.iter_mut().zip(factor).for_each(|(slot, f)| *slot += inside * f);
            }
            part.copy_from_slice(&image);
        }
    }
    let product = images.t().dot(inputs) / count(n);
    Array2::from_shape_fn((rows * m, b), |(entry, index)| product[[index * rows + entry / m, entry % m]])
}

/// Fixes signs, measures residuals and refuses pairs above the largest allowed.
fn finish(image: &Array2<f64>, values: &[f64], vectors: &Array2<f64>, most: f64) -> Result<Vec<Pair>> {
    let norm = values.first().map_or(0.0, |value| value.abs());
    let mut pairs = Vec::with_capacity(values.len());
    for (index, &value) in values.iter().enumerate() {
        let vector = vectors.column(index);
        let difference = &image.column(index) - &(&vector * value);
        let residual = difference.dot(&difference).sqrt();
        if residual.is_nan() || residual > most * norm {
            let problem =
                format!("residual {residual:e} of pair {} is above {most:e} of the norm {norm:e}", index + 1);
            return Err(Error::Numeric { routine: "eigenpairs", problem });
        }
        pairs.push(Pair {
            value,
            vector: signed(vector.to_owned()),
            residual: if norm > 0.0 { residual / norm } else { 0.0 },
        });
    }
    Ok(pairs)
}

/// The eigenvectors of the first `count` pairs as orthonormal columns, p × count.
///
/// # Errors
/// [`Error::Numeric`] if there is no pair.
pub fn leading_space(pairs: &[Pair], count: usize) -> Result<Array2<f64>> {
    let views: Vec<ArrayView1<f64>> = pairs.iter().take(count).map(|pair| pair.vector.view()).collect();
    stack(Axis(1), &views).map_err(shape)
}

/// The vector or its negative, whichever makes the first of its (nearly) largest entries positive.
pub(crate) fn signed(vector: Array1<f64>) -> Array1<f64> {
    let largest = vector.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    let lead = vector.iter().find(|entry| entry.abs() >= largest * (1.0 - 1e-6)).copied().unwrap_or(0.0);
    if lead < 0.0 { -vector } else { vector }
}

/// Deterministic columns in general position, to start an iteration from.
pub fn scattered(p: usize, columns: usize) -> Array2<f64> {
    let mut state = 1u64;
    Array2::from_shape_simple_fn((p, columns), || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((state >> 33) as u32) / f64::from(1u32 << 30) - 1.0
    })
}

/// Columns to start the outliers of one block from: a basis of the mean space, one parameter row, two in general
/// position.
pub fn warm_start(space: &Array2<f64>, row: ArrayView1<f64>) -> Array2<f64> {
    let p = space.nrows();
    let mut start = Array2::zeros((p, space.ncols() + 3));
    start.slice_mut(s![.., ..space.ncols()]).assign(space);
    start.slice_mut(s![.., space.ncols()]).assign(&row);
    start.slice_mut(s![.., space.ncols() + 1..]).assign(&scattered(p, 2));
    start
}
