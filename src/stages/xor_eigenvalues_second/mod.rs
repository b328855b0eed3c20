//! B3: the outlier eigenspace of the second layer evolves: one outlier at the start, four once the classifier is good.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query};
use crate::stages::common::xor::{
    SECOND, WIDE, WIDE_CONTRAST, above, classified, law, second_layer, threshold, whole_second,
};
use crate::table::Table;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![second_layer(settings, WIDE)?, second_layer(settings, WIDE_CONTRAST)?])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for name in [WIDE, WIDE_CONTRAST] {
        let experiment = data.experiment(name)?;
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::All)? {
            let question = query(checkpoint, SECOND, whole_second(experiment));
            let pairs = data.pairs(name, replicate, question)?;
            let law = law(experiment, &observed)?;
            rows.measure(&here, "classified", Of::default(), as_f64(classified(&observed)));
            for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
                let threshold = threshold(experiment, &law, of)?;
                let outliers = above(pairs.iter().map(|pair| pair.value), threshold);
                let block = Of::block(matrix, SECOND);
                rows.measure(&here, "outliers", block, as_f64(outliers));
                rows.predict(&here, "level", block, threshold);
                rows.spectrum.extend(Eigenvalue::of_pairs(&here, matrix, &question, pairs));
                if replicate == 0 {
                    let values = law.second_layer_spectrum(of)?.values;
                    for (rank, value) in (1..).zip(&values) {
                        rows.predict(&here, "eigenvalue", block.rank(rank), *value);
                    }
                }
            }
        }
    }
    rows.tables(&["spectrum", "statistics", "theory"])
}
