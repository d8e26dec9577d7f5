//! serde's view of a [`Node`]; its errors know the path of what is wrong.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, Error, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};

use super::node::{Data, Entry, Node};

/// Why a value cannot be read, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Keys and numbers from the innermost outwards, while the error travels; see [`Fault::path`].
    steps: Vec<String>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A required key is not there.
    Missing(String),
    /// A key that nobody knows.
    Unknown { key: String, known: Vec<String> },
    /// Another kind of value is wanted.
    Wrong { found: String, wanted: String },
    /// A word that is none of a list.
    NoVariant { found: String, known: Vec<String> },
    /// Anything else, in the words of the type.
    Other(String),
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self {
            steps: Vec::new(),
            kind,
        }
    }

    fn within(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    /// From the outermost key inwards.
    pub(super) fn path(&self) -> Vec<String> {
        self.steps.iter().rev().cloned().collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Missing(key) => write!(f, "missing key `{key}`"),
            Kind::Unknown { key, .. } => write!(f, "unknown key `{key}`"),
            Kind::Wrong { found, wanted } => write!(f, "{found} where {wanted} is wanted"),
            Kind::NoVariant { found, known } => write!(f, "`{found}` is none of {}", known.join(", ")),
            Kind::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Other(message.to_string()))
    }
    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(Kind::Wrong {
            found: show(found),
            wanted: wanted.to_string(),
        })
    }
    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }
    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::new(Kind::NoVariant {
            found: found.to_owned(),
            known: owned(known),
        })
    }
    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(Kind::Unknown {
            key: key.to_owned(),
            known: owned(known),
        })
    }
    fn missing_field(key: &'static str) -> Self {
        Self::new(Kind::Missing(key.to_owned()))
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A value as a person calls it.
fn show(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(flag) => format!("`{flag}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number:?}"),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.data {
            Data::Text(text) => visitor.visit_borrowed_str(text),
            Data::Integer(number) => visitor.visit_i64(*number),
            Data::Large(number) => visitor.visit_u64(*number),
            Data::Float(number) => visitor.visit_f64(*number),
            Data::Flag(flag) => visitor.visit_bool(*flag),
            Data::List(items) => visitor.visit_seq(Items {
                items: items.iter().enumerate(),
            }),
            Data::Table(table) => visitor.visit_map(Entries {
                entries: table.iter(),
                value: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.data {
            Data::Text(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            Data::Table(table) if table.len() == 1 => {
                let (name, entry) = table.first().ok_or_else(|| Fault::custom("an empty table"))?;
                visitor.visit_enum(Variant {
                    name,
                    value: &entry.value,
                })
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((number, item)) = self.items.next() else {
            return Ok(None);
        };
        seed.deserialize(item)
            .map(Some)
            .map_err(|fault| fault.within(number.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    entries: indexmap::map::Iter<'de, String, Entry>,
    value: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, entry)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some((name, &entry.value));
        // An unknown key is the table's fault and names itself; any other fault of a key stands at the key.
        let key = seed
            .deserialize(BorrowedStrDeserializer::new(name))
            .map_err(|fault: Fault| match fault.kind {
                Kind::Unknown { .. } => fault,
                _ => fault.within(name),
            })?;
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (name, value) = self
            .value
            .take()
            .ok_or_else(|| Fault::custom("a value without its key"))?;
        seed.deserialize(value).map_err(|fault| fault.within(name))
    }
}

/// A variant with content: `{ name = content }`.
struct Variant<'de> {
    name: &'de str,
    value: &'de Node,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let name = seed.deserialize(StrDeserializer::<Fault>::new(self.name))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match &self.value.data {
            Data::Table(table) if table.is_empty() => Ok(()),
            _ => Err(Fault::custom(format!("`{}` takes nothing more", self.name)).within(self.name)),
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.value)
            .map_err(|fault| fault.within(self.name))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.value
            .deserialize_any(visitor)
            .map_err(|fault| fault.within(self.name))
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.value
            .deserialize_any(visitor)
            .map_err(|fault| fault.within(self.name))
    }
}
