//! B3: the outlier eigenspace of the second layer evolves: one outlier at the start, four once the classifier is good.
//!
//! Counts are judged as shares of independent runs, of which two experiments give enough at little cost: one that ends right after
//! the start, and one in fewer dimensions of which only the end is looked at.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Statistic, spectrum_table, statistics_table};
use crate::stage::{Data, Settings};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query};
use crate::stages::common::xor::{
    SECOND, WIDE, WIDE_CONTRAST, above, checked, classified, experiment, law, second_layer, threshold,
    whole_second,
};
use crate::table::Table;

/// Many runs right after the start.
const START: &str = "xor-k20-start";
/// Many runs at the end, in fewer dimensions.
const END: &str = "xor-k20-end";

/// Checkpoints at which the blocks of an experiment are asked for.
fn asked(name: &str) -> Checkpoints {
    match name {
        START => Checkpoints::First,
        END => Checkpoints::Three,
        _ => Checkpoints::All,
    }
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let many = |name: &str, d: usize| -> Experiment {
        let mut many = experiment(settings.profile, name, 20, d, 100.0);
        many.problem.training.phi = 4.0;
        many.checkpoints = FEWEST_CHECKPOINTS;
        many.replicates = 100;
        many
    };
    let start = settings.experiment(Experiment { horizon: 0.1, ..many(START, 1000) })?;
    let end = checked(settings, many(END, 400))?;
    let whole = |experiment: Experiment| {
        let (asked, question) = (asked(&experiment.name), whole_second(&experiment));
        Request::new(experiment).every_replicate(asked, SECOND, question)
    };
    Ok(vec![second_layer(settings, WIDE)?, second_layer(settings, WIDE_CONTRAST)?, whole(start), whole(end)])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut spectrum, mut statistics, mut theory) = (Vec::new(), Vec::new(), Vec::new());
    for name in [WIDE, WIDE_CONTRAST, START, END] {
        let experiment = data.experiment(name)?;
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, asked(name))? {
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
                // Of one run at all times for the figure, and of all runs at the start for the law of the first eigenvalue.
                if replicate == 0 || name == START {
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
