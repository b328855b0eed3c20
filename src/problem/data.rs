//! The law of the data.

use crate::error::Result;
use crate::problem::given::{Check, Given};
use serde::Serialize;

/// Source files of the laws, so that the keys of one do not change with the code of another.
pub const SOURCES: [&str; 2] = [MIXTURE, XOR];

const MIXTURE: &str = "src/simulation/data/mixture.rs";
const XOR: &str = "src/simulation/data/xor.rs";

/// Number of clusters of the XOR mixture.
pub const CLUSTERS: usize = 4;

/// Law of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "law", rename_all = "kebab-case")]
pub enum DataLaw {
    /// k-component Gaussian mixture: `Y = μ_b + z/√λ`, `z ~ N(0, I_d)`, with label b.
    Mixture {
        /// Dimension `d` of the data.
        d: usize,
        /// Signal-to-noise ratio λ.
        lambda: f64,
        /// Class probabilities `p_1..p_k`.
        probabilities: Vec<f64>,
        /// The class means.
        means: Means,
        /// Directions in which the noise is not that of λ; none where it is isotropic.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        nuisance: Option<Nuisance>,
    },
    /// Four equally likely Gaussian clusters at `±μ` (label 1) and `±ν` (label 0), with the same noise.
    Xor {
        /// Dimension `d` of the data.
        d: usize,
        /// Signal-to-noise ratio λ.
        lambda: f64,
        /// Leading coordinates of the unit vector μ; the rest are zero.
        mu: Vec<f64>,
        /// Leading coordinates of the unit vector ν, orthogonal to μ.
        nu: Vec<f64>,
    },
}

/// A few coordinates after those of the means in which the noise has a variance of its own, whatever the label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Nuisance {
    /// Number of the coordinates.
    #[serde(rename = "nuisance_directions")]
    pub directions: usize,
    /// Variance of the noise in each of them.
    #[serde(rename = "nuisance")]
    pub variance: f64,
}

/// How the unit class means lie to each other. By rotation invariance they may as well span the first k coordinates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// `μ_a = e_a`.
    Orthonormal,
    /// Means with this k × k Gram matrix (ones on the diagonal, positive definite).
    Gram(Vec<Vec<f64>>),
}

impl DataLaw {
    /// The mixture of `k` equally likely classes with orthonormal means.
    #[must_use]
    pub fn mixture(d: usize, lambda: f64, k: usize) -> Self {
        Self::unequal_mixture(d, lambda, equal(k), Means::Orthonormal)
    }

    /// The mixture of classes with these probabilities and means.
    #[must_use]
    pub fn unequal_mixture(d: usize, lambda: f64, probabilities: Vec<f64>, means: Means) -> Self {
        Self::Mixture { d, lambda, probabilities, means, nuisance: None }
    }

    /// This law with label-free noise of this variance in as many coordinates after those of the means; only a mixture has it.
    #[must_use]
    pub fn with_nuisance(mut self, given: Nuisance) -> Self {
        if let Self::Mixture { nuisance, .. } = &mut self {
            *nuisance = Some(given);
        }
        self
    }

    /// The coordinates with noise of their own, where there are some.
    #[must_use]
    pub fn nuisance(&self) -> Option<Nuisance> {
        match self {
            Self::Mixture { nuisance, .. } => *nuisance,
            Self::Xor { .. } => None,
        }
    }

    /// The XOR mixture with `μ = e_1` and `ν = e_2`.
    #[must_use]
    pub fn xor(d: usize, lambda: f64) -> Self {
        Self::turned_xor(d, lambda, vec![1.0], vec![0.0, 1.0])
    }

    /// The XOR mixture with means of these leading coordinates.
    #[must_use]
    pub fn turned_xor(d: usize, lambda: f64, mu: Vec<f64>, nu: Vec<f64>) -> Self {
        Self::Xor { d, lambda, mu, nu }
    }

    /// Name of the law.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mixture { .. } => "mixture",
            Self::Xor { .. } => "xor",
        }
    }

    /// The source file that draws from it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Self::Mixture { .. } => MIXTURE,
            Self::Xor { .. } => XOR,
        }
    }

    /// Names of the parameters that `--set` changes.
    #[must_use]
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Mixture { nuisance: None, .. } => &["d", "k", "lambda"],
            Self::Mixture { .. } => &["d", "k", "lambda", "nuisance"],
            Self::Xor { .. } => &["d", "lambda"],
        }
    }

    /// Changes the parameter of this name.
    ///
    /// # Errors
    /// A value outside its range; classes that are not exchangeable.
    pub fn set(&mut self, key: &str, given: &Given) -> Result<()> {
        match (self, key) {
            (Self::Mixture { d, .. } | Self::Xor { d, .. }, "d") => *d = given.count(1_000_000_000)?,
            (Self::Mixture { lambda, .. } | Self::Xor { lambda, .. }, "lambda") => {
                *lambda = given.number()?;
            }
            (Self::Mixture { probabilities, means, .. }, "k") => {
                let k = given.count(10_000)?;
                let even = probabilities.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
                if !(even && *means == Means::Orthonormal) {
                    return Err(
                        given.refused("the classes of this experiment are not exchangeable, so k is fixed")
                    );
                }
                *probabilities = equal(k);
            }
            (Self::Mixture { nuisance: Some(nuisance), .. }, "nuisance") => {
                nuisance.variance = given.number()?;
            }
            (law, _) => return Err(given.not_of(law.keys())),
        }
        Ok(())
    }

    /// Dimension `d` of the data.
    #[must_use]
    pub fn d(&self) -> usize {
        match self {
            Self::Mixture { d, .. } | Self::Xor { d, .. } => *d,
        }
    }

    /// Changes the dimension.
    pub fn set_d(&mut self, dimension: usize) {
        match self {
            Self::Mixture { d, .. } | Self::Xor { d, .. } => *d = dimension,
        }
    }

    /// Signal-to-noise ratio λ, of a law that has one.
    #[must_use]
    pub fn lambda(&self) -> Option<f64> {
        match self {
            Self::Mixture { lambda, .. } | Self::Xor { lambda, .. } => Some(*lambda),
        }
    }

    /// Changes λ of a law that has one.
    pub fn set_lambda(&mut self, ratio: f64) {
        match self {
            Self::Mixture { lambda, .. } | Self::Xor { lambda, .. } => *lambda = ratio,
        }
    }

    /// Number of labels.
    #[must_use]
    pub fn labels(&self) -> usize {
        match self {
            Self::Mixture { probabilities, .. } => probabilities.len(),
            Self::Xor { .. } => 2,
        }
    }

    /// Probability of each cluster.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        match self {
            Self::Mixture { probabilities, .. } => probabilities,
            Self::Xor { .. } => &[0.25; CLUSTERS],
        }
    }

    /// Number of linearly independent means, that rows of the first layer align with: `μ_1..μ_k`, or `μ, ν`.
    #[must_use]
    pub fn means(&self) -> usize {
        match self {
            Self::Mixture { probabilities, .. } => probabilities.len(),
            Self::Xor { .. } => 2,
        }
    }

    /// Symbols of these means.
    #[must_use]
    pub fn mean_symbols(&self) -> Vec<String> {
        match self {
            Self::Mixture { probabilities, .. } => {
                (1..=probabilities.len()).map(|class| format!("μ_{class}")).collect()
            }
            Self::Xor { .. } => vec!["μ".to_owned(), "ν".to_owned()],
        }
    }

    /// Gram matrix of these means.
    #[must_use]
    pub fn mean_gram(&self) -> Vec<Vec<f64>> {
        match self {
            Self::Mixture { means: Means::Gram(gram), .. } => gram.clone(),
            _ => identity(self.means()),
        }
    }

    /// This law in `d` coordinates, the first of which span the means.
    #[must_use]
    pub fn in_span(&self, d: usize) -> Self {
        match self {
            Self::Mixture { lambda, probabilities, means, nuisance, .. } => {
                let mut law = Self::unequal_mixture(d, *lambda, probabilities.clone(), means.clone());
                if let Some(nuisance) = nuisance {
                    law = law.with_nuisance(*nuisance);
                }
                law
            }
            Self::Xor { lambda, .. } => Self::xor(d, *lambda),
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::error::Error::Parameter) with the name, the value and the rule it breaks.
    pub fn validate(&self, check: &Check) -> Result<()> {
        if self.d() == 0 {
            return Err(check.refused("d", 0, "must be at least 1"));
        }
        if let Some(lambda) = self.lambda() {
            check.positive("lambda", lambda)?;
        }
        match self {
            Self::Mixture { d, probabilities, means, nuisance, .. } => {
                validate_mixture(check, *d, probabilities, means)?;
                nuisance.map_or(Ok(()), |nuisance| {
                    validate_nuisance(check, d.saturating_sub(probabilities.len()), nuisance)
                })
            }
            Self::Xor { d, mu, nu, .. } => validate_xor(check, *d, mu, nu),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a class count is exact in f64")]
fn equal(k: usize) -> Vec<f64> {
    vec![1.0 / k as f64; k]
}

/// The k × k unit matrix.
#[must_use]
pub fn identity(k: usize) -> Vec<Vec<f64>> {
    (0..k).map(|a| (0..k).map(|b| f64::from(u8::from(a == b))).collect()).collect()
}

fn validate_mixture(check: &Check, d: usize, probabilities: &[f64], means: &Means) -> Result<()> {
    let k = probabilities.len();
    if k < 2 {
        return Err(check.refused("k", k, "a classification task needs at least 2 classes"));
    }
    if k > d {
        return Err(check.refused("k", k, format!("k linearly independent means need k ≤ d = {d}")));
    }
    for &p in probabilities {
        if !(p.is_finite() && p > 0.0) {
            return Err(check.refused("probabilities", p, "every class probability must be above 0"));
        }
    }
    let total: f64 = probabilities.iter().sum();
    if (total - 1.0).abs() > 1e-9 {
        return Err(check.refused("probabilities", total, "class probabilities must sum to 1"));
    }
    if let Means::Gram(gram) = means {
        if gram.len() != k || gram.iter().any(|row| row.len() != k) {
            let rule = format!("the Gram matrix of means must be {k} × {k}");
            return Err(check.refused("means", gram.len(), rule));
        }
        for (a, row) in gram.iter().enumerate() {
            for (b, &entry) in row.iter().enumerate() {
                let expected = if a == b { 1.0 } else { gram[b][a] };
                if !entry.is_finite() || (entry - expected).abs() > 1e-12 {
                    let rule = "the Gram matrix of means must be symmetric with ones on the diagonal";
                    return Err(check.refused(&format!("means[{a}][{b}]"), entry, rule));
                }
            }
        }
        if cholesky(gram).is_none() {
            let rule = "the Gram matrix of means must be positive definite (linearly independent means)";
            return Err(check.refused("means", format!("{gram:?}"), rule));
        }
    }
    Ok(())
}

fn validate_nuisance(check: &Check, room: usize, nuisance: Nuisance) -> Result<()> {
    if nuisance.directions == 0 || nuisance.directions > room {
        let rule = format!("must be from 1 to {room}, the coordinates that the means leave");
        return Err(check.refused("nuisance_directions", nuisance.directions, rule));
    }
    check.positive("nuisance", nuisance.variance)
}

fn validate_xor(check: &Check, d: usize, mu: &[f64], nu: &[f64]) -> Result<()> {
    if d < 2 {
        return Err(check.refused("d", d, "two orthogonal means need d of at least 2"));
    }
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).fold(0.0, |sum, (left, right)| sum + left * right);
    for (key, mean) in [("mu", mu), ("nu", nu)] {
        let shown = format!("{mean:?}");
        if mean.len() > d {
            return Err(check.refused(key, shown, format!("has more coordinates than d = {d}")));
        }
        let squared = dot(mean, mean);
        if squared == 0.0 {
            return Err(check.refused(key, shown, "a mean of the XOR mixture must not be zero"));
        }
        if squared.is_nan() || (squared - 1.0).abs() > 1e-12 {
            return Err(check.refused(key, shown, "a mean of the XOR mixture must have length 1"));
        }
    }
    let cosine = dot(mu, nu);
    if cosine.abs() > 1e-12 {
        let rule = "the means μ and ν of the XOR mixture must be orthogonal; this is their inner product";
        return Err(check.refused("mu·nu", cosine, rule));
    }
    Ok(())
}

/// Lower Cholesky factor of a small symmetric matrix, in a fixed order of operations; none if it is not
/// positive definite to a relative 1e-12.
#[must_use]
pub fn cholesky(gram: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let k = gram.len();
    let mut factor = vec![vec![0.0; k]; k];
    for a in 0..k {
        for b in 0..=a {
            let mut rest = gram[a][b];
            for (left, right) in factor[a][..b].iter().zip(&factor[b][..b]) {
                rest -= left * right;
            }
            factor[a][b] = if a > b {
                rest / factor[b][b]
            } else if rest > 1e-12 {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    Some(factor)
}
