//! The arguments of a call: their number, their types, as strict as supervisord's clients can bear.

use pistack_api::xmlrpc::{Fault, Value};

use super::faults::incorrect_parameters;
use super::methods::Method;

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

    /// A text.
    pub(crate) fn text(&self, index: usize) -> Result<&'a str, Fault> {
        self.0
            .get(index)
            .and_then(Value::as_str)
            .ok_or_else(incorrect_parameters)
    }

    /// A text, or bytes that are one.
    pub(crate) fn text_or_bytes(&self, index: usize) -> Result<&'a [u8], Fault> {
        match self.0.get(index) {
            Some(Value::String(text)) => Ok(text.as_bytes()),
            Some(Value::Base64(bytes)) => Ok(bytes),
            _ => Err(incorrect_parameters()),
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

    /// A signal: a name, or a number as text or int.
    pub(crate) fn signal(&self, index: usize) -> Result<String, Fault> {
        match self.0.get(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Int(number)) => Ok(number.to_string()),
            _ => Err(incorrect_parameters()),
        }
    }
}
