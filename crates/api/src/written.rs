//! Where the configuration of a program was written, as the supervisor tells its own services:
//! `GET /pistack/written?name=group:process`.

use serde::{Deserialize, Serialize};

/// One place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as it was named when it was read.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenValue {
    /// The name that `getAllConfigInfo` gives it, or the option's own where that call does not tell it.
    pub key: String,
    /// The value as text, where `getAllConfigInfo` does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `None`: nobody wrote it, its default is in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// One variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenVariable {
    /// Its name.
    pub name: String,
    /// Its value, which may be a secret.
    pub value: String,
    /// `None`: pistack sets it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// The configuration of one program, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Written {
    /// True for pistack's own programs, which no file defines.
    pub built_in: bool,
    /// Every value.
    pub values: Vec<WrittenValue>,
    /// What the configuration adds to the environment.
    pub environment: Vec<WrittenVariable>,
}
