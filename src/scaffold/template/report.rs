//! Claims and figures of the test loss along training: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Panel, Style, Width};
use crate::scaffold::template::{EXPERIMENT, plan, reduce};
use crate::stage::claim::{Claim, Kind, chosen, declare};
use crate::stage::rows::{Statistics, at_end, at_start, mean_and_range};
use crate::stage::{self, Results, Stage};
use crate::stages::common::words::parameters;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-template",
    kind: stage::Kind::Extension,
    on_request: false,
    title: "The test loss along training",
    source: "src/scaffold/template/mod.rs",
    report: file!(),
    claims: &["D3.gmm-template"],
    figures: &["gmm-template"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest share of the initial test loss that is left at the end.
const LEFT: f64 = 0.5;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let curves = Statistics::read(results, "statistics")?.of(EXPERIMENT, "loss").curves();
    let start = at_start(&curves);
    let left = at_end(&curves).into_iter().map(|(replicate, end)| (replicate, end / start[&replicate]));
    let claim = declare("D3.gmm-template", Kind::Bound)
        .says("training lowers the test loss")
        .statistic("test loss at the end over that at the start")
        .about([EXPERIMENT])
        .at_most(LEFT, chosen("half of the loss of a classifier that knows nothing"))
        .null("start", start.keys().map(|replicate| (*replicate, 1.0)).collect())
        .mean(left.collect())?;
    Ok(vec![claim])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let curves = Statistics::read(results, "statistics")?.of(EXPERIMENT, "loss").curves();
    let (mut mean, mut range) = (Vec::new(), Vec::new());
    for (time, value, low, high) in mean_and_range(&curves) {
        mean.push((time, value));
        range.push((time, low, high));
    }
    let panel = Panel::new(Axis::linear("training time $t$"), Axis::linear("test loss"))
        .band("range over replicates", Style::measured(Colour::Blue), range)
        .line("mean over replicates", Style::measured(Colour::Blue), mean);
    let caption = Caption::new(
        "Test loss along training",
        "Mean (line) and range (band) of the test loss over the replicates, over training time t",
        parameters(&[results.experiment(EXPERIMENT)?]),
        "The test loss falls",
    );
    Ok(vec![Figure::new("gmm-template", caption, Width::Single, 1).panel(panel)])
}
