//! Any serialisable value as a [`Value`], in one way only.
//!
//! Structs and maps are maps, in the order of their names; a variant is its name, or a map from its name to what it holds. What is
//! not given is left out by the type that holds it (`skip_serializing_if`): there is no value for nothing.

use crate::digest::Value;
use ciborium::Value as Tree;
use serde::Serialize;
use std::collections::BTreeMap;

/// The canonical form of a value; why there is none, in words.
///
/// # Errors
/// Nothing, bytes, maps whose names are no texts, two fields of one name.
pub fn canonical(value: &(impl Serialize + ?Sized)) -> Result<Value, String> {
    of(Tree::serialized(value).map_err(|error| error.to_string())?)
}

fn of(tree: Tree) -> Result<Value, String> {
    Ok(match tree {
        Tree::Bool(value) => Value::Bool(value),
        Tree::Integer(value) => Value::Integer(value.into()),
        Tree::Float(value) => Value::Float(value),
        Tree::Text(text) => Value::Text(text),
        Tree::Array(values) => Value::List(values.into_iter().map(of).collect::<Result<_, _>>()?),
        Tree::Map(fields) => {
            let mut all = BTreeMap::new();
            for (name, value) in fields {
                let Tree::Text(name) = name else { return Err("a map has an entry with no name".to_owned()) };
                if all.insert(name.clone(), of(value)?).is_some() {
                    return Err(format!("two fields are named `{name}`"));
                }
            }
            Value::Map(all)
        }
        Tree::Null => return Err("there is no canonical form of nothing; leave the field out".to_owned()),
        other => return Err(format!("there is no canonical form of {other:?}")),
    })
}
