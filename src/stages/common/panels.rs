//! Panels that many figures share.

use crate::error::Result;
use crate::plot::{Axis, Colour, ColourMap, Dash, HeatMap, Marker, Panel, Series, Style};
use crate::stage::Results;
use crate::stage::rows::{Curves, Statistics, mean, range};
use crate::stages::common::captions::NEGATIVE;

/// Points of a curve.
type Points = Vec<(f64, f64)>;

/// An empty panel over training time.
pub fn over_time(y: Axis) -> Panel {
    Panel::new(Axis::linear("training time $t$"), y)
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
    let band = Style::measured(style.colour).dash(sides);
    panel.band(format!("bands: range of {n} replicates"), band, range(curves)).marked_line(
        label,
        style,
        mean(curves),
    )
}

/// Eigenvalues over time by rank, with the marks that theory predicts (label, size, places) and a line of it.
pub fn eigenvalues(
    y: Axis,
    (ranks, measured): (&str, Vec<Points>),
    (label, size, predicted): (&str, f64, Points),
    (line, edge): (&str, Points),
) -> Panel {
    over_time(y)
        .series(Series::ranked(ranks, Style::measured(Colour::Black), measured))
        .points(label, Style::theory(Colour::Vermillion).marker(Marker::Cross).size(size), predicted)
        .line(line, Style::theory(Colour::Black), edge)
}

/// Statistics along training, a panel each: mean and range over the replicates of experiments, each with its style and the
/// dash of its band's sides.
///
/// # Errors
/// An experiment the stage does not have.
pub fn training<const N: usize>(
    results: &Results,
    statistics: &Statistics,
    shown: [(&str, Axis); N],
    experiments: &[(&str, (Style, Dash))],
) -> Result<[Panel; N]> {
    let mut labelled = Vec::new();
    for &(name, style) in experiments {
        let (lambda, n) =
            (results.experiment(name)?.problem.lambda(), results.experiment(experiments[0].0)?.replicates);
        labelled.push((name, style, format!(r"$\lambda = {lambda}$, mean and range of {n} replicates")));
    }
    Ok(shown.map(|(statistic, axis)| {
        labelled.iter().fold(over_time(axis), |panel, (name, style, label)| {
            mean_and_band(panel, label, *style, &statistics.of(name, statistic).curves())
        })
    }))
}

/// Edges of cells around 1, 2, … up to a count.
pub fn unit_edges(count: u32) -> Vec<f64> {
    (0..=count).map(|index| f64::from(index) + 0.5).collect()
}

/// A panel of cells coloured from 0 to `most`, each with its words unless there are none. An axis comes with the edges of cells.
pub fn heat(
    label: &str,
    [(x, x_edges), (y, y_edges)]: [(Axis, Vec<f64>); 2],
    values: Vec<Vec<f64>>,
    most: f64,
    words: Vec<Vec<String>>,
) -> Panel {
    let map = HeatMap { x_edges, y_edges, values, map: ColourMap::Viridis, range: (0.0, most) };
    Panel::new(x, y).series(Series::heatmap(label, map).written(words))
}

/// Entries of vectors in cells, coloured up to the largest of either sign; those clearly negative have a minus sign, since
/// colours lose their sign in grey print. An axis is its label and the edges of cells.
pub fn entries(
    label: &str,
    [(x, x_edges), (y, y_edges)]: [(String, Vec<f64>); 2],
    values: Vec<Vec<f64>>,
    largest: f64,
) -> Panel {
    let sign = |value: &f64| if *value < NEGATIVE { "−".to_owned() } else { String::new() };
    let signs = values.iter().map(|row| row.iter().map(sign).collect()).collect();
    let map = HeatMap { x_edges, y_edges, values, map: ColourMap::Diverging, range: (-largest, largest) };
    Panel::new(Axis::linear(x).whole(), Axis::linear(y).whole())
        .series(Series::heatmap(label, map).written(signs))
}
