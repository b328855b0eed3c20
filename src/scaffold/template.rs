//! The test loss along training.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Panel, Series, Style, Width};
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, declare};
use crate::stage::request::Request;
use crate::stage::rows::{Statistic, first, last, mean_and_range, statistics_table};
use crate::stage::{Data, Kind, Profile, Results, Settings, Stage};
use crate::stages;
use crate::stages::common::shared::{Statistics, at};
use crate::stages::common::words::parameters;
use crate::table::Table;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-template",
    kind: Kind::Extension,
    title: "The test loss along training",
    source: file!(),
    report: file!(),
    claims: &["D3.gmm-template"],
    figures: &["gmm-template"],
    plan,
    reduce,
    judge,
    draw,
};

/// Name of the experiment: its seeds are derived from it.
const EXPERIMENT: &str = "gmm-template";
/// Largest share of the initial test loss that is left at the end.
const LEFT: f64 = 0.5;

/// The parameters: change here what the experiment is about.
fn experiment(profile: Profile) -> Experiment {
    stages::common::mixture::experiment(profile, EXPERIMENT, 5, 100.0)
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![Request::new(settings.experiment(experiment(settings.profile))?)])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let experiment = data.experiment(EXPERIMENT)?;
    let mut rows = Vec::new();
    for replicate in data.finished(EXPERIMENT)? {
        for observed in data.trajectory(EXPERIMENT, replicate)?.checkpoints {
            rows.push(Statistic::plain(&at(experiment, replicate, &observed), "loss", observed.loss));
        }
    }
    Ok(vec![statistics_table("statistics", &rows)?])
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let curves = Statistics::read(results, "statistics")?.curves(EXPERIMENT, "loss", None);
    let left: Vec<f64> = first(&curves).iter().zip(last(&curves)).map(|(first, last)| last / first).collect();
    let claim = declare(
        "D3.gmm-template",
        "training lowers the test loss",
        "test loss at the end over that at the start",
    )
    .at_most(LEFT)
    .measure(&left)?;
    Ok(vec![claim])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let curves = Statistics::read(results, "statistics")?.curves(EXPERIMENT, "loss", None);
    let (mut mean, mut range) = (Vec::new(), Vec::new());
    for (time, value, low, high) in mean_and_range(&curves) {
        mean.push((time, value));
        range.push((time, low, high));
    }
    let panel = Panel::new(Axis::linear("training time $t$"), Axis::linear("test loss"))
        .series(Series::band("range over replicates", Style::measured(Colour::Blue), range))
        .series(Series::line("mean over replicates", Style::measured(Colour::Blue), mean));
    let caption = Caption::new(
        "Test loss along training",
        "Mean (line) and range (band) of the test loss over the replicates, over training time t",
        parameters(&[results.experiment(EXPERIMENT)?]),
        "The test loss falls",
    );
    Ok(vec![Figure::new("gmm-template", caption, Width::Single, 1).panel(panel)])
}
