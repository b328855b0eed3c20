//! B3: the outlier eigenspace of the second layer evolves: one outlier at the start, four once the classifier is good.
//!
//! Counts are judged as shares of independent runs, of which two experiments give enough at little cost: one that ends right after
//! the start, and one in fewer dimensions of which only the end is looked at.

pub mod report;

use crate::error::Result;
use crate::problem::as_f64;
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Of, Rows};
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
    let mut rows = Rows::default();
    for name in [WIDE, WIDE_CONTRAST, START, END] {
        let experiment = data.experiment(name)?;
        for Seen { here, replicate, checkpoint, observed } in all_seen(data, experiment, asked(name))? {
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
                // Of one run at all times for the figure, and of all runs at the start for the law of the first eigenvalue.
                if replicate == 0 || name == START {
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
