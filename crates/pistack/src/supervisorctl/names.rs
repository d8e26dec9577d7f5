//! Names of processes: `name`, `group:name`, `group:*`.

use pistack_api::xmlrpc::Value;

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named<'a> {
    /// The group.
    pub(super) group: &'a str,
    /// The process; `None` = all of the group.
    pub(super) process: Option<&'a str>,
}

/// Takes a name apart at its first colon.
pub(super) fn split(name: &str) -> Named<'_> {
    match name.split_once(':') {
        Some((group, "" | "*")) => Named { group, process: None },
        Some((group, process)) => Named {
            group,
            process: Some(process),
        },
        None => Named {
            group: name,
            process: Some(name),
        },
    }
}

/// `name` where group and process are called alike, else `group:name`.
pub(super) fn join(group: &str, process: &str) -> String {
    if group == process {
        process.to_owned()
    } else {
        format!("{group}:{process}")
    }
}

/// One row of the answer to a call for several processes, or of one that was put together from a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// `name` or `group:name`.
    pub(super) name: String,
    /// Fault code; 80 = success.
    pub(super) status: i32,
    /// The fault's text, or `OK`.
    pub(super) description: String,
}

impl Outcome {
    /// A row.
    pub(super) fn read(row: &Value) -> Self {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let status = row.get("status").and_then(Value::as_int).unwrap_or_default();
        Self {
            name: join(text("group"), text("name")),
            status: i32::try_from(status).unwrap_or_default(),
            description: text("description").to_owned(),
        }
    }

    /// All rows of an answer.
    pub(super) fn rows(answer: &Value) -> Vec<Self> {
        answer
            .as_array()
            .unwrap_or_default()
            .iter()
            .map(Self::read)
            .collect()
    }

    /// As JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "name": self.name, "status": self.status, "description": self.description })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart() {
        for (name, group, process) in [
            ("cat", "cat", Some("cat")),
            ("g:cat", "g", Some("cat")),
            ("g:*", "g", None),
            ("g:", "g", None),
            ("g:a:b", "g", Some("a:b")),
            (":x", "", Some("x")),
        ] {
            assert_eq!(split(name), Named { group, process }, "{name}");
        }
        assert_eq!(join("a", "a"), "a");
        assert_eq!(join("g", "a"), "g:a");
    }
}
