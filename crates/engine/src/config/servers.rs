//! `[unix_http_server]`, `[inet_http_server]` and `[supervisorctl]`.

use super::model::{CtlSettings, Server, ServerAddress};
use super::options::Reader;
use super::values;

/// Every option of `[unix_http_server]`.
pub const UNIX_KEYS: [&str; 5] = ["file", "chmod", "chown", "username", "password"];
/// Every option of `[inet_http_server]`.
pub const INET_KEYS: [&str; 3] = ["port", "username", "password"];
/// Every option of `[supervisorctl]`.
pub const CTL_KEYS: [&str; 5] = ["serverurl", "username", "password", "prompt", "history_file"];

/// A TCP server.
pub fn inet(reader: &mut Reader<'_>) -> Option<Server> {
    let credentials = credentials(reader);
    if reader.options.get("port").is_none() {
        let message = format!("section [{}] has no port value", reader.label);
        reader.push(
            &[],
            message,
            Some("write for example `port=127.0.0.1:9001`".to_owned()),
        );
        return None;
    }
    let (host, port) = reader.optional("port", values::inet_address)?;
    Some(Server {
        address: ServerAddress::Inet { host, port },
        credentials,
        origin: reader.options.origin.clone(),
    })
}

/// A server on a unix socket. `%(here)s` is known in `file` only, as in supervisord: `here` has it.
pub fn unix(reader: &mut Reader<'_>, here: Option<&str>) -> Option<Server> {
    if reader.options.get("file").is_none() {
        let message = format!("section [{}] has no file value", reader.label);
        reader.push(
            &[],
            message,
            Some("write for example `file=/run/supervisor.sock`".to_owned()),
        );
        return None;
    }
    if let Some(here) = here {
        reader.names.set("here", here);
    }
    let file = reader.text("file");
    if here.is_some() {
        reader.names.remove("here");
    }
    let credentials = credentials(reader);
    let owner = reader.owner("chown");
    let mode = reader.value("chmod", 0o700, |text| {
        values::octal(text).map_err(|_| format!("Invalid chmod value {text}"))
    });
    let path = reader.around.normalise(file?.trim());
    let address = ServerAddress::Unix { path, mode, owner };
    Some(Server {
        address,
        credentials,
        origin: reader.options.origin.clone(),
    })
}

fn credentials(reader: &mut Reader<'_>) -> Option<(String, String)> {
    let given = |key| reader.options.get(key).is_some();
    let (username, password) = (given("username"), given("password"));
    if username != password {
        let missing = if username { "password" } else { "username" };
        let message = format!(
            "Section [{}] contains incomplete authentication: If a username or a password is specified, both the \
             username and password must be specified",
            reader.label
        );
        reader.push(&[], message, Some(format!("add `{missing}=`")));
    }
    let username = reader.text("username");
    let password = reader.text("password");
    username.zip(password)
}

/// What the client of this configuration uses. `%(here)s` is known in the two options that name a file.
pub fn ctl(reader: &mut Reader<'_>, here: &str) -> CtlSettings {
    reader.names.set("here", here);
    let serverurl = reader
        .text("serverurl")
        .map(|url| match url.strip_prefix("unix://") {
            Some(path) => format!("unix://{}", reader.around.normalise(path).display()),
            None => url,
        });
    let history_file = reader
        .text("history_file")
        .filter(|path| !path.is_empty())
        .map(|path| reader.around.normalise(&path));
    reader.names.remove("here");
    CtlSettings {
        history_file,
        serverurl,
        username: reader.text("username"),
        password: reader.text("password"),
        prompt: reader.text("prompt"),
    }
}
