//! XML-RPC as supervisord's clients speak it: values, calls, answers, faults.
//!
//! Reading is bounded (depth and size, no DTD); writing matches Python's `xmlrpc.client` byte for byte
//! where a client can see it. Source: the XML-RPC specification and supervisord's own marshaller.

mod read;
mod write;

pub use read::{ReadError, parse_call, parse_response};
pub use write::{write_call, write_fault, write_response};

/// A value on the wire. Structs keep the order of their members.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `<int>`; written clamped to 32 bits.
    Int(i64),
    /// `<boolean>`.
    Bool(bool),
    /// `<string>`.
    String(String),
    /// `<double>`.
    Double(f64),
    /// `<dateTime.iso8601>`, as its text.
    DateTime(String),
    /// `<base64>`, decoded.
    Base64(Vec<u8>),
    /// `<array>`.
    Array(Vec<Value>),
    /// `<struct>`.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// A member of a struct.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Struct(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an int (or a boolean, as in Python).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        }
    }

    /// The truth of a boolean (or of an int, as in Python).
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Int(number) => Some(*number != 0),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// A method call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `supervisor.getState`.
    pub method: String,
    /// Positional parameters.
    pub params: Vec<Value>,
}

/// A fault answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} (fault {code})")]
pub struct Fault {
    /// supervisord's fault code.
    pub code: i32,
    /// supervisord's fault text, such as `BAD_NAME: camera`.
    pub text: String,
}

/// supervisord's fault codes (supervisord's documentation, "XML-RPC API").
pub mod fault {
    #![allow(missing_docs, reason = "the names are supervisord's own")]
    pub const UNKNOWN_METHOD: i32 = 1;
    pub const INCORRECT_PARAMETERS: i32 = 2;
    pub const BAD_ARGUMENTS: i32 = 3;
    pub const SIGNATURE_UNSUPPORTED: i32 = 4;
    pub const SHUTDOWN_STATE: i32 = 6;
    pub const BAD_NAME: i32 = 10;
    pub const BAD_SIGNAL: i32 = 11;
    pub const NO_FILE: i32 = 20;
    pub const NOT_EXECUTABLE: i32 = 21;
    pub const FAILED: i32 = 30;
    pub const ABNORMAL_TERMINATION: i32 = 40;
    pub const SPAWN_ERROR: i32 = 50;
    pub const ALREADY_STARTED: i32 = 60;
    pub const NOT_RUNNING: i32 = 70;
    pub const SUCCESS: i32 = 80;
    pub const ALREADY_ADDED: i32 = 90;
    pub const STILL_RUNNING: i32 = 91;
    pub const CANT_REREAD: i32 = 92;
}

#[cfg(test)]
mod tests;
