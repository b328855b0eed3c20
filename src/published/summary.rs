//! Two tables over all stages, so that anyone can judge again: the parameters of every experiment, and every claim's statistic in
//! each replicate.

use crate::digest::Value;
use crate::error::Result;
use crate::published::lockfile::LockFile;
use crate::stage::Profile;
use crate::stage::claim::Claim;
use crate::table::{Table, TableBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the table of claims.
pub(crate) const CLAIMS: &str = "claims";

/// Claim, replicate, value of the statistic.
pub(crate) type Row = (String, u32, f64);

/// The rows of some claims; what is not finite is left out.
pub(crate) fn rows(claims: &[Claim]) -> impl Iterator<Item = Row> + '_ {
    claims.iter().flat_map(|claim| {
        let finite = claim.values.iter().filter(|(_, value)| value.is_finite());
        finite.map(|(replicate, value)| (claim.id.clone(), *replicate, *value))
    })
}

/// The rows of a table of claims.
///
/// # Errors
/// A table of another shape.
pub(crate) fn read(table: &Table) -> Result<Vec<Row>> {
    let id = table.present("id", table.strs("id")?)?;
    let replicate = table.present("replicate", table.u32s("replicate")?)?;
    let value = table.present("value", table.f64s("value")?)?;
    Ok(id
        .into_iter()
        .map(str::to_owned)
        .zip(replicate)
        .zip(value)
        .map(|((id, n), value)| (id, n, value))
        .collect())
}

/// The table `claims`: `id`, `replicate` and `value`, the statistic of the claim in that replicate. The interval follows from the
/// values and the claim's `estimator`.
///
/// # Errors
/// None that is known.
pub(crate) fn claims(mut rows: Vec<Row>) -> Result<Table> {
    rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    TableBuilder::new(CLAIMS)
        .str("id", &rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>())
        .u32("replicate", rows.iter().map(|row| row.1).collect())
        .f64("value", rows.iter().map(|row| row.2).collect())
        .build()
}

/// The table `experiments`: one row per experiment of the paper profile, one column per parameter, empty where it has no such
/// parameter.
///
/// # Errors
/// None that is known.
pub(crate) fn experiments(lock: &LockFile) -> Result<Table> {
    let mut rows: BTreeMap<&str, &BTreeMap<String, Value>> = BTreeMap::new();
    for entry in lock.stages.values().filter_map(|profiles| profiles.get(Profile::Paper.word())) {
        for (name, value) in &entry.parameters {
            if let Value::Map(parameters) = value {
                rows.insert(name, parameters);
            }
        }
    }
    let keys: BTreeSet<&String> = rows.values().flat_map(|parameters| parameters.keys()).collect();
    let names: Vec<&str> = rows.keys().copied().collect();
    let mut table = TableBuilder::new("experiments").str("experiment", &names);
    for key in keys {
        let column: Vec<Option<&Value>> = rows.values().map(|parameters| parameters.get(key)).collect();
        table = added(table, key, &column);
    }
    table.build()
}

/// A number as Float64 holds it.
#[allow(clippy::cast_precision_loss, reason = "parameters are far below 2^53")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// The table with a column of the narrowest type that holds the values; what is no number, list of numbers or text is text.
fn added(table: TableBuilder, key: &str, column: &[Option<&Value>]) -> TableBuilder {
    let present = || column.iter().flatten().copied();
    let each = |of: &dyn Fn(&Value) -> Option<f64>| column.iter().map(|value| value.and_then(of)).collect();
    if present().all(|value| matches!(value, Value::Integer(_))) {
        let whole = |value: &&Value| {
            if let Value::Integer(whole) = value { i64::try_from(*whole).ok() } else { None }
        };
        return table.i64_or_null(key, column.iter().map(|value| value.as_ref().and_then(whole)).collect());
    }
    if present().all(|value| number(value).is_some()) {
        return table.f64_or_null(key, each(&number));
    }
    let list = |value: &Value| match value {
        Value::List(all) => all.iter().map(number).collect::<Option<Vec<f64>>>(),
        _ => None,
    };
    if present().all(|value| list(value).is_some()) {
        return table
            .f64_list_or_null(key, &column.iter().map(|value| value.and_then(list)).collect::<Vec<_>>());
    }
    let text = |value: &Value| if let Value::Text(text) = value { text.clone() } else { value.to_string() };
    table.str_or_null(key, &column.iter().map(|value| value.map(text)).collect::<Vec<_>>())
}
