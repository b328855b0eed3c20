//! Where two versions of a table differ, bit by bit.

use crate::error::Result;
use crate::table::frame::{Kind, Table};
use std::collections::HashSet;

/// The first place at which two versions of a column differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The row; none where types, columns or numbers of rows differ.
    pub row: Option<usize>,
    /// What differs, in words.
    pub why: String,
}

/// Compares column by column, in the order of `a`. Where the tables have different columns or numbers of rows, the only
/// entry, without a name, says so.
///
/// # Errors
/// A column that cannot be read.
pub fn differences(a: &Table, b: &Table) -> Result<Vec<(String, Option<Difference>)>> {
    let shape = |why: String| Ok(vec![(String::new(), Some(Difference { row: None, why }))]);
    if a.columns() != b.columns() {
        return shape(format!("columns {} against {}", a.columns().join(", "), b.columns().join(", ")));
    }
    if a.rows() != b.rows() {
        return shape(format!("{} rows against {}", a.rows(), b.rows()));
    }
    a.columns().into_iter().map(|name| Ok((name.to_owned(), column(a, b, name)?))).collect()
}

/// The first row that equals an earlier one, in every column but lists.
///
/// # Errors
/// A column that cannot be read.
pub fn repeated(table: &Table) -> Result<Option<usize>> {
    fn add<T>(rows: &mut [Vec<u8>], values: Vec<Option<T>>, bytes: impl Fn(T, &mut Vec<u8>)) {
        for (row, value) in rows.iter_mut().zip(values) {
            row.push(u8::from(value.is_some()));
            if let Some(value) = value {
                bytes(value, row);
            }
        }
    }
    let mut rows = vec![Vec::new(); table.rows()];
    for name in table.columns() {
        match table.kind(name)? {
            Kind::I64 => add(&mut rows, table.i64s(name)?, |value, row| row.extend(value.to_le_bytes())),
            Kind::F64 => {
                add(&mut rows, table.f64s(name)?, |value, row| row.extend(value.to_bits().to_le_bytes()));
            }
            Kind::Bool => add(&mut rows, table.bools(name)?, |value, row| row.push(u8::from(value))),
            Kind::Str => add(&mut rows, table.strs(name)?, |value, row| {
                row.extend((value.len() as u64).to_le_bytes());
                row.extend(value.as_bytes());
            }),
            Kind::F64List => return Ok(None),
        }
    }
    let mut seen = HashSet::new();
    Ok(rows.iter().position(|row| !seen.insert(row)))
}

fn column(a: &Table, b: &Table, name: &str) -> Result<Option<Difference>> {
    let (kind, other) = (a.kind(name)?, b.kind(name)?);
    if kind != other {
        let why = format!("type {} against {}", kind.name(), other.name());
        return Ok(Some(Difference { row: None, why }));
    }
    Ok(match kind {
        Kind::I64 => first(&a.i64s(name)?, &b.i64s(name)?, PartialEq::eq),
        Kind::Bool => first(&a.bools(name)?, &b.bools(name)?, PartialEq::eq),
        Kind::Str => first(&a.strs(name)?, &b.strs(name)?, PartialEq::eq),
        Kind::F64 => first(&a.f64s(name)?, &b.f64s(name)?, |x, y| x.to_bits() == y.to_bits()),
        Kind::F64List => first(&a.f64_lists(name)?, &b.f64_lists(name)?, |x, y| {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
        }),
    })
}

fn first<T: std::fmt::Debug>(
    a: &[Option<T>],
    b: &[Option<T>],
    same: impl Fn(&T, &T) -> bool,
) -> Option<Difference> {
    let show = |value: &Option<T>| value.as_ref().map_or("null".to_owned(), |value| format!("{value:?}"));
    let alike = |(x, y): (&Option<T>, &Option<T>)| match (x, y) {
        (Some(x), Some(y)) => same(x, y),
        (x, y) => x.is_none() && y.is_none(),
    };
    let row = a.iter().zip(b).position(|pair| !alike(pair))?;
    Some(Difference { row: Some(row), why: format!("{} against {}", show(&a[row]), show(&b[row])) })
}
