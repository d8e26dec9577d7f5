//! The arguments of a call: their number, their types, as strict as supervisord's clients can bear.

use std::borrow::Cow;

use pistack_api::xmlrpc::{Fault, Value, fault};

use super::faults::{self, incorrect_parameters};
use super::methods::Method;
use super::python;

/// Arguments whose number was checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'a>(&'a [Value]);

impl<'a> Arguments<'a> {
    /// Checks the number.
    pub(crate) fn new(method: &Method, values: &'a [Value]) -> Result<Self, Fault> {
        let required = method
            .parameters
            .iter()
            .filter(|parameter| !parameter.optional)
            .count();
        if (required..=method.parameters.len()).contains(&values.len()) {
            Ok(Self(values))
        } else {
            Err(incorrect_parameters())
        }
    }

    /// A text; bytes are one where they are UTF-8, as for supervisord.
    pub(crate) fn text(&self, index: usize) -> Result<&'a str, Fault> {
        match self.0.get(index) {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Base64(bytes)) => std::str::from_utf8(bytes).map_err(|_| incorrect_parameters()),
            _ => Err(incorrect_parameters()),
        }
    }

    /// The name of a group. A number, truth or date is a name too, of no group.
    pub(crate) fn group(&self, index: usize) -> Result<Cow<'a, str>, Fault> {
        match self.0.get(index) {
            Some(Value::Array(_) | Value::Struct(_)) => Err(incorrect_parameters()),
            _ => self.any(index),
        }
    }

    /// Anything, as text.
    pub(crate) fn any(&self, index: usize) -> Result<Cow<'a, str>, Fault> {
        match (self.text(index), self.0.get(index)) {
            (Ok(text), _) => Ok(Cow::Borrowed(text)),
            (Err(_), Some(other)) => Ok(Cow::Owned(python::text(other))),
            (Err(fault), None) => Err(fault),
        }
    }

    /// A text, or bytes that are one.
    pub(crate) fn text_or_bytes(&self, index: usize) -> Result<&'a [u8], Fault> {
        match self.0.get(index) {
            Some(Value::String(text)) => Ok(text.as_bytes()),
            Some(Value::Base64(bytes)) => Ok(bytes),
            Some(other) => Err(faults::about(fault::INCORRECT_PARAMETERS, python::text(other))),
            None => Err(incorrect_parameters()),
        }
    }

    /// A whole number. Python's `int()` also takes texts and fractions.
    pub(crate) fn int(&self, index: usize) -> Result<i64, Fault> {
        match self.0.get(index) {
            Some(Value::Double(number)) if number.is_finite() => Ok(*number as i64),
            Some(Value::String(text)) => text.trim().parse().map_err(|_| incorrect_parameters()),
            Some(value) => value.as_int().ok_or_else(incorrect_parameters),
            None => Err(incorrect_parameters()),
        }
    }

    /// A truth, `true` where it is left out.
    pub(crate) fn flag(&self, index: usize) -> Result<bool, Fault> {
        match self.0.get(index) {
            None => Ok(true),
            Some(value) => value.as_bool().ok_or_else(incorrect_parameters),
        }
    }

    /// A signal: a name, or a number, which Python's `int()` makes of truths and fractions too.
    pub(crate) fn signal(&self, index: usize) -> Result<String, Fault> {
        match self.0.get(index) {
            Some(Value::Int(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(i64::from(*flag).to_string()),
            Some(Value::Double(number)) if number.is_finite() => Ok((*number as i64).to_string()),
            _ => self.text(index).map(str::to_owned),
        }
    }
}
