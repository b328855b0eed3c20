//! The long tables that every stage shares: their rows, one reader for the numbers in all of them, and what is made of these:
//! means, ranges, curves per replicate.

use crate::error::{Error, Result};
use crate::problem::as_f64;
use crate::problem::network::Layer;
use crate::simulation::task::{Block, Matrix};
use crate::spectrum::Pair;
use crate::spectrum::query::{Query, SampleKind};
use crate::spectrum::subspace::{alignment, sine};
use crate::stage::Results;
use crate::stage::estimate::Values;
use crate::table::{Table, TableBuilder};
use ndarray::{Array2, ArrayView1};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Where a number was measured.
#[derive(Clone, Debug, Default, PartialEq)]
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

/// What vectors and spaces are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subspace {
    /// What theory says the parameters of the layer align with: `Span(μ)`, `Span(μ, ν)` for W, `B_t` for v.
    Means,
    /// The outlier eigenspace of the diagonal block of the row.
    Outliers(Matrix),
    /// The mean of the row's class.
    Mean,
    /// The row of parameters.
    Row,
    /// What the span of all rows adds to [`Subspace::Means`].
    Parameters,
    /// [`Subspace::Means`] at the start of training.
    Start,
    /// The predicted eigenvectors.
    Predicted,
    /// Leading principal components of the unweighted sample, as many as there are outliers.
    Components,
    /// A uniformly drawn space of as many dimensions.
    Random,
}

impl Subspace {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Means,
        Self::Outliers(Matrix::Hessian),
        Self::Outliers(Matrix::Gradient),
        Self::Mean,
        Self::Row,
        Self::Parameters,
        Self::Start,
        Self::Predicted,
        Self::Components,
        Self::Random,
    ];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Means => "means",
            Self::Outliers(matrix) => matrix.name(),
            Self::Mean => "mean",
            Self::Row => "row",
            Self::Parameters => "parameters",
            Self::Start => "start",
            Self::Predicted => "predicted",
            Self::Components => "principal-components",
            Self::Random => "random-subspace",
        }
    }
}

/// What a number is of, beside the name of the statistic; none where it does not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub struct Of {
    /// The matrix.
    pub matrix: Option<Matrix>,
    /// The layer of the block or row.
    pub layer: Option<Layer>,
    /// The row, or the first index of the block.
    pub row: Option<u32>,
    /// The second index.
    pub col: Option<u32>,
    /// Rank of the eigenvalue or eigenvector in its block, from 1.
    pub rank: Option<u32>,
    /// What it is compared with.
    pub subspace: Option<Subspace>,
    /// The cluster of the data.
    pub cluster: Option<u32>,
}

impl Of {
    /// A block of a matrix.
    pub fn block(matrix: Matrix, block: Block) -> Self {
        let (row, col) = block.rows().unzip();
        Self { matrix: Some(matrix), row, col, ..Self::layer(block.layer) }
    }

    /// A row of parameters.
    pub fn row(layer: Layer, row: u32) -> Self {
        Self { row: Some(row), ..Self::layer(layer) }
    }

    /// A layer.
    pub fn layer(layer: Layer) -> Self {
        Self { layer: Some(layer), ..Self::default() }
    }

    /// A cluster of the data.
    pub fn cluster(self, cluster: u32) -> Self {
        Self { cluster: Some(cluster), ..self }
    }

    /// The eigenvalue or eigenvector of this rank.
    pub fn rank(self, rank: u32) -> Self {
        Self { rank: Some(rank), ..self }
    }

    /// In comparison with this.
    pub fn with(self, subspace: Subspace) -> Self {
        Self { subspace: Some(subspace), ..self }
    }
}

/// A row of `alignment`: `ρ(v; B) = ‖P_B v‖/‖v‖` of one parameter row.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    /// Where.
    pub at: At,
    /// Layer of the parameter row.
    pub layer: Layer,
    /// Its index.
    pub row: u32,
    /// The sample behind the subspace; none for the span of the means.
    pub sample: Option<SampleKind>,
    /// The subspace.
    pub subspace: Subspace,
    /// ρ.
    pub value: f64,
    /// `√(1 - ρ²)`, accurate when it is small.
    pub sine: f64,
}

impl Alignment {
    /// Of a row, given as a vector, with the span of the means (without a sample) or an outlier eigenspace, given by an
    /// orthonormal basis.
    pub fn of(
        at: &At,
        (layer, row, vector): (Layer, u32, ArrayView1<f64>),
        (subspace, sample, basis): (Subspace, Option<SampleKind>, &Array2<f64>),
    ) -> Self {
        let (value, sine) = (alignment(vector, basis), sine(vector, basis));
        Self { at: at.clone(), layer, row, sample, subspace, value, sine }
    }
}

/// A row of `spectrum`.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigenvalue {
    /// Where.
    pub at: At,
    /// The sample that the matrix is a mean over.
    pub sample: SampleKind,
    /// The matrix.
    pub matrix: Matrix,
    /// The block.
    pub block: Block,
    /// Rank from 1: by value where all eigenvalues were computed, by magnitude where pairs were.
    pub rank: u32,
    /// The eigenvalue.
    pub eigenvalue: f64,
    /// `‖A v - θ v‖/‖A‖`; none where no eigenvector was computed.
    pub residual: Option<f64>,
}

impl Eigenvalue {
    /// The rows of the block of one question at one place, from its eigenpairs in their order.
    pub fn of_pairs<'a>(
        at: &'a At,
        matrix: Matrix,
        query: &'a Query,
        pairs: &'a [Pair],
    ) -> impl Iterator<Item = Self> + 'a {
        let all = pairs.iter().map(|pair| (pair.value, Some(pair.residual)));
        Self::ranked(at, matrix, query, all)
    }

    /// The same from all eigenvalues without eigenvectors.
    pub fn of_values<'a>(
        at: &'a At,
        matrix: Matrix,
        query: &'a Query,
        values: &'a [f64],
    ) -> impl Iterator<Item = Self> + 'a {
        Self::ranked(at, matrix, query, values.iter().map(|value| (*value, None)))
    }

    fn ranked<'a>(
        at: &'a At,
        matrix: Matrix,
        query: &'a Query,
        all: impl Iterator<Item = (f64, Option<f64>)> + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        (1..).zip(all).map(move |(rank, (eigenvalue, residual))| Self {
            at: at.clone(),
            sample: query.sample,
            matrix,
            block: query.block,
            rank,
            eigenvalue,
            residual,
        })
    }
}

/// A row of `statistics` (measured) or `theory` (predicted); also a number of any other table as [`Statistics`] reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic {
    /// Where.
    pub at: At,
    /// Its name.
    pub statistic: Cow<'static, str>,
    /// What it is of.
    pub of: Of,
    /// Its value.
    pub value: f64,
}

impl Statistic {
    /// A statistic of something.
    pub fn new(at: &At, statistic: &'static str, of: Of, value: f64) -> Self {
        Self { at: at.clone(), statistic: Cow::Borrowed(statistic), of, value }
    }

    /// A statistic of the whole network.
    pub fn plain(at: &At, statistic: &'static str, value: f64) -> Self {
        Self::new(at, statistic, Of::default(), value)
    }
}

/// The columns that say where, in every table.
pub fn located<'a>(name: &str, rows: impl Iterator<Item = &'a At> + Clone) -> TableBuilder {
    let experiments: Vec<&str> = rows.clone().map(|at| at.experiment.as_str()).collect();
    let builder = TableBuilder::new(name).str("experiment", &experiments);
    let replicates: Vec<Option<u32>> = rows.clone().map(|at| at.replicate).collect();
    builder
        .u32_or_null("replicate", replicates)
        .u64("step", rows.clone().map(|at| at.step).collect())
        .f64("time", rows.map(|at| at.time).collect())
}

/// One value of every row.
fn each<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// The table `alignment`.
///
/// # Errors
/// NaN.
pub fn alignment_table(rows: &[Alignment]) -> Result<Table> {
    located("alignment", rows.iter().map(|row| &row.at))
        .str("layer", &each(rows, |row| row.layer.name))
        .u32("row", each(rows, |row| row.row))
        .str_or_null("sample", &each(rows, |row| row.sample.map(SampleKind::name)))
        .str("subspace", &each(rows, |row| row.subspace.name()))
        .f64("value", each(rows, |row| row.value))
        .f64("sine", each(rows, |row| row.sine))
        .build()
}

/// The table `spectrum`.
///
/// # Errors
/// NaN.
pub fn spectrum_table(rows: &[Eigenvalue]) -> Result<Table> {
    located("spectrum", rows.iter().map(|row| &row.at))
        .str("sample", &each(rows, |row| row.sample.name()))
        .str("matrix", &each(rows, |row| row.matrix.name()))
        .str("layer", &each(rows, |row| row.block.layer.name))
        .u32_or_null("row", each(rows, |row| row.block.rows().map(|rows| rows.0)))
        .u32_or_null("col", each(rows, |row| row.block.rows().map(|rows| rows.1)))
        .u32("rank", each(rows, |row| row.rank))
        .f64("eigenvalue", each(rows, |row| row.eigenvalue))
        .f64_or_null("residual", each(rows, |row| row.residual))
        .build()
}

/// The columns that say where and of what.
fn of_something(name: &str, rows: &[Statistic]) -> TableBuilder {
    located(name, rows.iter().map(|row| &row.at))
        .str("statistic", &each(rows, |row| &row.statistic))
        .str_or_null("matrix", &each(rows, |row| row.of.matrix.map(Matrix::name)))
        .str_or_null("layer", &each(rows, |row| row.of.layer.map(|layer| layer.name)))
        .u32_or_null("row", each(rows, |row| row.of.row))
        .u32_or_null("col", each(rows, |row| row.of.col))
        .u32_or_null("rank", each(rows, |row| row.of.rank))
        .str_or_null("subspace", &each(rows, |row| row.of.subspace.map(Subspace::name)))
        .u32_or_null("cluster", each(rows, |row| row.of.cluster))
}

/// A table of statistics, measured (`statistics`) or predicted (`theory`).
///
/// # Errors
/// NaN.
pub fn statistics_table(name: &str, rows: &[Statistic]) -> Result<Table> {
    of_something(name, rows).f64("value", each(rows, |row| row.value)).build()
}

/// A table of ranges of statistics, each row with the lower end as its value and the upper end beside it.
///
/// # Errors
/// NaN.
pub fn ranges_table(name: &str, rows: &[Statistic], high: Vec<f64>) -> Result<Table> {
    of_something(name, rows).f64("low", each(rows, |row| row.value)).f64("high", high).build()
}

/// The table `entries` of vectors: eigenvectors of a matrix by rank, or rows of parameters without either; `col` is the
/// coordinate.
///
/// # Errors
/// NaN.
pub fn entries_table(rows: &[Statistic]) -> Result<Table> {
    located("entries", rows.iter().map(|row| &row.at))
        .str_or_null("matrix", &each(rows, |row| row.of.matrix.map(Matrix::name)))
        .str_or_null("layer", &each(rows, |row| row.of.layer.map(|layer| layer.name)))
        .u32_or_null("row", each(rows, |row| row.of.row))
        .u32_or_null("rank", each(rows, |row| row.of.rank))
        .u32_or_null("col", each(rows, |row| row.of.col))
        .f64("value", each(rows, |row| row.value))
        .build()
}

/// The rows of the tables that stages share, as they grow.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Of `alignment`.
    pub alignments: Vec<Alignment>,
    /// Of `spectrum`.
    pub spectrum: Vec<Eigenvalue>,
    /// Of `statistics`.
    pub statistics: Vec<Statistic>,
    /// Of `theory`.
    pub theory: Vec<Statistic>,
    /// Of `entries`.
    pub entries: Vec<Statistic>,
}

impl Rows {
    /// Adds a row of `statistics`.
    pub fn measure(&mut self, at: &At, statistic: &'static str, of: Of, value: f64) {
        self.statistics.push(Statistic::new(at, statistic, of, value));
    }

    /// Adds a row of `theory`.
    pub fn predict(&mut self, at: &At, statistic: &'static str, of: Of, value: f64) {
        self.theory.push(Statistic::new(at, statistic, of, value));
    }

    /// The tables of these names.
    ///
    /// # Errors
    /// NaN; another name.
    pub fn tables(&self, names: &[&str]) -> Result<Vec<Table>> {
        let table = |name: &&str| match *name {
            "alignment" => alignment_table(&self.alignments),
            "spectrum" => spectrum_table(&self.spectrum),
            "statistics" => statistics_table(name, &self.statistics),
            "theory" => statistics_table(name, &self.theory),
            "entries" => entries_table(&self.entries),
            _ => Err(Error::unknown(
                "table",
                name,
                &["alignment", "spectrum", "statistics", "theory", "entries"],
            )),
        };
        names.iter().map(table).collect()
    }
}

/// Where each row of a table is.
///
/// # Errors
/// A table of another shape.
pub fn places(table: &Table) -> Result<Vec<At>> {
    let experiments = table.present("experiment", table.strs("experiment")?)?;
    let steps = table.present("step", table.u64s("step")?)?;
    let times = table.present("time", table.f64s("time")?)?;
    let replicates = Reader(table).numbers("replicate")?;
    let rows = experiments.into_iter().zip(replicates).zip(steps.into_iter().zip(times));
    Ok(rows
        .map(|((experiment, replicate), (step, time))| At {
            experiment: experiment.to_owned(),
            replicate,
            step,
            time,
        })
        .collect())
}

/// Reads the columns of a table, as far as it has them.
struct Reader<'a>(&'a Table);

impl<'a> Reader<'a> {
    fn column<T: Clone>(
        &self,
        column: &str,
        read: impl Fn(&'a Table, &str) -> Result<Vec<Option<T>>>,
    ) -> Result<Vec<Option<T>>> {
        if self.0.columns().contains(&column) { read(self.0, column) } else { Ok(vec![None; self.0.rows()]) }
    }

    fn numbers(&self, column: &str) -> Result<Vec<Option<u32>>> {
        self.column(column, Table::u32s)
    }

    /// Names as what they mean.
    fn named<T: Copy>(
        &self,
        column: &str,
        known: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Vec<Option<T>>> {
        let known: Vec<(&str, T)> = known.iter().map(|one| (name(*one), *one)).collect();
        let meant = |word: &str| {
            let found = known.iter().find(|(name, _)| *name == word).map(|(_, one)| *one);
            let names = || known.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            found.ok_or_else(|| Error::unknown("name", word, &names()))
        };
        self.column(column, Table::strs)?.into_iter().map(|word| word.map(meant).transpose()).collect()
    }
}

/// The numbers in one column of a table, with all that the table says of them.
#[derive(Clone, Debug)]
pub struct Statistics {
    rows: Vec<Statistic>,
    /// The rows of each statistic of each experiment: figures of families ask for hundreds of them.
    places: HashMap<String, HashMap<String, Vec<usize>>>,
}

impl Statistics {
    /// The column `value` of a table.
    ///
    /// # Errors
    /// A table the stage does not have or of another shape.
    pub fn read(results: &Results, table: &str) -> Result<Self> {
        Self::column(results.table(table)?, "value")
    }

    /// What was measured and what is predicted: the tables `statistics` and `theory`.
    ///
    /// # Errors
    /// As for [`Statistics::read`].
    pub fn both(results: &Results) -> Result<(Self, Self)> {
        Ok((Self::read(results, "statistics")?, Self::read(results, "theory")?))
    }

    /// The eigenvalues of the table `spectrum`.
    ///
    /// # Errors
    /// As for [`Statistics::read`].
    pub fn eigenvalues(results: &Results) -> Result<Self> {
        Self::column(results.table("spectrum")?, "eigenvalue")
    }

    /// A column of a table; where the table has no names of statistics, the column has the name.
    ///
    /// # Errors
    /// A table of another shape.
    pub fn column(table: &Table, column: &str) -> Result<Self> {
        let reader = Reader(table);
        let statistic = reader.column("statistic", Table::strs)?;
        let matrix = reader.named("matrix", &Matrix::BOTH, Matrix::name)?;
        let layers: Vec<Layer> = Layer::all().collect();
        let layer = reader.named("layer", &layers, |layer| layer.name)?;
        let subspace = reader.named("subspace", &Subspace::ALL, Subspace::name)?;
        let (row, col) = (reader.numbers("row")?, reader.numbers("col")?);
        let (rank, cluster) = (reader.numbers("rank")?, reader.numbers("cluster")?);
        let value = table.present(column, table.f64s(column)?)?;
        let rows = places(table)?.into_iter().enumerate().map(|(i, at)| Statistic {
            at,
            statistic: Cow::Owned(statistic[i].unwrap_or(column).to_owned()),
            of: Of {
                matrix: matrix[i],
                layer: layer[i],
                row: row[i],
                col: col[i],
                rank: rank[i],
                subspace: subspace[i],
                cluster: cluster[i],
            },
            value: value[i],
        });
        let rows: Vec<Statistic> = rows.collect();
        let mut places: HashMap<String, HashMap<String, Vec<usize>>> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            let of = places.entry(row.at.experiment.clone()).or_default();
            of.entry(row.statistic.to_string()).or_default().push(place);
        }
        Ok(Self { rows, places })
    }

    /// All numbers.
    pub fn all(&self) -> &[Statistic] {
        &self.rows
    }

    /// Those of an experiment.
    pub fn in_experiment(&self, experiment: &str) -> Selection<'_> {
        let mut places: Vec<usize> =
            self.places.get(experiment).into_iter().flatten().flat_map(|of| of.1.clone()).collect();
        places.sort_unstable();
        Selection(places.into_iter().map(|place| &self.rows[place]).collect())
    }

    /// Those of a statistic of an experiment.
    pub fn of(&self, experiment: &str, statistic: &str) -> Selection<'_> {
        let places = self.places.get(experiment).and_then(|of| of.get(statistic));
        Selection(places.into_iter().flatten().map(|place| &self.rows[*place]).collect())
    }
}

/// Some of the numbers, in the order of the table.
#[derive(Clone, Debug)]
#[must_use]
pub struct Selection<'a>(Vec<&'a Statistic>);

impl<'a> Selection<'a> {
    /// All numbers of a table.
    pub fn every(all: &'a Statistics) -> Self {
        Selection(all.rows.iter().collect())
    }

    /// Those that are wanted.
    pub fn only(mut self, wanted: impl Fn(&Statistic) -> bool) -> Self {
        self.0.retain(|row| wanted(row));
        self
    }

    /// Those of a matrix.
    pub fn matrix(self, matrix: Matrix) -> Self {
        self.only(|row| row.of.matrix == Some(matrix))
    }

    /// Those of a layer.
    pub fn layer(self, layer: Layer) -> Self {
        self.only(|row| row.of.layer == Some(layer))
    }

    /// Those of a row.
    pub fn row(self, index: u32) -> Self {
        self.only(|row| row.of.row == Some(index))
    }

    /// Those of a rank.
    pub fn rank(self, rank: u32) -> Self {
        self.only(|row| row.of.rank == Some(rank))
    }

    /// Those in comparison with a subspace.
    pub fn with(self, subspace: Subspace) -> Self {
        self.only(|row| row.of.subspace == Some(subspace))
    }

    /// Those of a replicate.
    pub fn replicate(self, replicate: u32) -> Self {
        self.only(|row| row.at.replicate == Some(replicate))
    }

    /// Those after this many steps.
    pub fn step(self, step: u64) -> Self {
        self.only(|row| row.at.step == step)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &'a Statistic> + Clone {
        self.0.iter().copied()
    }

    /// The values.
    pub fn values(&self) -> Vec<f64> {
        self.iter().map(|row| row.value).collect()
    }

    /// Their mean; NaN if there is none.
    pub fn mean(&self) -> f64 {
        average(&self.values())
    }

    /// The values over time.
    pub fn points(&self) -> Vec<(f64, f64)> {
        self.iter().map(|row| (row.at.time, row.value)).collect()
    }

    /// One curve over time per replicate; predictions have replicate 0.
    pub fn curves(&self) -> Curves {
        let mut curves = Curves::new();
        for row in self.iter() {
            curves.entry(row.at.replicate.unwrap_or(0)).or_default().push((row.at.time, row.value));
        }
        curves
    }

    /// The values of each rank up to the last over time, of ranks that there are.
    pub fn ranked(&self, last: u32) -> Vec<Vec<(f64, f64)>> {
        let ranks = (1..=last).map(|rank| self.clone().rank(rank).points());
        ranks.filter(|points| !points.is_empty()).collect()
    }

    /// The smallest value at each time, as one curve per replicate.
    pub fn smallest(&self) -> Curves {
        let mut smallest: BTreeMap<u32, BTreeMap<u64, (f64, f64)>> = BTreeMap::new();
        for row in self.iter() {
            let replicate = smallest.entry(row.at.replicate.unwrap_or(0)).or_default();
            let point = replicate.entry(row.at.step).or_insert((row.at.time, f64::INFINITY));
            point.1 = point.1.min(row.value);
        }
        smallest.into_iter().map(|(replicate, points)| (replicate, points.into_values().collect())).collect()
    }
}

/// Curves over time, one per replicate.
pub type Curves = BTreeMap<u32, Vec<(f64, f64)>>;

/// The value of every replicate at the end.
#[must_use]
pub fn at_end(curves: &Curves) -> Values {
    let ends = curves.iter().filter_map(|(replicate, curve)| Some((*replicate, curve.last()?.1)));
    ends.collect()
}

/// The value of every replicate at the start.
#[must_use]
pub fn at_start(curves: &Curves) -> Values {
    let starts = curves.iter().filter_map(|(replicate, curve)| Some((*replicate, curve.first()?.1)));
    starts.collect()
}

/// The last value of every replicate.
pub fn last(curves: &Curves) -> Vec<f64> {
    curves.values().filter_map(|curve| curve.last().map(|point| point.1)).collect()
}

/// The first value of every replicate.
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
pub fn mean(curves: &Curves) -> Vec<(f64, f64)> {
    columns(curves).into_iter().map(|(time, values)| (time, average(&values))).collect()
}

/// Mean, smallest and largest value over replicates at each time, as `(time, mean, low, high)`.
pub fn mean_and_range(curves: &Curves) -> Vec<(f64, f64, f64, f64)> {
    mean(curves).into_iter().zip(range(curves)).map(|((x, y), (_, low, high))| (x, y, low, high)).collect()
}

/// Smallest and largest value over replicates at each time.
pub fn range(curves: &Curves) -> Vec<(f64, f64, f64)> {
    let ends = |(time, values): (f64, Vec<f64>)| (time, extent(&values).0, extent(&values).1);
    columns(curves).into_iter().map(ends).collect()
}

/// Mean of values; NaN if there is none.
pub fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / as_f64(values.len())
}

/// Smallest and largest of values.
pub fn extent(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
}
