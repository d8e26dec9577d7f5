//! XML-RPC: the table of methods, their arguments, their structs, and the `system` namespace.

pub(crate) mod arguments;
pub(crate) mod call;
pub(crate) mod faults;
pub(crate) mod methods;
pub(crate) mod python;
pub(crate) mod structs;

/// Version of the XML-RPC API; `supervisorctl` refuses any other.
pub const API_VERSION: &str = "3.0";

/// supervisord's version that clients are told unless [`crate::Options::version`] says otherwise.
pub const SUPERVISOR_VERSION: &str = "4.3.0";
