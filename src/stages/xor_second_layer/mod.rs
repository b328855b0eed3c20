//! B2: the second layer aligns with `B_t = Span(relu(±Wμ), relu(±Wν))`, which moves, and with the outlier eigenspaces of its blocks.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task;
use crate::simulation::trajectory::Observed;
use crate::spectrum::leading_space;
use crate::spectrum::query::SampleKind;
use crate::spectrum::subspace::{overlap, space};
use crate::stage::request::Request;
use crate::stage::rows::{Alignment, At, Of, Rows, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, at, query};
use crate::stages::common::xor::{
    SECOND, WIDE, WIDE_CONTRAST, above, law, second_layer, threshold, whole_second,
};
use crate::table::Table;
use ndarray::{Array2, ArrayView1};

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![second_layer(settings, WIDE)?, second_layer(settings, WIDE_CONTRAST)?])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [WIDE, WIDE_CONTRAST] {
        let experiment = data.experiment(name)?;
        for replicate in data.finished(name)? {
            let trajectory = data.trajectory(name, replicate)?;
            let task = task::build(&experiment.problem);
            let mut start: Option<Array2<f64>> = None;
            for (checkpoint, observed) in trajectory.checkpoints.iter().enumerate() {
                let here = at(experiment, replicate, observed);
                let space = space(&*task, SECOND.layer, &observed.parameters)?;
                let start = start.get_or_insert_with(|| space.clone());
                let (of, dimension) = (Of::layer(Layer::V).with(Subspace::Means), as_f64(space.ncols()));
                rows.measure(&here, "dimension", of, dimension);
                let of = of.with(Subspace::Start);
                rows.measure(&here, "overlap", of, overlap(&space, start));
                spaces(data, experiment, (replicate, checkpoint), observed, (&here, &space), &mut rows)?;
            }
        }
    }
    rows.tables(&["alignment", "statistics"])
}

/// Alignment of v with `B_t` and with the outlier eigenspaces, and of these with `B_t`.
fn spaces(
    data: &dyn Data,
    experiment: &Experiment,
    (replicate, checkpoint): (u32, usize),
    observed: &Observed,
    (here, space): (&At, &Array2<f64>),
    rows: &mut Rows,
) -> Result<()> {
    let v: ArrayView1<f64> = observed.parameters[1].column(0);
    let of_v = (Layer::V, 0, v);
    rows.alignments.push(Alignment::of(here, of_v, (Subspace::Means, None, space)));
    let law = law(experiment, observed)?;
    let pairs =
        data.pairs(&experiment.name, replicate, query(checkpoint, SECOND, whole_second(experiment)))?;
    for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
        let outliers = above(pairs.iter().map(|pair| pair.value), threshold(experiment, &law, of)?);
        let block = Of::block(matrix, SECOND);
        rows.measure(here, "outliers", block, as_f64(outliers));
        if outliers > 0 {
            let top = leading_space(pairs, outliers)?;
            let with = (Subspace::Outliers(matrix), Some(SampleKind::Test), &top);
            rows.alignments.push(Alignment::of(here, of_v, with));
            let of = block.with(Subspace::Means);
            rows.measure(here, "overlap", of, overlap(&top, space));
        }
    }
    Ok(())
}
