//! Reading calls and answers.

use super::{Call, Fault, Value};

/// The text is no XML-RPC, or more than we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not well-formed XML, or not the XML of XML-RPC.
    #[error("not XML-RPC: {0}")]
    Malformed(String),
    /// Nested deeper than 32 or larger than the limit.
    #[error("XML-RPC text exceeds a limit: {0}")]
    TooLarge(&'static str),
}

/// Reads a `<methodCall>`.
pub fn parse_call(_xml: &[u8]) -> Result<Call, ReadError> {
    todo!()
}

/// Reads a `<methodResponse>`: the value, or the fault that it carries.
pub fn parse_response(_xml: &[u8]) -> Result<Result<Value, Fault>, ReadError> {
    todo!()
}
