//! Writing calls and answers.

use super::{Call, Fault, Value};

/// Writes a `<methodCall>`.
pub fn write_call(_call: &Call) -> String {
    todo!()
}

/// Writes a `<methodResponse>` with one value.
pub fn write_response(_value: &Value) -> String {
    todo!()
}

/// Writes a `<methodResponse>` with a fault.
pub fn write_fault(_fault: &Fault) -> String {
    todo!()
}
