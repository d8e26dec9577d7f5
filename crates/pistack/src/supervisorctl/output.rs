//! What a command prints: lines, or with `--json` one document of what the lines say.

use serde_json::{Value, json};

/// Standard output.
#[derive(Debug)]
pub(super) struct Output {
    /// Rows of the command that runs; `None` = lines are printed at once.
    rows: Option<Vec<Value>>,
}

impl Output {
    /// `json`: documents instead of lines.
    pub(super) fn new(json: bool) -> Self {
        Self {
            rows: json.then(Vec::new),
        }
    }

    /// A line.
    pub(super) fn say(&mut self, line: &str) {
        self.row(line, || json!({ "message": line }));
    }

    /// A line that says what `row` says.
    pub(super) fn row(&mut self, line: &str, row: impl FnOnce() -> Value) {
        match &mut self.rows {
            Some(rows) => rows.push(row()),
            None => println!("{line}"),
        }
    }

    /// The end of a command.
    pub(super) fn end(&mut self, command: &str, exit: u8) {
        if let Some(rows) = &mut self.rows {
            let results = std::mem::take(rows);
            println!(
                "{}",
                json!({ "command": command, "exit_status": exit, "results": results })
            );
        }
    }
}
