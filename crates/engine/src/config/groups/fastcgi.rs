//! What `[fcgi-program:x]` has beyond a program: its listening socket.

use crate::config::model::GroupKind;
use crate::config::options::Reader;
use crate::config::surroundings::normalise;
use crate::config::values;

/// Every option of `[fcgi-program:x]` that `[program:x]` does not have.
pub const KEYS: [&str; 4] = ["socket", "socket_owner", "socket_mode", "socket_backlog"];

/// Permission bits of a socket without `socket_mode`.
const DEFAULT_MODE: u32 = 0o700;

/// The group's kind. `name` is the program's, known as `%(program_name)s` in `socket`.
pub(super) fn read(reader: &mut Reader<'_>, name: &str) -> GroupKind {
    let backlog = backlog(reader);
    let owner = reader.owner("socket_owner");
    let mode = reader.optional("socket_mode", |text| {
        values::octal(text).map_err(|_| format!("Invalid socket_mode value {text}"))
    });
    let restricted = owner.is_some() || mode.is_some();
    reader.names.set("program_name", name);
    let text = reader.text("socket").filter(|text| !text.is_empty());
    let written = reader.options.get("socket").is_some();
    let socket = match text.as_deref().map(|text| address(text, restricted)) {
        Some(Ok(socket)) => socket,
        Some(Err(message)) => {
            let message = format!("{message} in [{}] socket", reader.label);
            let help = "write `unix:///absolute/path` or `tcp://host:port`".to_owned();
            reader.push(&["socket"], message, Some(help));
            String::new()
        }
        None => {
            let message = format!("[{}] section requires a \"socket\" line", reader.label);
            let path: &[&str] = if written { &["socket"] } else { &[] };
            reader.push(
                path,
                message,
                Some("write for example `socket=unix:///run/app.sock`".to_owned()),
            );
            String::new()
        }
    };
    GroupKind::FastCgi {
        socket,
        owner,
        mode: mode.unwrap_or(DEFAULT_MODE),
        backlog,
    }
}

fn backlog(reader: &mut Reader<'_>) -> Option<u32> {
    let number = reader.optional("socket_backlog", values::integer)?;
    if !(1..=65_535).contains(&number) {
        reader.error("socket_backlog", format!("Invalid socket_backlog value {number}"));
        return None;
    }
    u32::try_from(number).ok()
}

fn address(text: &str, restricted: bool) -> Result<String, String> {
    if let Some(path) = text.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err(format!("Unix socket path {path} is not an absolute path"));
        }
        return Ok(format!("unix://{}", normalise(path.as_ref()).display()));
    }
    if restricted {
        return Err(
            "socket_owner and socket_mode params should only be used with a Unix domain socket".to_owned(),
        );
    }
    let Some((host, port)) = text.strip_prefix("tcp://").and_then(|rest| rest.split_once(':')) else {
        return Err(format!("Bad socket format {text}"));
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if host.is_empty() || host.contains(char::is_whitespace) || !digits {
        return Err(format!("Bad socket format {text}"));
    }
    let port = values::inet_port(port)?;
    Ok(format!("tcp://{}:{port}", host.to_lowercase()))
}
