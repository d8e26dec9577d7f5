//! Values that may be written in more than one form: `"50MB"` or a number, a command line or an array of words.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::options::Value;

/// Which forms a [`Lenient`] value takes, beside text.
pub trait Form {
    /// Name of the schema.
    const NAME: &'static str;
    /// Said when something else is written, and in the schema.
    const EXPECTED: &'static str;
    /// Whole numbers are taken.
    const NUMBER: bool = false;
    /// `true` and `false` are taken.
    const BOOLEAN: bool = false;
    /// An array of texts or numbers is taken.
    const LIST: bool = false;
}

/// A value kept as the text that `supervisord.conf` would have; `F` says in which forms it may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lenient<F>(String, PhantomData<F>);

impl<F> Lenient<F> {
    /// From the text form.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into(), PhantomData)
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! form {
    ($(#[$meta:meta])* $alias:ident, $name:ident, $expected:literal $(, $kind:ident)*) => {
        #[doc = concat!("Forms of [`", stringify!($alias), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}

        impl Form for $name {
            const NAME: &'static str = stringify!($alias);
            const EXPECTED: &'static str = $expected;
            $(const $kind: bool = true;)*
        }

        $(#[$meta])*
        pub type $alias = Lenient<$name>;
    };
}

form!(
    /// Bytes.
    ByteSize, ByteSizeForm, "a number of bytes, or a text such as \"512KB\", \"50MB\", \"1GB\"", NUMBER
);
form!(
    /// When an exited program is started again.
    Restart, RestartForm, "true, false or \"unexpected\"", BOOLEAN
);
form!(
    /// A signal.
    Signal, SignalForm, "a signal such as \"TERM\" or 15", NUMBER
);
form!(
    /// Exit codes.
    ExitCodes, ExitCodesForm, "exit codes from 0 to 255, such as [0, 2] or \"0,2\"", NUMBER, LIST
);
form!(
    /// Permission bits.
    Octal, OctalForm, "octal digits in quotes, such as \"022\""
);
form!(
    /// Names of events.
    Events, EventsForm, "names of events, such as [\"PROCESS_STATE\", \"TICK_60\"]", LIST
);
form!(
    /// Address of a TCP server.
    Port, PortForm, "a port, or a text such as \"127.0.0.1:9001\" or \"*:9001\"", NUMBER
);
form!(
    /// Value of a variable.
    Variable, VariableForm, "a text, a number, true or false", NUMBER, BOOLEAN
);

impl<F> Serialize for Lenient<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, F: Form> Deserialize<'de> for Lenient<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

struct LenientVisitor<F>(PhantomData<F>);

impl<'de, F: Form> Visitor<'de> for LenientVisitor<F> {
    type Value = Lenient<F>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(F::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Lenient::new(text))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        if F::NUMBER {
            Ok(Lenient::new(number.to_string()))
        } else {
            Err(E::invalid_type(de::Unexpected::Signed(number), &self))
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        if F::NUMBER {
            Ok(Lenient::new(number.to_string()))
        } else {
            Err(E::invalid_type(de::Unexpected::Unsigned(number), &self))
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        if F::BOOLEAN {
            Ok(Lenient::new(value.to_string()))
        } else {
            Err(E::invalid_type(de::Unexpected::Bool(value), &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        if !F::LIST {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let mut texts = Vec::new();
        while let Some(item) = items.next_element::<Variable>()? {
            texts.push(item.0);
        }
        Ok(Lenient::new(texts.join(",")))
    }
}

impl<F: Form> JsonSchema for Lenient<F> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        F::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut kinds = vec!["string"];
        kinds.extend(F::NUMBER.then_some("integer"));
        kinds.extend(F::BOOLEAN.then_some("boolean"));
        if F::LIST {
            kinds.push("array");
            json_schema!({ "type": kinds, "items": { "type": ["string", "integer"] }, "description": F::EXPECTED })
        } else {
            json_schema!({ "type": kinds, "description": F::EXPECTED })
        }
    }
}

/// A command: one line, split like a POSIX shell does, or its words one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Command {
    /// `"python3 -u camera.py"`
    Line(String),
    /// `["python3", "-u", "camera.py"]`
    Words(Vec<String>),
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CommandVisitor)
    }
}

struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Command;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a command line, or an array of its words")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Command, E> {
        Ok(Command::Line(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Command, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = items.next_element()? {
            words.push(word);
        }
        Ok(Command::Words(words))
    }
}

/// A field's value as an option.
pub(crate) trait Entry {
    /// The option.
    fn value(&self) -> Value;
}

impl<F> Entry for Lenient<F> {
    fn value(&self) -> Value {
        Value::Text(self.0.clone())
    }
}

impl Entry for Command {
    fn value(&self) -> Value {
        match self {
            Self::Line(line) => Value::Text(line.clone()),
            Self::Words(words) => Value::Words(words.clone()),
        }
    }
}

impl Entry for IndexMap<String, Variable> {
    fn value(&self) -> Value {
        Value::Pairs(
            self.iter()
                .map(|(name, value)| (name.clone(), value.0.clone()))
                .collect(),
        )
    }
}

macro_rules! plain_entry {
    ($($type:ty),*) => {
        $(impl Entry for $type {
            fn value(&self) -> Value {
                Value::Text(self.to_string())
            }
        })*
    };
}
plain_entry!(String, bool, i32, u32);
