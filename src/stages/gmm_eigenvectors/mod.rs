//! A4, eigenvectors: the leading outlier of block (c, c) points along `μ_c`, and `x^c` prefers it.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::network::Layer;
use crate::simulation::task::{self, Block, Matrix};
use crate::spectrum::query::Question;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Of, Rows, Statistic, Subspace};
use crate::stage::{Data, Settings};
use crate::stages::common::mixture::{
    FIRST_BLOCK, MAIN, SHOWN, classes, each_judged, main, places, random_like,
};
use crate::stages::common::products::{Kind, Products, upright};
use crate::stages::common::shared::{Seen, all_seen, query, seen, squared_cosine};
use crate::table::Table;
use ndarray::ArrayView1;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let main = main(settings)?;
    Ok(vec![main.first_replicate(Checkpoints::Three, FIRST_BLOCK, Question::Top(SHOWN))])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let experiment = data.experiment(MAIN)?;
    let means = task::build(&experiment.problem).law().means();
    let mut rows = Rows::default();
    each_judged(data, experiment, &places(experiment), |judged| {
        let here = &judged.seen.here;
        let class = judged.class as usize;
        let (mean, x) = (means.row(class), judged.seen.observed.parameters[0].row(class));
        for one in &judged.of {
            let (Some(leading), Some(predicted)) = (one.pairs.first(), one.outliers.first()) else {
                continue;
            };
            let law = &one.predicted.law;
            let block = Of::block(one.matrix, Block::diagonal(Layer::X, judged.class));
            let of = block.rank(1);
            for (subspace, vector, foreseen) in
                [(Subspace::Mean, mean, law.means.row(class)), (Subspace::Row, x, law.parameters.row(class))]
            {
                let overlap = squared_cosine(leading, vector);
                rows.measure(here, "overlap", of.with(subspace), overlap);
                let overlap = predicted.overlap_with(&foreseen);
                rows.predict(here, "overlap", of.with(subspace), overlap);
            }
            if let Some(second) = one.outliers.get(1) {
                let gap = predicted.position / (predicted.position - second.position);
                let mixing =
                    as_f64(one.outliers.len() - 1) * one.scatter / experiment.problem.lambda() * gap * gap;
                rows.predict(here, "mixing", block, mixing);
            }
        }
        Ok(())
    })?;
    // The nulls: the leading principal component and a random vector in the place of the leading eigenvector.
    for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::Last)? {
        let question = query(checkpoint, FIRST_BLOCK, Question::Components(classes(experiment)));
        let components = data.components(MAIN, replicate, question)?;
        let random = random_like(data, experiment, replicate)?;
        let leading = components.first().map(|pair| pair.vector.view());
        for (class, (mean, x)) in (0..).zip(means.rows().into_iter().zip(observed.parameters[0].rows())) {
            for (name, vector) in [
                ("overlap of the principal component", leading),
                ("overlap of a random vector", Some(random.column(0))),
            ] {
                let Some(vector) = vector else { continue };
                for (subspace, with) in [(Subspace::Mean, mean), (Subspace::Row, x)] {
                    let product = vector.dot(&with);
                    let of = Of::row(Layer::X, class).with(subspace);
                    rows.measure(&here, name, of, product * product / with.dot(&with));
                }
            }
        }
    }
    let mut products = Products::default();
    for Seen { here, checkpoint, observed, .. } in seen(data, experiment, 0, Checkpoints::Three)? {
        let pairs = data.pairs(MAIN, 0, query(checkpoint, FIRST_BLOCK, Question::Top(SHOWN)))?;
        let x = &observed.parameters[0];
        let mut vectors: Vec<_> =
            means.rows().into_iter().map(|mean| (Kind::Mean, mean.to_owned())).collect();
        vectors.extend(x.rows().into_iter().map(|row| (Kind::Row, row.to_owned())));
        for (kind, pairs) in Kind::MATRICES.into_iter().zip(&pairs) {
            let leading = pairs.iter().take(means.nrows());
            vectors.extend(leading.map(|pair| (kind, upright(pair.vector.view()))));
        }
        products.add(&here, Layer::X, &vectors);
        if checkpoint > 0 && checkpoint + 1 < experiment.schedule().len() {
            continue;
        }
        let mut add = |of: Of, vector: ArrayView1<f64>| {
            rows.entries.extend(
                (0..)
                    .zip(vector)
                    .map(|(col, entry)| Statistic::new(&here, "entry", Of { col: Some(col), ..of }, *entry)),
            );
        };
        let x = x.row(0);
        add(Of::row(Layer::X, 0), (&x / x.dot(&x).sqrt()).view());
        for (matrix, pairs) in Matrix::BOTH.into_iter().zip(&pairs) {
            if let Some(pair) = pairs.first() {
                add(Of::block(matrix, FIRST_BLOCK).rank(1), pair.vector.view());
            }
        }
    }
    let mut tables = rows.tables(&["statistics", "theory", "entries"])?;
    tables.push(products.table()?);
    Ok(tables)
}
