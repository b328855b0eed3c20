//! Figures of the leading eigenvectors of the second-layer blocks.

use crate::error::Result;
use crate::plot::{Axis, Caption, Dash, Figure, Series, Width};
use crate::problem::data::CLUSTERS;
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::rows::{Statistics, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{number, signs, small as small_number, time};
use crate::stages::common::looks;
use crate::stages::common::panels::{self, unit_edges};
use crate::stages::common::shared::{SYMBOLS, small};
use crate::stages::common::words::parameters;
use crate::stages::common::xor::{MAIN, WIDE, width};
use crate::stages::xor_eigenvectors::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-eigenvectors",
    kind: Kind::Figure,
    on_request: false,
    title: "Entries of the leading eigenvectors of the second-layer blocks, neuron by neuron",
    source: "src/stages/xor_eigenvectors/mod.rs",
    report: file!(),
    claims: &[],
    figures: &["xor-eigenvectors", "xor-inner-products"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

fn draw(results: &Results) -> Result<Vec<Figure>> {
    Ok(vec![neurons(results)?, inner(results)?])
}

fn neurons(results: &Results) -> Result<Figure> {
    let entries = Statistics::read(results, "entries")?;
    let order = results.table("neurons")?;
    let places = order.present("neuron", order.u32s("neuron")?)?;
    let direction = order.present("direction", order.strs("direction")?)?;
    let end = entries.all().iter().map(|row| row.at.step).max().unwrap_or(0);
    let experiment = results.experiment(WIDE)?;
    let (k, ranks) = (width(experiment), small(CLUSTERS));
    // Where the direction changes from one neuron to the next, with the name of the group below.
    let mut groups: Vec<(&str, u32)> = Vec::new();
    for name in &direction {
        match groups.last_mut() {
            Some((last, count)) if last == name => *count += 1,
            _ => groups.push((name, 1)),
        }
    }
    let borders: Vec<f64> = groups
        .iter()
        .scan(0.5, |border, (_, count)| {
            *border += f64::from(*count);
            Some(*border)
        })
        .take(groups.len().saturating_sub(1))
        .collect();
    // Share of the squares of the eigenvectors on dead neurons, and largest share of one direction, mean over both matrices.
    let vector = |at: u64, matrix: Matrix, rank: u32| {
        entries.in_experiment(WIDE).step(at).matrix(matrix).rank(rank).values()
    };
    let shares = |at: u64, of: &dyn Fn(&[f64]) -> f64| {
        let all =
            SYMBOLS.iter().flat_map(|(matrix, _)| (1..=ranks).map(|rank| of(&vector(at, *matrix, rank))));
        average(&all.collect::<Vec<_>>())
    };
    let on = |vector: &[f64], name: &str| -> f64 {
        let own = places.iter().zip(&direction).filter(|(_, other)| **other == name);
        own.filter_map(|(neuron, _)| vector.get(*neuron as usize)).map(|entry| entry * entry).sum()
    };
    let dead = |vector: &[f64]| on(vector, "dead");
    let most = |vector: &[f64]| groups.iter().map(|(name, _)| on(vector, name)).fold(0.0, f64::max);
    // The colours reach as far as the entries do.
    let largest =
        (10.0 * entries.all().iter().map(|entry| entry.value.abs()).fold(0.0, f64::max)).ceil() / 10.0;
    let groups: Vec<String> = groups
        .iter()
        .map(
            |(name, count)| {
                if *name == "dead" { format!("{count} dead") } else { format!("{count} at ${name}$") }
            },
        )
        .collect();
    let caption = Caption::new(
        "Entries of the leading eigenvectors of the second-layer blocks, neuron by neuron",
        format!(
            "Entries of the top {ranks} unit eigenvectors of H_vv (a, c) and G_vv (b, d) in replicate 0, at the start (a, b) and at the end \
             (c, d) of training. Neurons are sorted by the direction they end with, then by strength, dead ones last; {}; the largest entry is positive",
            signs()
        ),
        parameters(&[experiment]),
        format!(
            "On average an eigenvector has at most {} of its square on one direction at the start and {} at the end, and {} on the dead \
             neurons then",
            number(shares(0, &most), 2),
            number(shares(end, &most), 2),
            small_number(shares(end, &dead), 1)
        ),
    );
    let mut figure = Figure::new("xor-eigenvectors", caption, Width::Full, 2).shared_y();
    for (at, when) in [(0, "start of training"), (end, "end of training")] {
        for (matrix, label) in SYMBOLS {
            let values: Vec<Vec<f64>> = (1..=ranks)
                .map(|rank| {
                    let vector = vector(at, matrix, rank);
                    let entry = |neuron: &u32| vector.get(*neuron as usize).copied().unwrap_or(f64::NAN);
                    places.iter().map(entry).collect()
                })
                .collect();
            let axes = [
                (Axis::linear(format!("neuron, sorted:\n{}", groups.join(", "))).whole(), unit_edges(k)),
                (Axis::linear("rank").whole(), unit_edges(ranks)),
            ];
            let panel =
                panels::entries("entry", axes, values, largest).title(format!("${label}_{{vv}}$, {when}"));
            let look = looks::predicted().dash(Dash::Solid).width(0.6);
            figure = figure.panel(borders.iter().fold(panel, |panel, border| {
                panel.series(Series::rule_vertical("between groups", look, *border))
            }));
        }
    }
    Ok(figure.axes_height(70.0))
}

/// Inner products of means, parameters and eigenvectors of both layers at three times.
fn inner(results: &Results) -> Result<Figure> {
    let (narrow, wide) = (results.experiment(MAIN)?, results.experiment(WIDE)?);
    let three = |experiment: &Experiment| {
        let schedule = experiment.schedule();
        [schedule[0], schedule[(schedule.len() - 1) / 2], schedule[schedule.len() - 1]]
    };
    let end = |experiment: &Experiment, first: &str, second: &str| -> Result<f64> {
        let name = (experiment.name.as_str(), three(experiment)[2]);
        Ok(panels::product(results, name, (first, second))?.unwrap_or(f64::NAN).abs())
    };
    // How much of the leading eigenvector of neuron 1 lies along the means.
    let inside = |kind: &str| -> Result<String> {
        let vector = format!("{kind} 1");
        let (mu, nu) = (end(narrow, "mean 1", &vector)?, end(narrow, "mean 2", &vector)?);
        Ok(number((mu * mu + nu * nu).sqrt(), 3))
    };
    let caption = Caption::new(
        "Inner products of means, parameters and leading eigenvectors of both layers of task B",
        format!(
            "Inner products of unit vectors in replicate 0 at three times. (a-c) First layer, K = {}: μ and ν, the neurons W_i, and the top two eigenvectors of the block of neuron 1 of H and G. (d-f) \
             Second layer, K = {}: features relu(±Wμ) and relu(±Wν), which span B_t, v, and the top four eigenvectors; {}",
            width(narrow),
            width(wide),
            signs()
        ),
        parameters(&[narrow, wide]),
        format!(
            "At the end the leading eigenvectors lie in Span(μ, ν) with ρ = {} (H) and {} (G), and features of different clusters have products of {} and less",
            inside("hessian")?,
            inside("gradient")?,
            number(apart(results, wide, three(wide)[2])?, 2)
        ),
    );
    let first = [("mean", r"$\mu,\nu$"), ("row", "$W_i$"), ("hessian", "$H$"), ("gradient", "$G$")];
    let second = [("feature", "$B_t$"), ("row", "$v$"), ("hessian", "$H_{vv}$"), ("gradient", "$G_{vv}$")];
    let mut figure = Figure::new("xor-inner-products", caption, Width::Full, 3);
    for (experiment, layer, groups) in [(narrow, "W", first), (wide, "v", second)] {
        for step in three(experiment) {
            let panel = panels::products(results, (&experiment.name, layer, step), &groups)?;
            figure = figure.panel(panel.title(format!("$t = {}$", time(experiment.time(step)))));
        }
    }
    Ok(figure.axes_height(84.0))
}

/// The largest inner product of the features of two different clusters.
fn apart(results: &Results, experiment: &Experiment, step: u64) -> Result<f64> {
    let mut largest = 0.0_f64;
    for i in 1..=CLUSTERS {
        for j in 1..i {
            let names = (format!("feature {i}"), format!("feature {j}"));
            let found = panels::product(results, (&experiment.name, step), (&names.0, &names.1))?;
            largest = found.map_or(largest, |value| largest.max(value.abs()));
        }
    }
    Ok(largest)
}
