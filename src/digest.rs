//! Keys: a digest over everything a result depends on, each ingredient under the name of its role.

mod canonical;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Hexadecimal SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What a unit is stored under: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

impl Key {
    /// Reads a key from its hexadecimal digits.
    ///
    /// # Errors
    /// Anything but 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if digits && text.len() == 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::parameter("key", text, "must be 64 lower-case hexadecimal digits"))
        }
    }

    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first sixteen, enough for names of files.
    #[must_use]
    pub fn brief(&self) -> &str {
        &self.0[..16]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Key {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// Value of an ingredient. Values of different types never have the same digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub enum Value {
    /// Text.
    Text(String),
    /// A signed or unsigned integer of at most 64 bits.
    Integer(i128),
    /// A number, told apart by its bits: 0.0 is not -0.0.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// Values in their order.
    List(Vec<Value>),
    /// Values by name, in the order of the names.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Adds a prefix-free encoding: a type, a length, the content.
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => encode_text(b't', text, out),
            Self::Integer(value) => {
                out.push(b'i');
                out.extend(value.to_le_bytes());
            }
            Self::Float(value) => {
                out.push(b'f');
                out.extend(value.to_bits().to_le_bytes());
            }
            Self::Bool(value) => out.extend([b'b', u8::from(*value)]),
            Self::List(values) => {
                out.push(b'l');
                out.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    value.encode(out);
                }
            }
            Self::Map(values) => {
                out.push(b'm');
                out.extend((values.len() as u64).to_le_bytes());
                for (name, value) in values {
                    encode_text(b'n', name, out);
                    value.encode(out);
                }
            }
        }
    }
}

fn encode_text(kind: u8, text: &str, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        self.encode(&mut ours);
        other.encode(&mut theirs);
        ours == theirs
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Integer(value) => write!(out, "{value}"),
            Self::Float(value) => write!(out, "{value:?}"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::List(values) => {
                out.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(out, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                out.write_str("]")
            }
            Self::Map(values) => {
                out.write_str("{")?;
                for (index, (name, value)) in values.iter().enumerate() {
                    write!(out, "{}{name}: {value}", if index == 0 { "" } else { ", " })?;
                }
                out.write_str("}")
            }
        }
    }
}

/// Text, truth values and integers are themselves in JSON; a float is `{"float": "0.1"}` with the
/// shortest digits that give its bits back, a list a list, a map `{"map": {…}}`.
impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => Self::String(text),
            Value::Integer(value) => serde_json::Number::from_i128(value)
                .map_or_else(|| serde_json::json!({ "integer": value.to_string() }), Self::Number),
            Value::Float(value) if value.is_nan() => {
                serde_json::json!({ "float": format!("bits {:016x}", value.to_bits()) })
            }
            Value::Float(value) => serde_json::json!({ "float": format!("{value:?}") }),
            Value::Bool(value) => Self::Bool(value),
            Value::List(values) => Self::Array(values.into_iter().map(Self::from).collect()),
            Value::Map(values) => {
                let inner = values.into_iter().map(|(name, value)| (name, Self::from(value))).collect();
                Self::Object(std::iter::once(("map".to_owned(), Self::Object(inner))).collect())
            }
        }
    }
}

impl TryFrom<serde_json::Value> for Value {
    type Error = String;

    fn try_from(json: serde_json::Value) -> std::result::Result<Self, String> {
        match json {
            serde_json::Value::String(text) => Ok(Self::Text(text)),
            serde_json::Value::Bool(value) => Ok(Self::Bool(value)),
            serde_json::Value::Number(number) => {
                number.as_i128().map(Self::Integer).ok_or_else(|| format!("{number} is no integer"))
            }
            serde_json::Value::Array(values) => {
                values.into_iter().map(Self::try_from).collect::<std::result::Result<_, _>>().map(Self::List)
            }
            serde_json::Value::Object(object) if object.len() == 1 => match object.into_iter().next() {
                Some((tag, serde_json::Value::String(text))) if tag == "float" => float(&text),
                Some((tag, serde_json::Value::String(text))) if tag == "integer" => {
                    text.parse().map(Self::Integer).map_err(|error| format!("`{text}`: {error}"))
                }
                Some((tag, serde_json::Value::Object(inner))) if tag == "map" => inner
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::try_from(value)?)))
                    .collect::<std::result::Result<_, String>>()
                    .map(Self::Map),
                other => Err(format!("{other:?} is no value of an ingredient")),
            },
            other => Err(format!("{other} is no value of an ingredient")),
        }
    }
}

fn float(text: &str) -> std::result::Result<Value, String> {
    match text.strip_prefix("bits ") {
        Some(bits) => u64::from_str_radix(bits, 16).map(f64::from_bits).map_err(|error| error.to_string()),
        None => text.parse().map_err(|error: std::num::ParseFloatError| error.to_string()),
    }
    .map(Value::Float)
    .map_err(|error| format!("float `{text}`: {error}"))
}

macro_rules! value_from {
    ($($kind:ty => |$value:ident| $made:expr),* $(,)?) => {
        $(impl From<$kind> for Value {
            fn from($value: $kind) -> Self {
                $made
            }
        })*
    };
}

value_from! {
    &str => |value| Value::Text(value.to_owned()),
    String => |value| Value::Text(value),
    &String => |value| Value::Text(value.clone()),
    bool => |value| Value::Bool(value),
    f64 => |value| Value::Float(value),
    i32 => |value| Value::Integer(value.into()),
    i64 => |value| Value::Integer(value.into()),
    u32 => |value| Value::Integer(value.into()),
    u64 => |value| Value::Integer(value.into()),
    usize => |value| Value::Integer(value as i128),
    BTreeMap<String, Value> => |value| Value::Map(value),
    &Key => |value| Value::Text(value.to_string()),
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// One ingredient of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingredient {
    /// What it is for.
    pub role: String,
    /// What it is.
    pub value: Value,
}

/// Everything a result depends on, in the order in which it was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingredients {
    kind: String,
    list: Vec<Ingredient>,
}

/// A role whose value differs: its name, the old value, the new value (where there is one).
pub type Change = (String, Option<Value>, Option<Value>);

impl Ingredients {
    /// Kind of unit that these are for.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Roles and values in the order in which they were named.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.list.iter().map(|item| (item.role.as_str(), &item.value))
    }

    /// The first value of `role`.
    #[must_use]
    pub fn get(&self, role: &str) -> Option<&Value> {
        self.iter().find(|(name, _)| *name == role).map(|(_, value)| value)
    }

    /// The key: SHA-256 over kind, roles and values. The order of different roles does not count.
    #[must_use]
    pub fn digest(&self) -> Key {
        let mut items: Vec<&Ingredient> = self.list.iter().collect();
        items.sort_by_key(|item| &item.role);
        let mut bytes = b"spectral-alignment key 1\0".to_vec();
        encode_text(b'k', &self.kind, &mut bytes);
        bytes.extend((items.len() as u64).to_le_bytes());
        for item in items {
            encode_text(b'r', &item.role, &mut bytes);
            item.value.encode(&mut bytes);
        }
        Key(sha256(&bytes))
    }
}

/// What changed from `old` to `new`, in the order of `old`, then what is new.
#[must_use]
pub fn diff(old: &Ingredients, new: &Ingredients) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.kind != new.kind {
        let text = |kind: &String| Some(Value::Text(kind.clone()));
        changes.push(("kind".to_owned(), text(&old.kind), text(&new.kind)));
    }
    let mut unmatched: Vec<&Ingredient> = new.list.iter().collect();
    for item in &old.list {
        let place = unmatched.iter().position(|other| other.role == item.role);
        let other = place.map(|place| unmatched.remove(place).value.clone());
        if other.as_ref() != Some(&item.value) {
            changes.push((item.role.clone(), Some(item.value.clone()), other));
        }
    }
    changes.extend(unmatched.into_iter().map(|item| (item.role.clone(), None, Some(item.value.clone()))));
    changes
}

/// Collects the ingredients of a key.
#[derive(Clone, Debug)]
pub struct KeyBuilder {
    ingredients: Ingredients,
}

impl KeyBuilder {
    /// Starts the key of a unit of `kind`.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { ingredients: Ingredients { kind: kind.into(), list: Vec::new() } }
    }

    /// Adds `value` under the name of its role. Naming a role twice keeps both values.
    #[must_use]
    pub fn with(mut self, role: impl Into<String>, value: impl Into<Value>) -> Self {
        self.ingredients.list.push(Ingredient { role: role.into(), value: value.into() });
        self
    }

    /// Everything that was named.
    #[must_use]
    pub fn finish(self) -> Ingredients {
        self.ingredients
    }
}
