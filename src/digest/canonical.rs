//! Any serialisable value as a [`Value`], in one way only.
//!
//! Structs and maps are maps, in the order of their names; a variant is its name, or a map from its name to what it holds. What is
//! not given is left out by the type that holds it (`skip_serializing_if`): there is no value for nothing.

use crate::digest::Value;
use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::collections::BTreeMap;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl serde::ser::Error for Refused {
    fn custom<T: std::fmt::Display>(problem: T) -> Self {
        Self(problem.to_string())
    }
}

type Outcome = Result<Value, Refused>;

/// The canonical form of a value.
///
/// # Errors
/// Nothing, bytes, maps whose names are no texts, two fields of one name.
pub fn canonical(value: &(impl Serialize + ?Sized)) -> Outcome {
    value.serialize(Canonical)
}

fn nothing() -> Outcome {
    Err(Refused::custom("there is no canonical form of nothing; leave the field out"))
}

/// What stands behind the name of a variant.
fn variant(name: Option<&'static str>, value: Value) -> Value {
    match name {
        Some(name) => Value::Map(BTreeMap::from([(name.to_owned(), value)])),
        None => value,
    }
}

#[derive(Clone, Copy)]
struct Canonical;

impl Serializer for Canonical {
    type Ok = Value;
    type Error = Refused;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Map;

    fn serialize_bool(self, value: bool) -> Outcome {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_i16(self, value: i16) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_i32(self, value: i32) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_i64(self, value: i64) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_i128(self, value: i128) -> Outcome {
        Ok(Value::Integer(value))
    }

    fn serialize_u8(self, value: u8) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_u16(self, value: u16) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_u32(self, value: u32) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_u64(self, value: u64) -> Outcome {
        self.serialize_i128(value.into())
    }

    fn serialize_f32(self, value: f32) -> Outcome {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Outcome {
        Ok(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Outcome {
        Ok(Value::Text(value.into()))
    }

    fn serialize_str(self, value: &str) -> Outcome {
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_bytes(self, _value: &[u8]) -> Outcome {
        Err(Refused::custom("bytes have no canonical form; give their digest"))
    }

    fn serialize_none(self) -> Outcome {
        nothing()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Outcome {
        nothing()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Outcome {
        nothing()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, name: &'static str) -> Outcome {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        value: &T,
    ) -> Outcome {
        Ok(variant(Some(name), value.serialize(self)?))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List, Refused> {
        Ok(List::default())
    }

    fn serialize_tuple(self, _length: usize) -> Result<List, Refused> {
        Ok(List::default())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<List, Refused> {
        Ok(List::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        _length: usize,
    ) -> Result<List, Refused> {
        Ok(List { variant: Some(name), ..List::default() })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Map, Refused> {
        Ok(Map::default())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Map, Refused> {
        Ok(Map::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        name: &'static str,
        _length: usize,
    ) -> Result<Map, Refused> {
        Ok(Map { variant: Some(name), ..Map::default() })
    }
}

#[derive(Default)]
struct List {
    variant: Option<&'static str>,
    values: Vec<Value>,
}

impl List {
    fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Refused> {
        self.values.push(canonical(value)?);
        Ok(())
    }

    fn done(self) -> Value {
        variant(self.variant, Value::List(self.values))
    }
}

impl SerializeSeq for List {
    type Ok = Value;
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.push(value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}

impl SerializeTuple for List {
    type Ok = Value;
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.push(value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}

impl SerializeTupleStruct for List {
    type Ok = Value;
    type Error = Refused;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.push(value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}

impl SerializeTupleVariant for List {
    type Ok = Value;
    type Error = Refused;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.push(value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}

#[derive(Default)]
struct Map {
    variant: Option<&'static str>,
    values: BTreeMap<String, Value>,
    name: Option<String>,
}

impl Map {
    fn insert(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Refused> {
        match self.values.insert(name.to_owned(), canonical(value)?) {
            Some(_) => Err(Refused::custom(format!("two fields are named `{name}`"))),
            None => Ok(()),
        }
    }

    fn done(self) -> Value {
        variant(self.variant, Value::Map(self.values))
    }
}

impl SerializeMap for Map {
    type Ok = Value;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Refused> {
        match canonical(name)? {
            Value::Text(name) => self.name = Some(name),
            other => return Err(Refused::custom(format!("`{other}` is no name"))),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let name = self.name.take().ok_or_else(|| Refused::custom("a value without a name"))?;
        self.insert(&name, value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}

impl SerializeStruct for Map {
    type Ok = Value;
    type Error = Refused;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.insert(name, value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}

impl SerializeStructVariant for Map {
    type Ok = Value;
    type Error = Refused;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.insert(name, value)
    }

    fn end(self) -> Outcome {
        Ok(self.done())
    }
}
