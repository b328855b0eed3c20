//! C1: the matrices on the samples of SGD itself, its last n and its first n, beside those on fresh ones.
//!
//! SGD has moved what the network makes of each of its samples by an amount that [`crate::theory::own_samples`] derives, of order
//! `c/λ` and forgotten at the rate `β + C/λ`. Measured and predicted gaps are differences to fresh samples that were shown to the network
//! at the same steps without being learned ([`crate::study::own_samples`]): of the loss, and of logarithms of mean weights, outliers and
//! the edge of the bulk of the first layer's diagonal blocks.

pub mod report;

use crate::error::Result;
use crate::problem::data::DataLaw;
use crate::problem::family::{Axis, Family};
use crate::problem::network::Network;
use crate::problem::training::Training;
use crate::problem::{Problem, as_f64};
use crate::simulation::task;
use crate::stage::request::Request;
use crate::stage::rows::{At, Of, Rows};
use crate::stage::{Data, Profile, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::limit::experiment;
use crate::study::own_samples::OwnSamples;
use crate::study::{Reading, Study};
use crate::table::Table;
use crate::theory::own_samples::share_in_span;

/// Softmax regression over signal-to-noise ratios.
pub const SNR: &str = "gmm-own";
/// Softmax regression at the smallest of them over sample ratios: windows from one to twenty units of time.
pub const WINDOWS: &str = "gmm-own-window";
/// The XOR network over signal-to-noise ratios.
pub const XOR: &str = "xor-own";

/// Signal-to-noise ratios of softmax regression.
const LAMBDAS: [f64; 6] = [3.0, 5.0, 10.0, 30.0, 100.0, 300.0];
/// Those of the XOR network, which learns nothing at 3.
const XOR_LAMBDAS: [f64; 3] = [10.0, 30.0, 100.0];
/// Sample ratios of the windows; the smallest signal-to-noise ratio has 4 itself.
const RATIOS: [f64; 4] = [1.0, 2.0, 8.0, 20.0];
/// Classes of the mixture.
pub const CLASSES: usize = 4;

/// Replicates where the gap is judged: it is 0.02 for outliers of H, and their logarithms scatter by 0.02 from sample to sample.
const MANY: u32 = 96;
/// Replicates where it is large, or nothing but small.
const FEW: u32 = 24;

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let (profile, d) = (settings.profile, settings.profile.pick(300, 40));
    let softmax = Problem {
        data: DataLaw::mixture(d, LAMBDAS[0], CLASSES),
        network: Network::softmax(),
        training: Training::new(0.05, 1.0, 4.0),
    };
    let horizon = profile.pick(40.0, 10.0);
    let base = |name: &str| experiment(name.to_owned(), softmax.clone(), horizon, 9, profile.pick(FEW, 20));
    let lambdas: &[f64] = profile.pick(&LAMBDAS, &[3.0, 30.0]);
    let ratios: &[f64] = profile.pick(&RATIOS, &[1.0, 8.0]);
    let xor_lambdas: &[f64] = profile.pick(&XOR_LAMBDAS, &[10.0]);
    let xor = Problem {
        data: DataLaw::xor(d, XOR_LAMBDAS[0]),
        network: Network::two_layer(8),
        training: Training::new(0.02, 1.0, 4.0),
    };
    let xor = experiment(XOR.to_owned(), xor, profile.pick(60.0, 10.0), 9, profile.pick(FEW, 20));
    let mut requests = Vec::new();
    for family in [
        Family::new(SNR, base(SNR)).axis(over_lambda(lambdas)),
        Family::new(WINDOWS, base(WINDOWS)).axis(Axis::new("phi", "-phi-", ratios.iter().copied())),
        Family::new(XOR, xor).axis(over_lambda(xor_lambdas)),
    ] {
        let windows = family.name == WINDOWS;
        for mut point in settings.members(family)? {
            if judged(&point.name) {
                point.replicates = profile.pick(MANY, point.replicates);
            }
            let point = settings.experiment(point)?;
            requests.push(Request::new(point).study(study(profile, windows)));
        }
    }
    Ok(requests)
}

/// Whether the gap of an experiment is judged: that at the smallest signal-to-noise ratio.
fn judged(name: &str) -> bool {
    name == format!("{SNR}-lambda-{}", LAMBDAS[0]) || name == format!("{XOR}-lambda-{}", XOR_LAMBDAS[0])
}

/// What is looked at: all rows of softmax regression, as many of the XOR network.
fn study(profile: Profile, windows: bool) -> Study {
    let left_out = profile.pick(16, 4);
    Study::OwnSamples(OwnSamples { rows: 4, ages: 8, left_out, first: !windows })
}

/// The readings of one sample.
struct Seen<'a> {
    readings: &'a [Reading],
    of: &'a str,
}

impl Seen<'_> {
    /// The value of the reading of this name at the matrix and rank of another.
    fn beside(&self, other: &Reading) -> Option<f64> {
        let same = |one: &&Reading| {
            one.of == self.of
                && one.name == other.name
                && one.matrix == other.matrix
                && one.rank == other.rank
        };
        self.readings.iter().find(same).map(|one| one.value)
    }
}

/// The statistic that a gap becomes, and whether it is one of logarithms.
fn gap(name: &str) -> Option<(&'static str, bool)> {
    match name {
        "loss" => Some(("gap of the loss", false)),
        "loss by age" => Some(("gap of the loss by age", false)),
        "eigenvalue" => Some(("gap of an eigenvalue", true)),
        "weight" => Some(("gap of the weights", true)),
        _ => None,
    }
}

/// What is told of samples as it is.
fn told(reading: &Reading) -> Option<&'static str> {
    Some(match (reading.name.as_str(), reading.of.as_str()) {
        ("scatter of the loss", _) => "scatter of the loss",
        ("scatter of the weight", "fresh") => "scatter of the weights",
        ("overlap", "fresh") => "overlap of fresh samples",
        ("overlap", "last") => "overlap of the last samples",
        ("overlap", "first") => "overlap of the first samples",
        ("overlap of components", "last") => "overlap of components of the last samples",
        ("slope of the shift", "derived") => "slope of the shift",
        ("slope of the shift", _) => "slope of the shift without curvature",
        _ => return None,
    })
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        let layer = task::build(&experiment.problem).layers()[0].0;
        for replicate in data.finished(&experiment.name)? {
            let trained = data.trajectory(&experiment.name, replicate)?;
            let asked = data.studies(&experiment.name)?;
            let Some(study) = asked.first() else { continue };
            let readings = data.study(&experiment.name, replicate, study)?;
            let fresh = Seen { readings: &readings, of: "fresh" };
            let place = |step| At {
                experiment: experiment.name.clone(),
                replicate: Some(replicate),
                step,
                time: experiment.time(step),
            };
            let of = |reading: &Reading| {
                let matrix = reading.of_matrix();
                Of { matrix, layer: matrix.map(|_| layer), rank: reading.rank, ..Of::default() }
            };
            for reading in &readings {
                let here = place(reading.step);
                if let Some(statistic) = told(reading) {
                    rows.measure(&here, statistic, of(reading), reading.value);
                }
                let (Some((statistic, logarithms)), Some(base)) = (gap(&reading.name), fresh.beside(reading))
                else {
                    continue;
                };
                let difference =
                    if logarithms { libm::log(reading.value / base) } else { reading.value - base };
                match (reading.of.as_str(), statistic) {
                    ("last", _) => rows.measure(&here, statistic, of(reading), difference),
                    ("predicted", _) => rows.predict(&here, statistic, of(reading), difference),
                    ("first", "gap of the loss") => {
                        rows.measure(&here, "gap of the loss of the first", of(reading), difference);
                    }
                    ("first", "gap of an eigenvalue") => {
                        rows.measure(&here, "gap of an eigenvalue of the first", of(reading), difference);
                    }
                    _ => {}
                }
            }
            for observed in &trained.checkpoints {
                rows.measure(&place(observed.step), "accuracy", Of::default(), observed.accuracy);
            }
        }
        let problem = &experiment.problem;
        let share = share_in_span(as_f64(problem.data.means()), as_f64(problem.d()), problem.lambda());
        let end = experiment.schedule().last().copied().unwrap_or(0);
        let here = At {
            experiment: experiment.name.clone(),
            replicate: None,
            step: end,
            time: experiment.time(end),
        };
        rows.predict(&here, "share of the span", Of::default(), share);
    }
    rows.tables(&["statistics", "theory"])
}
