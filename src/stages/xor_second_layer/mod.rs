//! B2: the second layer aligns with `B_t = Span(relu(±Wμ), relu(±Wν))`, which moves, and with the outlier eigenspaces of its blocks.
//!
//! At the end the leading principal components of the features lie in `B_t` as well as eigenvectors of H and G do, so eigenspaces
//! are judged against the prediction along the whole of training: how many eigenvalues stand above the level, and what
//! their eigenvectors make of v and of `B_t`, changes from one outlier, common to all neurons, to one for each cluster. The prediction
//! is the law of the samples at the run's own parameters, without any sample.
//!
//! At λ = 20 the level `‖W‖²/(4λ)` is too high for most outliers. The first eigenvector has one sign on all neurons, and v, of both
//! signs, is nearly orthogonal to it: v lies along eigenvectors below the level, and its alignment with the outlier eigenspace
//! is as small as predicted.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task;
use crate::simulation::trajectory::Observed;
use crate::spectrum::leading_space;
use crate::spectrum::query::Question;
use crate::spectrum::query::SampleKind;
use crate::spectrum::subspace::{alignment, overlap, random_space, space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Alignment, At, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, at, query};
use crate::stages::common::xor::{
    SECOND, WIDE, WIDE_CONTRAST, above, law, second_layer, threshold, whole_second,
};
use crate::table::Table;
use ndarray::{Array2, ArrayView1, s};

/// As many principal components as there may be outliers.
const COMPONENTS: Question = Question::Components(4);

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let request = |name: &str| -> Result<Request> {
        Ok(second_layer(settings, name)?.every_replicate(Checkpoints::All, SECOND, COMPONENTS))
    };
    Ok(vec![request(WIDE)?, request(WIDE_CONTRAST)?])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [WIDE, WIDE_CONTRAST] {
        let experiment = data.experiment(name)?;
        for replicate in data.finished(name)? {
            let trajectory = data.trajectory(name, replicate)?;
            let task = task::build(&experiment.problem);
            let mut start: Option<(Array2<f64>, f64)> = None;
            let mut normals = data.null(name, replicate);
            for (checkpoint, observed) in trajectory.checkpoints.iter().enumerate() {
                let here = at(experiment, replicate, observed);
                let space = space(&*task, SECOND.layer, &observed.parameters)?;
                let v = observed.parameters[1].column(0);
                let length = v.dot(&v).sqrt();
                let (first, norm) = start.get_or_insert_with(|| (space.clone(), length));
                let (of, dimension) = (Of::layer(Layer::V).with(Subspace::Means), as_f64(space.ncols()));
                rows.measure(&here, "dimension", of, dimension);
                let of = of.with(Subspace::Start);
                rows.measure(&here, "overlap", of, overlap(&space, first));
                let decay = libm::exp(-experiment.problem.training.beta * here.time);
                let left = decay * *norm / length.max(f64::MIN_POSITIVE);
                rows.measure(&here, "left of the start", Of::row(Layer::V, 0), left);
                let random = random_space(space.nrows(), space.ncols(), &mut normals)?;
                let place = (replicate, checkpoint);
                spaces(data, experiment, place, observed, (&here, &space, &random), &mut rows)?;
            }
        }
    }
    rows.tables(&["alignment", "statistics", "theory"])
}

/// Alignment of v with `B_t` and with the outlier eigenspaces, and of these with `B_t`, measured and predicted; and the same of
/// principal components of the features and of a random space of as many dimensions as `B_t`.
fn spaces(
    data: &dyn Data,
    experiment: &Experiment,
    (replicate, checkpoint): (u32, usize),
    observed: &Observed,
    (here, space, random): (&At, &Array2<f64>, &Array2<f64>),
    rows: &mut Rows,
) -> Result<()> {
    let name = &experiment.name;
    let v: ArrayView1<f64> = observed.parameters[1].column(0);
    let components = data.components(name, replicate, query(checkpoint, SECOND, COMPONENTS))?;
    let components = leading_space(&components, components.len())?;
    let test = Some(SampleKind::Test);
    for (subspace, sample, basis) in [
        (Subspace::Means, None, space),
        (Subspace::Random, None, random),
        (Subspace::Components, test, &components),
    ] {
        rows.alignments.push(Alignment::of(here, (Layer::V, 0, v), (subspace, sample, basis)));
        if subspace != Subspace::Means {
            let of = Of::layer(Layer::V).with(subspace);
            rows.measure(here, "overlap", of, overlap(basis, space));
        }
    }
    let law = law(experiment, observed)?;
    let pairs = data.pairs(name, replicate, query(checkpoint, SECOND, whole_second(experiment)))?;
    for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
        let level = threshold(experiment, &law, of)?;
        let outliers = above(pairs.iter().map(|pair| pair.value), level);
        let block = Of::block(matrix, SECOND);
        let with_means = block.with(Subspace::Means);
        rows.measure(here, "outliers", block, as_f64(outliers));
        if outliers > 0 {
            let top = leading_space(pairs, outliers)?;
            let with = (Subspace::Outliers(matrix), test, &top);
            rows.alignments.push(Alignment::of(here, (Layer::V, 0, v), with));
            rows.measure(here, "overlap", with_means, overlap(&top, space));
        }
        let expected = law.second_layer_spectrum(of)?;
        let outliers = above(expected.values.iter().copied(), level);
        rows.predict(here, "outliers", block, as_f64(outliers));
        if outliers > 0 {
            let top = expected.vectors.slice(s![.., ..outliers]).to_owned();
            rows.predict(here, "alignment", block, alignment(v, &top));
            rows.predict(here, "overlap", with_means, overlap(&top, space));
        }
    }
    Ok(())
}
