//! Figures of the leading eigenvectors of the second-layer blocks.

use crate::error::Result;
use crate::plot::{Caption, Colour, Figure, Series, Style, Width};
use crate::problem::data::CLUSTERS;
use crate::stage::claim::Claim;
use crate::stage::rows::Statistics;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting, signs};
use crate::stages::common::panels::{self, unit_edges};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::xor::{WIDE, width};
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
    figures: &["xor-eigenvectors"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let entries = Statistics::read(results, "entries")?;
    let order = results.table("neurons")?;
    let places = order.present("neuron", order.u32s("neuron")?)?;
    let direction = order.present("direction", order.strs("direction")?)?;
    let end = entries.all().iter().map(|row| row.at.step).max().unwrap_or(0);
    let (k, ranks) = (width(results.experiment(WIDE)?), u32::try_from(CLUSTERS).unwrap_or(0));
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
        "Entries of the leading eigenvectors of the second-layer blocks",
        format!(
            "Entries of the top {ranks} unit eigenvectors of H_vv (a, c) and of G_vv (b, d) over the neurons in replicate 0, at \
             the start (a, b) and at the end (c, d) of training. Neurons are sorted by the direction that they have at the \
             end, as counted below the axes, then by their strength |v_i| ‖W_i‖ at the end, the strongest first, dead ones \
             last; lines separate these groups; {}",
            signs()
        ),
        setting(&[results.experiment(WIDE)?], &[Symbol::SecondBlock]),
        "At the start the eigenvectors beyond the first have no order; at the end each has one sign on the neurons of a \
         direction, weighted by their strength, and nearly vanishes on the dead ones, so that the four span the directions",
    );
    let mut figure = Figure::new("xor-eigenvectors", caption, Width::Full, 2).shared_y();
    for (at, when) in [(0, "start of training"), (end, "end of training")] {
        for (matrix, label) in SYMBOLS {
            let values: Vec<Vec<f64>> = (1..=ranks)
                .map(|rank| {
                    let vector = entries.in_experiment(WIDE).step(at).matrix(matrix).rank(rank).values();
                    let entry = |neuron: &u32| vector.get(*neuron as usize).copied().unwrap_or(f64::NAN);
                    places.iter().map(entry).collect()
                })
                .collect();
            let axes = [
                (format!("neuron, sorted:\n{}", groups.join(", ")), unit_edges(k)),
                ("rank of the eigenvector".to_owned(), unit_edges(ranks)),
            ];
            let panel = panels::entries("entry of the unit eigenvector", axes, values, largest)
                .title(format!("${label}_{{vv}}$, {when}"));
            figure = figure.panel(borders.iter().fold(panel, |panel, border| {
                panel.series(Series::rule_vertical(
                    "between groups",
                    Style::measured(Colour::Black).width(0.6),
                    *border,
                ))
            }));
        }
    }
    Ok(vec![figure])
}
