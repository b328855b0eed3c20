//! B3: the outlier eigenspace of the second layer evolves: one outlier at the start, four once the classifier is good.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Statistic, spectrum_table, statistics_table};
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
    let (mut spectrum, mut statistics, mut theory) = (Vec::new(), Vec::new(), Vec::new());
    for name in [WIDE, WIDE_CONTRAST] {
        let experiment = data.experiment(name)?;
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, Checkpoints::All)? {
            let question = query(checkpoint, SECOND, whole_second(experiment));
            let pairs = data.pairs(name, replicate, question)?;
            let law = law(experiment, &observed)?;
            statistics.push(Statistic::plain(&here, "classified", as_f64(classified(&observed))));
            for ((matrix, of), pairs) in MATRICES.into_iter().zip(&pairs) {
                let threshold = threshold(experiment, &law, of)?;
                let outliers = above(pairs.iter().map(|pair| pair.value), threshold);
                let block = Of::block(matrix, SECOND);
                statistics.push(Statistic::new(&here, "outliers", block, as_f64(outliers)));
                theory.push(Statistic::new(&here, "level", block, threshold));
                spectrum.extend(Eigenvalue::of_pairs(&here, matrix, &question, pairs));
                if replicate == 0 {
                    let values = law.second_layer_spectrum(of)?.values;
                    theory.extend(
                        (1..).zip(values.iter()).map(|(rank, value)| {
                            Statistic::new(&here, "eigenvalue", block.rank(rank), *value)
                        }),
                    );
                }
            }
        }
    }
    Ok(vec![
        spectrum_table(&spectrum)?,
        statistics_table("statistics", &statistics)?,
        statistics_table("theory", &theory)?,
    ])
}
