//! B1 and B2 over a grid of signal-to-noise ratios: rates of the alignment errors of both layers.
//!
//! The theorem bounds both by `O(ε + λ^{-1/2})`, with ε for what is left of the start. The first layer attains the rate. The
//! second does not: its error is all ε, from neurons that never align and fade with the ridge, at every λ; run for longer
//! it falls below 1e-5 without a trace of λ. So slopes are claimed of the first layer only, and of the second the bound, with its
//! slack. A first-layer block has these slopes at the start as well, as has the sample without weights, since both live in
//! `Span(μ, ν)`: what tells the trained block is the height of its bulk below the outliers, which is judged against the prediction.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::FEWEST_CHECKPOINTS;
use crate::problem::family::Family;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Matrix};
use crate::spectrum::Pair;
use crate::spectrum::query::Question;
use crate::spectrum::subspace::{random_space, sine, space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Rows, Subspace, average};
use crate::stage::{Data, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::shared::{Seen, all_seen, norm_errors, query, seen};
use crate::stages::common::xor::{
    SECOND, checked, experiment, first, law_of_sample, neurons, predicted, whole_second,
};
use crate::table::Table;
use crate::theory;
use crate::theory::jacobi::symmetric_eigen;
use ndarray::{Array2, Axis};

/// The grid, half a decade apart.
const GRID: [u32; 7] = [10, 30, 100, 300, 1000, 3000, 10_000];

/// The neuron whose block is taken; those of the others differ by a factor and by their gates.
const NEURON: u32 = 0;

/// Principal components of the data: the two of the means, and the first of the bulk.
const COMPONENTS: Question = Question::Components(3);

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let mut base = experiment(settings.profile, "xor-snr", 8, 300, f64::from(GRID[0]));
    // What is left of the start must be gone: e^{-βT} = 5.5e-4, still below the collapse threshold of every λ.
    base.problem.training.beta = 0.05;
    base.checkpoints = FEWEST_CHECKPOINTS;
    let family = Family::new("xor-snr", base).axis(over_lambda(&GRID));
    settings
        .members(family)?
        .into_iter()
        .map(|point| {
            let whole = whole_second(&point);
            Ok(Request::new(checked(settings, point)?)
                .every_replicate(Checkpoints::Last, first(NEURON), COMPONENTS)
                .every_replicate(Checkpoints::Last, first(NEURON), Question::Norms)
                .every_replicate(Checkpoints::Last, SECOND, Question::Norms)
                .every_replicate(Checkpoints::Last, SECOND, whole))
        })
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        let name = &experiment.name;
        let task = task::build(&experiment.problem);
        let beta = experiment.problem.training.beta;
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::Last)? {
            let all = neurons(experiment, &observed);
            let alive: Vec<f64> =
                all.iter().filter(|neuron| neuron.alive()).map(|neuron| neuron.sine).collect();
            let (layer, dead) = (Of::layer(Layer::W), as_f64(all.len() - alive.len()));
            rows.measure(&here, "dead neurons", layer, dead);
            let mut normals = data.null(name, replicate);
            if !alive.is_empty() {
                let mean = average(&alive);
                rows.measure(&here, "sine", layer.with(Subspace::Means), mean);
                let plane = random_space(experiment.problem.d(), 2, &mut normals)?;
                let neurons = all.iter().zip(observed.parameters[0].rows());
                let sines: Vec<f64> =
                    neurons.filter(|(neuron, _)| neuron.alive()).map(|(_, w)| sine(w, &plane)).collect();
                rows.measure(&here, "sine", layer.with(Subspace::Random), average(&sines));
            }
            let space = space(&*task, SECOND.layer, &observed.parameters)?;
            let random = random_space(space.nrows(), space.ncols(), &mut normals)?;
            let (v, second) = (observed.parameters[1].column(0), Of::row(Layer::V, 0));
            rows.measure(&here, "sine", second.with(Subspace::Means), sine(v, &space));
            rows.measure(&here, "sine", second.with(Subspace::Random), sine(v, &random));
            for start in seen(data, experiment, replicate, Checkpoints::First)? {
                let old = start.observed.parameters[1].column(0).to_owned();
                let left =
                    libm::exp(-beta * here.time) * (old.dot(&old) / v.dot(&v).max(f64::MIN_POSITIVE)).sqrt();
                rows.measure(&here, "left of the start", second, left);
            }
            let components =
                data.components(name, replicate, query(checkpoint, first(NEURON), COMPONENTS))?;
            if let [top, _, bulk] = components.as_slice() {
                let of = layer.with(Subspace::Components);
                rows.measure(&here, "perpendicular error", of, bulk.value / top.value);
            }
            for block in [first(NEURON), SECOND] {
                let norms = data.norms(name, replicate, query(checkpoint, block, Question::Norms))?;
                for (matrix, norms) in Matrix::BOTH.into_iter().zip(norms) {
                    rows.statistics.extend(norm_errors(&here, Of::block(matrix, block), norms));
                }
            }
            let whole = query(checkpoint, SECOND, whole_second(experiment));
            for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&data.pairs(name, replicate, whole)?) {
                let block = Of::block(matrix, SECOND).with(Subspace::Random);
                let errors = errors_against(pairs, &random)?;
                for (statistic, value) in ["full error", "perpendicular error"].into_iter().zip(errors) {
                    rows.measure(&here, statistic, block, value);
                }
            }
            let law = law_of_sample(experiment, &observed)?;
            let spectrum = predicted(experiment, &law, theory::Matrix::Hessian, NEURON as usize)?;
            if let Some(top) = spectrum.outliers_above()?.first() {
                let block = Of::block(Matrix::Hessian, first(NEURON)).with(Subspace::Means);
                let height = spectrum.right_edge().position / top.position;
                rows.predict(&here, "perpendicular error", block, height);
            }
        }
    }
    rows.tables(&["statistics", "theory"])
}

/// `‖A - PAP‖/‖A‖` and `‖(I-P) A (I-P)‖/‖A‖` of a matrix with all its eigenpairs, and of a space with this basis.
fn errors_against(pairs: &[Pair], basis: &Array2<f64>) -> Result<[f64; 2]> {
    let size = basis.nrows();
    let mut a = Array2::<f64>::zeros((size, size));
    for pair in pairs {
        let vector = pair.vector.view().insert_axis(Axis(1));
        a += &(&vector.dot(&vector.t()) * pair.value);
    }
    let projection = basis.dot(&basis.t());
    let rest = Array2::<f64>::eye(size) - &projection;
    let norm = |matrix: Array2<f64>| -> Result<f64> {
        let symmetric = (&matrix + &matrix.t()) * 0.5;
        Ok(symmetric_eigen(&symmetric)?.values.iter().fold(0.0, |most: f64, value| most.max(value.abs())))
    };
    let whole = norm(a.clone())?.max(f64::MIN_POSITIVE);
    let inside = projection.dot(&a).dot(&projection);
    Ok([norm(&a - &inside)? / whole, norm(rest.dot(&a).dot(&rest))? / whole])
}

#[cfg(test)]
mod tests {
    use crate::spectrum::Pair;
    use crate::stages::xor_snr::errors_against;
    use ndarray::{Array2, array};

    #[test]
    fn errors_of_a_matrix_against_a_space_have_their_closed_forms() {
        // A = [[2, 1], [1, 2]] has the eigenpairs 3, (1, 1)/√2 and 1, (1, -1)/√2; P is the first axis, so A - PAP is
        // [[0, 1], [1, 2]] with the norm 1 + √2, and (I-P) A (I-P) has the norm 2.
        let root = std::f64::consts::FRAC_1_SQRT_2;
        let pair = |value: f64, vector: ndarray::Array1<f64>| Pair { value, vector, residual: 0.0 };
        let pairs = [pair(3.0, array![root, root]), pair(1.0, array![root, -root])];
        let basis: Array2<f64> = array![[1.0], [0.0]];
        let [full, perpendicular] = errors_against(&pairs, &basis).unwrap();
        assert!((full - (1.0 + 2.0_f64.sqrt()) / 3.0).abs() < 1e-12);
        assert!((perpendicular - 2.0 / 3.0).abs() < 1e-12);
    }
}
