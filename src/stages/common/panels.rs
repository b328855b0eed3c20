//! Panels that many figures share.

use crate::error::Result;
use crate::plot::{Axis, ColourMap, Dash, HeatMap, Panel, Series, Style};
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::Results;
use crate::stage::rows::{Curves, Statistics, mean, range};
use crate::stages::common::captions::NEGATIVE;
use crate::stages::common::looks;

/// Points of a curve.
type Points = Vec<(f64, f64)>;

/// An empty panel over training time.
pub fn over_time(y: Axis) -> Panel {
    Panel::new(Axis::linear("training time $t$"), y)
}

/// An empty panel over the logarithm of training time, with the start at its left end.
pub fn over_log_time(experiment: &Experiment, y: Axis) -> Panel {
    let first = experiment.schedule().get(1).map_or(1.0, |step| experiment.time(*step));
    Panel::new(Axis::log_after_zero("training time $t$", first), y)
}

/// Curves as one, with a gap between each two.
pub fn joined(curves: impl IntoIterator<Item = Points>) -> Points {
    let gap = || std::iter::once((f64::NAN, f64::NAN));
    curves.into_iter().flat_map(|curve| curve.into_iter().chain(gap())).collect()
}

/// Curves with every value replaced.
pub fn mapped(curves: Curves, of: impl Fn(f64) -> f64) -> Curves {
    let each = |curve: Points| curve.into_iter().map(|(time, value)| (time, of(value))).collect();
    curves.into_iter().map(|(replicate, curve)| (replicate, each(curve))).collect()
}

/// Mean of replicates as a marked line, then their range as a band, its sides with a dash of their own.
pub fn mean_and_band(panel: Panel, label: &str, (style, sides): (Style, Dash), curves: &Curves) -> Panel {
    panel.marked_line(label, style, mean(curves)).band(label, style.dash(sides), range(curves))
}

/// Range of n replicates as a band with a label of its own, then their mean.
pub fn band_and_mean(
    panel: Panel,
    n: u32,
    label: String,
    (style, sides): (Style, Dash),
    curves: &Curves,
) -> Panel {
    panel.band(format!("bands: range of {n} replicates"), style.dash(sides), range(curves)).marked_line(
        label,
        style,
        mean(curves),
    )
}

/// What theory says of the eigenvalues of a block: one curve for each rank, and the line above which they are outliers.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Curves of eigenvalues.
    pub eigenvalues: Vec<Points>,
    /// What the line is.
    pub label: &'static str,
    /// The line.
    pub line: Points,
}

/// Eigenvalues of a block of replicate 0 over time, one curve for each rank, what theory predicts of them, and the ranges of
/// replicates as bars.
pub fn eigenvalues(
    panel: Panel,
    (matrix, block): (Matrix, &str),
    measured: Vec<Points>,
    expected: Expected,
    (replicates, ranges): (u32, Vec<(f64, f64, f64, f64)>),
) -> Panel {
    let look = looks::matrix(matrix);
    let panel = panel
        .line(format!("${block}$, replicate 0"), look.width(1.6), joined(measured))
        .line("predicted eigenvalues", looks::predicted().width(0.8), joined(expected.eigenvalues))
        .line(expected.label, looks::bound(), expected.line);
    if ranges.is_empty() {
        panel
    } else {
        panel.error_bars(format!("${block}$, mean and range of {replicates} replicates"), look, ranges)
    }
}

/// Statistics along training, a panel each with its style: mean and range over the replicates of two experiments, of which the
/// second is darker and dashed.
///
/// # Errors
/// An experiment the stage does not have.
pub fn training<const N: usize>(
    results: &Results,
    statistics: &Statistics,
    shown: [(&str, Axis, Style); N],
    experiments: [&str; 2],
) -> Result<[Panel; N]> {
    let [first, second] = experiments.map(|name| results.experiment(name));
    let (first, second) = (first?, second?);
    Ok(shown.map(|(statistic, axis, style)| {
        let looks = [(first, style), (second, style.darker().dash(Dash::Dashed))];
        looks.into_iter().fold(over_log_time(first, axis), |panel, (one, style)| {
            let lambda = one.problem.lambda();
            let label = format!(r"$\lambda = {lambda}$, mean and range of {} replicates", one.replicates);
            mean_and_band(panel, &label, (style, style.dash), &statistics.of(&one.name, statistic).curves())
        })
    }))
}

/// Edges of cells around 1, 2, … up to a count.
pub fn unit_edges(count: u32) -> Vec<f64> {
    (0..=count).map(|index| f64::from(index) + 0.5).collect()
}

/// A panel of cells coloured from 0 to `most`, in as many steps as are given, each with its words unless there are none. An axis
/// comes with the edges of cells.
pub fn heat(
    label: &str,
    [(x, x_edges), (y, y_edges)]: [(Axis, Vec<f64>); 2],
    values: Vec<Vec<f64>>,
    (most, steps): (f64, Option<u32>),
    words: Vec<Vec<String>>,
) -> Panel {
    let map = HeatMap { x_edges, y_edges, values, map: ColourMap::Viridis, range: (0.0, most), steps };
    Panel::new(x, y).series(Series::heatmap(label, map).written(words))
}

/// Entries of vectors in cells, coloured up to the largest of either sign; those clearly negative have a minus sign, since
/// colours lose their sign in grey print. An axis comes with the edges of cells.
pub fn entries(
    label: &str,
    [(x, x_edges), (y, y_edges)]: [(Axis, Vec<f64>); 2],
    values: Vec<Vec<f64>>,
    largest: f64,
) -> Panel {
    let sign = |value: &f64| if *value < NEGATIVE { "−".to_owned() } else { String::new() };
    let signs = values.iter().map(|row| row.iter().map(sign).collect()).collect();
    let (map, range) = (ColourMap::Diverging, (-largest, largest));
    let map = HeatMap { x_edges, y_edges, values, map, range, steps: None };
    Panel::new(x, y).series(Series::heatmap(label, map).written(signs))
}

/// The table `products` of an experiment's layer after some steps as a square of cells, its first row on top: groups of
/// vectors, each with the beginning of its names in the table and its label, with lines between them.
///
/// # Errors
/// A table of another shape.
pub fn products(
    results: &Results,
    (experiment, layer, step): (&str, &str, u64),
    groups: &[(&str, &str)],
) -> Result<Panel> {
    let table = results.table("products")?;
    let column = |name: &str| table.present(name, table.strs(name)?);
    let (experiments, layers) = (column("experiment")?, column("layer")?);
    let (first, second) = (column("first")?, column("second")?);
    let steps = table.present("step", table.u64s("step")?)?;
    let values = table.present("value", table.f64s("value")?)?;
    let here = |row: &usize| experiments[*row] == experiment && layers[*row] == layer && steps[*row] == step;
    let rows: Vec<usize> = (0..table.rows()).filter(here).collect();
    let kind = |name: &'_ str| name.split(' ').next().unwrap_or_default().to_owned();
    let mut order: Vec<&str> = Vec::new();
    let (mut borders, mut labels) = (Vec::new(), Vec::new());
    for (name, label) in groups {
        let from = order.len();
        for row in &rows {
            if kind(first[*row]) == *name && !order.contains(&first[*row]) {
                order.push(first[*row]);
            }
        }
        let ends = [from, order.len()].map(place);
        labels.push((f64::midpoint(ends[0], ends[1]), (*label).to_owned()));
        borders.push(ends[1]);
    }
    borders.pop();
    let count = order.len();
    let at = |name: &str| order.iter().position(|other| *other == name);
    let mut cells = vec![vec![f64::NAN; count]; count];
    for row in rows {
        if let (Some(i), Some(j)) = (at(first[row]), at(second[row])) {
            cells[count - 1 - i][j] = values[row];
        }
    }
    let most = place(count);
    let edges: Vec<f64> = (0..=count).map(place).collect();
    let down = labels.iter().map(|(at, label)| (most + 0.5 - at, label.clone())).collect::<Vec<_>>();
    let axes = [("vectors", labels), ("the same vectors", down)];
    let axes = axes.map(|(label, named)| (Axis::linear(label).named(named), edges.clone()));
    let panel = entries("inner product", axes, cells, 1.0);
    let look = looks::predicted().dash(Dash::Solid).width(0.6);
    Ok(borders.iter().fold(panel, |panel, border| {
        panel.series(Series::rule_vertical("between groups", look, *border)).series(Series::rule_horizontal(
            "between groups",
            look,
            most + 0.5 - border,
        ))
    }))
}

/// One entry of the table `products`.
///
/// # Errors
/// A table of another shape.
pub fn product(
    results: &Results,
    (experiment, step): (&str, u64),
    names: (&str, &str),
) -> Result<Option<f64>> {
    let table = results.table("products")?;
    let (experiments, steps) = (table.strs("experiment")?, table.u64s("step")?);
    let (first, second, values) = (table.strs("first")?, table.strs("second")?, table.f64s("value")?);
    let found = (0..table.rows()).find(|row| {
        (experiments[*row], steps[*row]) == (Some(experiment), Some(step))
            && (first[*row], second[*row]) == (Some(names.0), Some(names.1))
    });
    Ok(found.and_then(|row| values[row]))
}

/// The lower edge of a cell by its index from 0.
fn place(index: usize) -> f64 {
    crate::problem::as_f64(index) + 0.5
}
