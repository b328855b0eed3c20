//! Compares two versions of a table, column by column, within the declared tolerances.

use crate::error::Result;
use crate::published::verify::rows::Verdict;
use crate::published::verify::tolerance::{Tolerance, rule};
use crate::table::{Difference, Table, differences};
use std::collections::BTreeMap;

/// How one column compares.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name; empty if the tables have different columns or numbers of rows.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// The worst place, in words.
    pub detail: Option<String>,
}

/// Compares the `committed` table with the `computed` one.
///
/// # Errors
/// A column that cannot be read.
pub fn columns(committed: &Table, computed: &Table) -> Result<Vec<Column>> {
    let found = differences(committed, computed)?;
    Ok(found.into_iter().map(|(name, found)| column(committed, computed, name, found)).collect())
}

fn column(committed: &Table, computed: &Table, name: String, found: Option<Difference>) -> Column {
    let Some(Difference { row, why }) = found else {
        return Column { name, verdict: Verdict::Identical, detail: None };
    };
    if let (Ok(ours), Ok(theirs)) = (committed.f64s(&name), computed.f64s(&name)) {
        return floats(committed, name, &ours, &theirs);
    }
    let detail = row.map_or(why.clone(), |row| format!("row {row}: {why}"));
    Column { name, verdict: Verdict::Different, detail: Some(detail) }
}

fn floats(table: &Table, name: String, ours: &[Option<f64>], theirs: &[Option<f64>]) -> Column {
    let labels = Labels::of(table);
    let rules: Vec<_> =
        (0..ours.len()).map(|row| rule(table.name(), &name, labels.value("statistic", row))).collect();
    let groups: Vec<String> = (0..ours.len()).map(|row| labels.group(rules[row].group, row)).collect();
    let mut scales: BTreeMap<&str, f64> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        let scale = scales.entry(group).or_insert(0.0);
        for value in [ours[row], theirs[row]].into_iter().flatten().filter(|value| value.is_finite()) {
            *scale = scale.max(value.abs());
        }
    }
    let (mut worst, mut apart, mut differing) = (None, -1.0, 0_usize);
    for row in 0..ours.len() {
        let (Some(a), Some(b)) = (ours[row], theirs[row]) else {
            if ours[row].is_some() != theirs[row].is_some() {
                let show = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:?}"));
                let detail = format!("row {row}: {} against {}", show(ours[row]), show(theirs[row]));
                return Column { name, verdict: Verdict::Different, detail: Some(detail) };
            }
            continue;
        };
        if a.to_bits() == b.to_bits() {
            continue;
        }
        let scale = scales.get(groups[row].as_str()).copied().unwrap_or(0.0);
        let distance = if scale > 0.0 { (a - b).abs() / scale } else { 0.0 };
        let words = || format!("row {row}: {a:?} against {b:?}, {distance:.1e} of the largest like it");
        if !rules[row].tolerance.accepts(a, b, scale) {
            differing += 1;
            if differing == 1 {
                worst = Some(format!("{}; allowed: {}", words(), allowed(rules[row].tolerance)));
            }
        } else if differing == 0 && distance > apart {
            apart = distance;
            worst = Some(words());
        }
    }
    let verdict = if differing > 0 { Verdict::Different } else { Verdict::Within };
    let detail = worst.map(|worst| match differing {
        0 | 1 => worst,
        count => format!("{count} rows, the first is {worst}"),
    });
    Column { name, verdict, detail }
}

fn allowed(tolerance: Tolerance) -> String {
    let parts = [
        (tolerance.absolute > 0.0).then(|| format!("{:e}", tolerance.absolute)),
        (tolerance.relative > 0.0).then(|| format!("{:e} of it", tolerance.relative)),
        (tolerance.ulps > 0).then(|| format!("{} units in the last place", tolerance.ulps)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" or ") }
}

/// The columns that say what a row is about, as text.
struct Labels(BTreeMap<String, Vec<String>>);

impl Labels {
    fn of(table: &Table) -> Self {
        let mut labels = BTreeMap::new();
        for name in table.columns() {
            let text = |value: Option<String>| value.unwrap_or_default();
            let values: Vec<String> = if let Ok(values) = table.strs(name) {
                values.into_iter().map(|value| text(value.map(str::to_owned))).collect()
            } else if let Ok(values) = table.i64s(name) {
                values.into_iter().map(|value| text(value.map(|value| value.to_string()))).collect()
            } else {
                continue;
            };
            labels.insert(name.to_owned(), values);
        }
        Self(labels)
    }

    fn value(&self, column: &str, row: usize) -> Option<&str> {
        self.0.get(column)?.get(row).map(String::as_str)
    }

    fn group(&self, columns: &[&str], row: usize) -> String {
        let parts: Vec<&str> =
            columns.iter().map(|column| self.value(column, row).unwrap_or_default()).collect();
        parts.join("\u{1f}")
    }
}
