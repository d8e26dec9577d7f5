//! `[channel.NAME]`: where messages go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Run;

/// Where messages go (`[channel.NAME]`). Exactly one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Mail through the mail service.
    Email(EmailChannel),
    /// A command that gets the message on its standard input.
    Exec(Run),
}

/// A mail channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChannel {
    /// Address.
    pub to: String,
}
