//! Rows of the tables that every stage shares, and what is made of them: means, ranges, curves per replicate.

use crate::error::Result;
use crate::spectrum::Pair;
use crate::spectrum::query::Query;
use crate::table::{Table, TableBuilder};
use std::collections::BTreeMap;

/// Where a number was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct At {
    /// The experiment.
    pub experiment: String,
    /// The replicate; none for a prediction.
    pub replicate: Option<u32>,
    /// SGD steps taken.
    pub step: u64,
    /// `step · δ`.
    pub time: f64,
}

/// A row of `alignment`: `ρ(v; B) = ‖P_B v‖/‖v‖` of one parameter row.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    /// Where.
    pub at: At,
    /// Layer of the parameter row.
    pub layer: String,
    /// Its index.
    pub row: u32,
    /// The sample behind the subspace; none for the span of the means.
    pub sample: Option<String>,
    /// `means`, `hessian` or `gradient`.
    pub subspace: String,
    /// ρ.
    pub value: f64,
    /// `√(1 - ρ²)`, accurate when it is small.
    pub sine: f64,
}

/// A row of `spectrum`.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigenvalue {
    /// Where.
    pub at: At,
    /// `test` or `train`.
    pub sample: String,
    /// `hessian` or `gradient`.
    pub matrix: String,
    /// Layer of the block.
    pub layer: String,
    /// First index of the block.
    pub row: u32,
    /// Second index.
    pub col: u32,
    /// Rank from 1, the largest; by magnitude where pairs were computed, by value where all eigenvalues were.
    pub rank: u32,
    /// The eigenvalue.
    pub eigenvalue: f64,
    /// `‖A v - θ v‖/‖A‖`; none where no eigenvector was computed.
    pub residual: Option<f64>,
}

impl Eigenvalue {
    /// The rows of the block of one question at one place, from its eigenpairs in their order; `layer` is the name of its layer.
    pub fn of_block<'a>(
        at: &'a At,
        matrix: &'a str,
        layer: &'a str,
        query: &'a Query,
        pairs: &'a [Pair],
    ) -> impl Iterator<Item = Self> + 'a {
        (1..).zip(pairs).map(move |(rank, pair)| Self {
            at: at.clone(),
            sample: query.sample.name().to_owned(),
            matrix: matrix.to_owned(),
            layer: layer.to_owned(),
            row: query.block.row,
            col: query.block.col,
            rank,
            eigenvalue: pair.value,
            residual: Some(pair.residual),
        })
    }
}

/// A row of `statistics` (measured) or `theory` (predicted): any other number with a name and up to two indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic {
    /// Where.
    pub at: At,
    /// Its name.
    pub statistic: String,
    /// First index.
    pub row: Option<u32>,
    /// Second index.
    pub col: Option<u32>,
    /// Its value.
    pub value: f64,
}

impl Statistic {
    /// A statistic without indices.
    #[must_use]
    pub fn plain(at: &At, statistic: impl Into<String>, value: f64) -> Self {
        Self { at: at.clone(), statistic: statistic.into(), row: None, col: None, value }
    }

    /// A statistic with one index.
    #[must_use]
    pub fn of(at: &At, statistic: impl Into<String>, row: u32, value: f64) -> Self {
        Self { row: Some(row), ..Self::plain(at, statistic, value) }
    }

    /// A statistic with two indices.
    #[must_use]
    pub fn between(at: &At, statistic: impl Into<String>, row: u32, col: u32, value: f64) -> Self {
        Self { col: Some(col), ..Self::of(at, statistic, row, value) }
    }
}

/// The columns that say where, in every table.
fn located<'a>(name: &str, rows: impl Iterator<Item = &'a At> + Clone) -> TableBuilder {
    let experiments: Vec<&str> = rows.clone().map(|at| at.experiment.as_str()).collect();
    let builder = TableBuilder::new(name).str("experiment", &experiments);
    let replicates: Vec<Option<u32>> = rows.clone().map(|at| at.replicate).collect();
    builder
        .u32_or_null("replicate", replicates)
        .u64("step", rows.clone().map(|at| at.step).collect())
        .f64("time", rows.map(|at| at.time).collect())
}

fn places(table: &Table) -> Result<Vec<At>> {
    let experiment = table.present("experiment", table.strs("experiment")?)?;
    let replicate = table.u32s("replicate")?;
    let step = table.present("step", table.u64s("step")?)?;
    let time = table.present("time", table.f64s("time")?)?;
    Ok((0..table.rows())
        .map(|row| At {
            experiment: experiment[row].to_owned(),
            replicate: replicate[row],
            step: step[row],
            time: time[row],
        })
        .collect())
}

fn words(table: &Table, column: &str) -> Result<Vec<String>> {
    Ok(table.present(column, table.strs(column)?)?.into_iter().map(str::to_owned).collect())
}

/// The table `alignment`.
///
/// # Errors
/// NaN.
pub fn alignment_table(rows: &[Alignment]) -> Result<Table> {
    located("alignment", rows.iter().map(|row| &row.at))
        .str("layer", &rows.iter().map(|row| &row.layer).collect::<Vec<_>>())
        .u32("row", rows.iter().map(|row| row.row).collect())
        .str_or_null("sample", &rows.iter().map(|row| row.sample.as_ref()).collect::<Vec<_>>())
        .str("subspace", &rows.iter().map(|row| &row.subspace).collect::<Vec<_>>())
        .f64("value", rows.iter().map(|row| row.value).collect())
        .f64("sine", rows.iter().map(|row| row.sine).collect())
        .build()
}

/// Its rows.
///
/// # Errors
/// A table of another shape.
pub fn alignment_rows(table: &Table) -> Result<Vec<Alignment>> {
    let (layer, subspace) = (words(table, "layer")?, words(table, "subspace")?);
    let row = table.present("row", table.u32s("row")?)?;
    let value = table.present("value", table.f64s("value")?)?;
    let sine = table.present("sine", table.f64s("sine")?)?;
    let sample = table.strs("sample")?;
    Ok(places(table)?
        .into_iter()
        .enumerate()
        .map(|(i, at)| Alignment {
            at,
            layer: layer[i].clone(),
            row: row[i],
            sample: sample[i].map(str::to_owned),
            subspace: subspace[i].clone(),
            value: value[i],
            sine: sine[i],
        })
        .collect())
}

/// The table `spectrum`.
///
/// # Errors
/// NaN.
pub fn spectrum_table(rows: &[Eigenvalue]) -> Result<Table> {
    located("spectrum", rows.iter().map(|row| &row.at))
        .str("sample", &rows.iter().map(|row| &row.sample).collect::<Vec<_>>())
        .str("matrix", &rows.iter().map(|row| &row.matrix).collect::<Vec<_>>())
        .str("layer", &rows.iter().map(|row| &row.layer).collect::<Vec<_>>())
        .u32("row", rows.iter().map(|row| row.row).collect())
        .u32("col", rows.iter().map(|row| row.col).collect())
        .u32("rank", rows.iter().map(|row| row.rank).collect())
        .f64("eigenvalue", rows.iter().map(|row| row.eigenvalue).collect())
        .f64_or_null("residual", rows.iter().map(|row| row.residual).collect())
        .build()
}

/// Its rows.
///
/// # Errors
/// A table of another shape.
pub fn spectrum_rows(table: &Table) -> Result<Vec<Eigenvalue>> {
    let (sample, matrix, layer) = (words(table, "sample")?, words(table, "matrix")?, words(table, "layer")?);
    let number = |column: &str| table.present(column, table.u32s(column)?);
    let (row, col, rank) = (number("row")?, number("col")?, number("rank")?);
    let eigenvalue = table.present("eigenvalue", table.f64s("eigenvalue")?)?;
    let residual = table.f64s("residual")?;
    Ok(places(table)?
        .into_iter()
        .enumerate()
        .map(|(i, at)| Eigenvalue {
            at,
            sample: sample[i].clone(),
            matrix: matrix[i].clone(),
            layer: layer[i].clone(),
            row: row[i],
            col: col[i],
            rank: rank[i],
            eigenvalue: eigenvalue[i],
            residual: residual[i],
        })
        .collect())
}

/// A table of statistics, measured (`statistics`) or predicted (`theory`).
///
/// # Errors
/// NaN.
pub fn statistics_table(name: &str, rows: &[Statistic]) -> Result<Table> {
    located(name, rows.iter().map(|row| &row.at))
        .str("statistic", &rows.iter().map(|row| &row.statistic).collect::<Vec<_>>())
        .u32_or_null("row", rows.iter().map(|row| row.row).collect())
        .u32_or_null("col", rows.iter().map(|row| row.col).collect())
        .f64("value", rows.iter().map(|row| row.value).collect())
        .build()
}

/// Its rows.
///
/// # Errors
/// A table of another shape.
pub fn statistics_rows(table: &Table) -> Result<Vec<Statistic>> {
    let statistic = words(table, "statistic")?;
    let (row, col) = (table.u32s("row")?, table.u32s("col")?);
    let value = table.present("value", table.f64s("value")?)?;
    Ok(places(table)?
        .into_iter()
        .enumerate()
        .map(|(i, at)| Statistic {
            at,
            statistic: statistic[i].clone(),
            row: row[i],
            col: col[i],
            value: value[i],
        })
        .collect())
}

/// Curves over time, one per replicate.
pub type Curves = BTreeMap<u32, Vec<(f64, f64)>>;

/// Gathers values into one curve over time per replicate; predictions have replicate 0.
pub fn curves<'a>(values: impl Iterator<Item = (&'a At, f64)>) -> Curves {
    let mut curves = Curves::new();
    for (at, value) in values {
        curves.entry(at.replicate.unwrap_or(0)).or_default().push((at.time, value));
    }
    curves
}

/// The last value of every replicate.
#[must_use]
pub fn last(curves: &Curves) -> Vec<f64> {
    curves.values().filter_map(|curve| curve.last().map(|point| point.1)).collect()
}

/// The first value of every replicate.
#[must_use]
pub fn first(curves: &Curves) -> Vec<f64> {
    curves.values().filter_map(|curve| curve.first().map(|point| point.1)).collect()
}

fn columns(curves: &Curves) -> Vec<(f64, Vec<f64>)> {
    let mut all: Vec<(f64, Vec<f64>)> = Vec::new();
    for curve in curves.values() {
        for (index, &(time, value)) in curve.iter().enumerate() {
            match all.get_mut(index) {
                Some(column) => column.1.push(value),
                None => all.push((time, vec![value])),
            }
        }
    }
    all
}

/// Mean over replicates at each time.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a number of replicates is exact in f64")]
pub fn mean(curves: &Curves) -> Vec<(f64, f64)> {
    columns(curves)
        .into_iter()
        .map(|(time, values)| (time, values.iter().sum::<f64>() / values.len() as f64))
        .collect()
}

/// Mean, smallest and largest value over replicates at each time, as `(time, mean, low, high)`.
#[must_use]
pub fn mean_and_range(curves: &Curves) -> Vec<(f64, f64, f64, f64)> {
    mean(curves).into_iter().zip(range(curves)).map(|((x, y), (_, low, high))| (x, y, low, high)).collect()
}

/// Smallest and largest value over replicates at each time.
#[must_use]
pub fn range(curves: &Curves) -> Vec<(f64, f64, f64)> {
    columns(curves)
        .into_iter()
        .map(|(time, values)| {
            (
                time,
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            )
        })
        .collect()
}
