//! Any serialisable value as a [`Value`], in one way only.
//!
//! Structs and maps are maps, in the order of their names; a variant is its name, or a map from its name to what it holds. What is
//! not given is left out by the type that holds it (`skip_serializing_if`): there is no value for nothing.

use crate::digest::Value;
use crate::error::{Error, Result};
use ciborium::Value as Tree;
use serde::Serialize;
use std::collections::BTreeMap;

impl Value {
    /// Anything that can be serialised, in its canonical form: the names of its fields with their values.
    ///
    /// # Errors
    /// Nothing, bytes, maps whose names are no texts, two fields of one name.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let tree = Tree::serialized(value).map_err(|error| Error::defect("ingredient of a key", error))?;
        canonical(tree).map_err(|refused| Error::defect("ingredient of a key", refused))
    }
}

fn canonical(tree: Tree) -> std::result::Result<Value, String> {
    Ok(match tree {
        Tree::Bool(value) => Value::Bool(value),
        Tree::Integer(value) => Value::Integer(value.into()),
        Tree::Float(value) => Value::Float(value),
        Tree::Text(text) => Value::Text(text),
        Tree::Array(values) => {
            Value::List(values.into_iter().map(canonical).collect::<std::result::Result<_, _>>()?)
        }
        Tree::Map(fields) => {
            let mut all = BTreeMap::new();
            for (name, value) in fields {
                let Tree::Text(name) = name else { return Err("a map has an entry with no name".to_owned()) };
                if all.insert(name.clone(), canonical(value)?).is_some() {
                    return Err(format!("two fields are named `{name}`"));
                }
            }
            Value::Map(all)
        }
        Tree::Null => return Err("there is no canonical form of nothing; leave the field out".to_owned()),
        other => return Err(format!("there is no canonical form of {other:?}")),
    })
}
