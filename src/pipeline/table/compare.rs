//! Compares two versions of a table within a tolerance.

use crate::error::Result;
use crate::pipeline::table::{Kind, Table};

/// How two versions of a table or column compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// Every bit is the same.
    Identical,
    /// Numbers differ, but by no more than was allowed.
    Within {
        /// Largest difference, relative to the largest magnitude in its column.
        worst: f64,
    },
    /// Something differs by more than was allowed.
    Different {
        /// The table.
        table: String,
        /// The column, unless the table's shape differs.
        column: Option<String>,
        /// The first such row, unless the column's type differs.
        row: Option<usize>,
        /// What differs, in words.
        why: String,
    },
}

/// Compares `a` and `b`; numbers may differ by `relative` times the largest magnitude in their
/// column, everything else not at all.
///
/// # Errors
/// A column that cannot be read.
pub fn compare(a: &Table, b: &Table, relative: f64) -> Result<Comparison> {
    let mut overall = Comparison::Identical;
    for (_, found) in compare_columns(a, b, |_| relative)? {
        overall = match (overall, found) {
            (_, found @ Comparison::Different { .. }) => return Ok(found),
            (Comparison::Within { worst: first }, Comparison::Within { worst: second }) => {
                Comparison::Within { worst: first.max(second) }
            }
            (Comparison::Identical, found) => found,
            (overall, _) => overall,
        };
    }
    Ok(overall)
}

/// Compares column by column, with a tolerance for each, in the order of `a`. Where the tables have
/// different columns or numbers of rows, the only entry says so.
///
/// # Errors
/// A column that cannot be read.
pub fn compare_columns(
    a: &Table,
    b: &Table,
    relative: impl Fn(&str) -> f64,
) -> Result<Vec<(String, Comparison)>> {
    let shape = |why: String| {
        let found = Comparison::Different { table: a.name().to_owned(), column: None, row: None, why };
        Ok(vec![(String::new(), found)])
    };
    if a.columns() != b.columns() {
        return shape(format!("columns {} against {}", a.columns().join(", "), b.columns().join(", ")));
    }
    if a.rows() != b.rows() {
        return shape(format!("{} rows against {}", a.rows(), b.rows()));
    }
    a.columns().into_iter().map(|name| Ok((name.to_owned(), column(a, b, name, relative(name))?))).collect()
}

fn column(a: &Table, b: &Table, name: &str, relative: f64) -> Result<Comparison> {
    let different = |row: Option<usize>, why: String| Comparison::Different {
        table: a.name().to_owned(),
        column: Some(name.to_owned()),
        row,
        why,
    };
    let (kind, other) = (a.kind(name)?, b.kind(name)?);
    if kind != other {
        return Ok(different(None, format!("type {} against {}", kind.name(), other.name())));
    }
    let lists = |values: Vec<Option<f64>>| -> Vec<Option<Vec<f64>>> {
        values.into_iter().map(|value| value.map(|value| vec![value])).collect()
    };
    let verdict = match kind {
        Kind::U32 => exact(&a.u32s(name)?, &b.u32s(name)?),
        Kind::U64 => exact(&a.u64s(name)?, &b.u64s(name)?),
        Kind::I64 => exact(&a.i64s(name)?, &b.i64s(name)?),
        Kind::Bool => exact(&a.bools(name)?, &b.bools(name)?),
        Kind::Str => exact(&a.strs(name)?, &b.strs(name)?),
        Kind::F64 => close(&lists(a.f64s(name)?), &lists(b.f64s(name)?), relative),
        Kind::F64List => close(&a.f64_lists(name)?, &b.f64_lists(name)?, relative),
    };
    Ok(match verdict {
        Ok(None) => Comparison::Identical,
        Ok(Some(worst)) => Comparison::Within { worst },
        Err((row, why)) => different(Some(row), why),
    })
}

/// Nothing if identical, the worst relative difference if allowed, else the row and the reason.
type Verdict = std::result::Result<Option<f64>, (usize, String)>;

fn exact<T: PartialEq + std::fmt::Debug>(a: &[Option<T>], b: &[Option<T>]) -> Verdict {
    match a.iter().zip(b).position(|(ours, theirs)| ours != theirs) {
        Some(row) => Err((row, format!("{} against {}", show(a[row].as_ref()), show(b[row].as_ref())))),
        None => Ok(None),
    }
}

fn close(a: &[Option<Vec<f64>>], b: &[Option<Vec<f64>>], relative: f64) -> Verdict {
    let finite = |value: &&f64| value.is_finite();
    let scale = a
        .iter()
        .chain(b)
        .flatten()
        .flatten()
        .filter(finite)
        .fold(0.0_f64, |worst, value| worst.max(value.abs()));
    let mut worst = None;
    for (row, (ours, theirs)) in a.iter().zip(b).enumerate() {
        let (Some(x), Some(y)) = (ours, theirs) else {
            if ours.is_some() || theirs.is_some() {
                return Err((row, format!("{} against {}", show(ours.as_ref()), show(theirs.as_ref()))));
            }
            continue;
        };
        if x.len() != y.len() {
            return Err((row, format!("a list of {} against one of {}", x.len(), y.len())));
        }
        for (x, y) in x.iter().zip(y) {
            if x.to_bits() == y.to_bits() {
                continue;
            }
            let apart = if scale > 0.0 { (x - y).abs() / scale } else { 0.0 };
            // An infinite number is only equal to itself.
            if !(x.is_finite() && y.is_finite() && apart <= relative) {
                return Err((row, format!("{x:?} against {y:?}: {apart:.3e} of the column's largest")));
            }
            worst = Some(apart.max(worst.unwrap_or(0.0)));
        }
    }
    Ok(worst)
}

fn show<T: std::fmt::Debug>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| format!("{value:?}"))
}
