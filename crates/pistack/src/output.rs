//! What commands print: tables for people, JSON for programs.

use std::io::IsTerminal as _;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use pistack_api::process::ProcessInfo;
use serde_json::json;

/// Prints the process table, or plain columns when not on a terminal.
pub(crate) fn processes(rows: &[ProcessInfo]) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if std::io::stdout().is_terminal() {
        table.set_header(
            ["NAME", "STATE", "DETAIL"].map(|title| Cell::new(title).add_attribute(Attribute::Dim)),
        );
    } else {
        table.force_no_tty();
    }
    for row in rows {
        let state = Cell::new(format!("{} {}", mark(&row.statename), row.statename));
        let state = if colours {
            state.fg(colour(&row.statename))
        } else {
            state
        };
        table.add_row([Cell::new(row.full_name()), state, Cell::new(&row.description)]);
    }
    println!("{table}");
}

/// Prints `{"schema_version":1,"processes":[...]}`.
pub(crate) fn processes_json(rows: &[ProcessInfo]) {
    json(&json!({ "schema_version": 1, "processes": rows }));
}

/// Prints a table of texts; plain columns when not on a terminal.
pub(crate) fn rows(titles: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if std::io::stdout().is_terminal() {
        table.set_header(
            titles
                .iter()
                .map(|title| Cell::new(title).add_attribute(Attribute::Dim)),
        );
    } else {
        table.force_no_tty();
    }
    for row in rows {
        table.add_row(row);
    }
    println!("{table}");
}

/// Prints a JSON document.
pub(crate) fn json(document: &serde_json::Value) {
    println!("{document:#}");
}

/// A sign beside the word, so that colour is never the only carrier.
fn mark(state: &str) -> char {
    match state {
        "RUNNING" => '●',
        "STARTING" | "STOPPING" | "BACKOFF" => '◐',
        "FATAL" | "UNKNOWN" => '✖',
        _ => '○',
    }
}

fn colour(state: &str) -> Color {
    match state {
        "RUNNING" => Color::Green,
        "STARTING" | "STOPPING" | "BACKOFF" => Color::Yellow,
        "FATAL" | "UNKNOWN" => Color::Red,
        _ => Color::DarkGrey,
    }
}
