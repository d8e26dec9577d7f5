//! One sentence for a broken file, as supervisord says it: the first error only, and for a program's options with the
//! section and its file.

use pistack_engine::config::expand::quoted;
use pistack_engine::config::supervisord::IniError;

/// Options of a section that supervisord reads before it comes to the section's processes: their errors name no
/// section.
fn read_before_processes(section: &str) -> &'static [&'static str] {
    if section.starts_with("program:") {
        &["priority"]
    } else if section.starts_with("eventlistener:") {
        &[
            "priority",
            "buffer_size",
            "result_handler",
            "events",
            "redirect_stderr",
        ]
    } else {
        &[
            "priority",
            "user",
            "socket",
            "socket_backlog",
            "socket_owner",
            "socket_mode",
        ]
    }
}

/// The sentence for `errors` of the configuration `file`. `unended`: its last line, if it has no end.
pub(super) fn sentence(file: &str, errors: &[IniError], unended: Option<u32>) -> String {
    let Some(first) = errors.first() else {
        return String::new();
    };
    let Some(section) = &first.section else {
        return syntax(first, errors, (file, unended));
    };
    let has_processes = ["program:", "fcgi-program:", "eventlistener:"]
        .iter()
        .any(|kind| section.starts_with(kind));
    let bare = match &first.key {
        Some(key) => read_before_processes(section).contains(&key.as_str()),
        // a section without the option it needs; only a missing command is found among the processes
        None => {
            !first.message.ends_with("does not specify a command") && !first.message.contains("killasgroup")
        }
    };
    if !has_processes || bare {
        return first.message.clone();
    }
    let shown = first.origin.file.display().to_string();
    let shown = if shown.is_empty() { file } else { &shown };
    format!(
        "{} in section {} (file: {})",
        first.message,
        quoted(section),
        quoted(shown)
    )
}

/// Lines that are none, in the words of Python's parser: all of one file. It shows their ends, too.
fn syntax(first: &IniError, errors: &[IniError], (main, unended): (&str, Option<u32>)) -> String {
    let file = first.origin.file.display().to_string();
    let line = |error: &IniError| {
        let end = if file == main && unended == Some(error.origin.line) {
            ""
        } else {
            "\n"
        };
        quoted(&format!("{}{end}", error.text))
    };
    if first.origin.line == 0 {
        return first.message.clone();
    }
    if first.message.starts_with("File contains no section headers") {
        return format!(
            "File contains no section headers.\nfile: {}, line: {}\n{}",
            quoted(&file),
            first.origin.line,
            line(first)
        );
    }
    let mut text = format!("Source contains parsing errors: {}", quoted(&file));
    for error in errors.iter().filter(|error| {
        error.section.is_none() && error.origin.line > 0 && error.origin.file == first.origin.file
    }) {
        text.push_str(&format!("\n\t[line {:2}]: {}", error.origin.line, line(error)));
    }
    text
}
