//! The system's users and who is logged in: `/etc/passwd` (passwd(5)) and systemd-logind's files.

use serde::Serialize;
use utoipa::ToSchema;

use super::files::Tree;

/// A user of the operating system. Not of pistack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SystemUser {
    /// Login name.
    #[schema(example = "pi")]
    pub(crate) name: String,
    /// User id.
    #[schema(example = 1000)]
    pub(crate) uid: u32,
    /// Main group's id.
    #[schema(example = 1000)]
    pub(crate) gid: u32,
    /// Whole name, or what stands in its place.
    pub(crate) full_name: String,
    /// Home directory.
    pub(crate) home: String,
    /// Program that a login starts.
    pub(crate) shell: String,
    /// Can log in with that shell.
    pub(crate) can_login: bool,
}

/// Somebody's login to the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Login {
    /// The user's name.
    #[schema(example = "pi")]
    pub(crate) user: String,
    /// Which program let the user in: `sshd`, `login`, ...
    pub(crate) service: Option<String>,
    /// Terminal.
    pub(crate) tty: Option<String>,
    /// Where from, over the network.
    pub(crate) from: Option<String>,
    /// Since when, seconds since 1970.
    pub(crate) since: Option<i64>,
}

/// Reads `/etc/passwd`. Lines that are none are left out.
pub(crate) fn passwd(text: &str) -> Vec<SystemUser> {
    let line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let full_name = fields.next()?.split(',').next().unwrap_or_default();
        let (home, shell) = (fields.next()?, fields.next()?);
        let refusing = ["nologin", "false", "sync"];
        Some(SystemUser {
            name: name.to_owned(),
            uid,
            gid,
            full_name: full_name.to_owned(),
            home: home.to_owned(),
            shell: shell.to_owned(),
            can_login: !refusing.contains(&shell.rsplit('/').next().unwrap_or_default()),
        })
    };
    text.lines().filter_map(line).collect()
}

/// Reads one session of `/run/systemd/sessions`: `KEY=value` lines. Sessions of no person (the greeter's, a
/// manager's) are `None`.
pub(crate) fn session(text: &str) -> Option<Login> {
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    if value("CLASS").is_some_and(|class| class != "user") || value("STATE").as_deref() == Some("closing") {
        return None;
    }
    Some(Login {
        user: value("USER")?,
        service: value("SERVICE"),
        tty: value("TTY"),
        from: value("REMOTE_HOST"),
        since: value("REALTIME")
            .and_then(|micros| micros.parse::<i64>().ok())
            .map(|micros| micros / 1_000_000),
    })
}

/// Everybody who is logged in now.
pub(crate) fn logins(tree: &Tree) -> Vec<Login> {
    let folder = "run/systemd/sessions";
    tree.names(folder)
        .iter()
        // `N.ref` beside them are pipes, not files: reading one would wait for ever.
        .filter(|name| !name.contains('.'))
        .filter_map(|name| session(&tree.text(&format!("{folder}/{name}"))?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_sessions() {
        let text = "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:Anna Nowak,,,:/home/pi:/bin/zsh\n\
                    daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbroken:x:one:1::/:/bin/sh\n\n+::::::\n";
        let users = passwd(text);
        let names: Vec<_> = users.iter().map(|user| (&*user.name, user.can_login)).collect();
        assert_eq!(names, [("root", true), ("pi", true), ("daemon", false)]);
        assert_eq!((users[1].uid, &*users[1].full_name), (1000, "Anna Nowak"));
        let login = session(
            "UID=1000\nUSER=pi\nCLASS=user\nREMOTE_HOST=192.168.1.9\nSERVICE=sshd\nREALTIME=1700000000123456\n",
        )
        .unwrap();
        assert_eq!(
            (&*login.user, login.from.as_deref(), login.since),
            ("pi", Some("192.168.1.9"), Some(1_700_000_000))
        );
        assert_eq!(session("USER=lightdm\nCLASS=greeter\n"), None);
        assert_eq!(session(""), None);
    }
}
