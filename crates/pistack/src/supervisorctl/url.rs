//! Server addresses: `unix:///path` and `http://host:port`; texts in Python's notation.

use pistack_kit::client::Connector;

/// The scheme in lower case, and what follows the colon.
fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let starts = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let legal = |byte: char| byte.is_ascii_alphanumeric() || matches!(byte, '+' | '-' | '.');
    (starts && scheme.chars().all(legal)).then(|| (scheme.to_ascii_lowercase(), rest))
}

/// True for what the option `-s` takes: a scheme and something after it.
pub(super) fn is_url(text: &str) -> bool {
    let Some((_, rest)) = scheme(text) else {
        return false;
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    !rest.is_empty() && !rest.starts_with(['?', '#'])
}

/// True for what `open` takes.
pub(super) fn can_be_opened(text: &str) -> bool {
    scheme(text).is_some_and(|(scheme, _)| matches!(scheme.as_str(), "unix" | "http"))
}

/// Where to connect, and what stands in `Host`. The error is a `ValueError`'s text.
pub(super) fn connector(serverurl: &str) -> Result<(Connector, String), String> {
    if let Some(path) = serverurl.strip_prefix("unix://") {
        return Ok((Connector::unix(path), "localhost".to_owned()));
    }
    let Some(rest) = serverurl.strip_prefix("http://") else {
        return Err(format!("Unknown protocol for serverurl {serverurl}"));
    };
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let (host, port) = match place.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (place, ""),
    };
    let port = match port {
        "" => 80,
        port => port.parse::<u16>().map_err(|_| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                "Port out of range 0-65535".to_owned()
            } else {
                format!("Port could not be cast to integer value as {}", python_repr(port))
            }
        })?,
    };
    let authority = format!("{}:{port}", host.to_ascii_lowercase());
    Ok((Connector::tcp(authority.clone()), authority))
}

/// A text as Python's `repr` shows it.
pub(super) fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            character if character == quote => {
                shown.push('\\');
                shown.push(character);
            }
            character if character.is_ascii_control() => {
                shown.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            character => shown.push(character),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, good) in [
            ("unix:///x", true),
            ("http://localhost:1", true),
            ("localhost:1", true),
            ("tcp://x", true),
            ("", false),
            ("x", false),
            ("http://", false),
            ("1http://x", false),
            ("http:?x", false),
        ] {
            assert_eq!(is_url(text), good, "{text}");
        }
        assert!(can_be_opened("UNIX:///x") && can_be_opened("http://x") && !can_be_opened("ftp://x"));
    }

    #[test]
    fn addresses() {
        for (text, place) in [
            ("unix:///run/x.sock", Ok("localhost")),
            ("http://Host", Ok("host:80")),
            ("http://a:b@host:9001/RPC2", Ok("host:9001")),
            ("http://[::1]:9001", Ok("[::1]:9001")),
            ("http://[::1]", Ok("[::1]:80")),
            (
                "http://h:x",
                Err("Port could not be cast to integer value as 'x'"),
            ),
            ("http://h:70000", Err("Port out of range 0-65535")),
            ("tcp://x", Err("Unknown protocol for serverurl tcp://x")),
        ] {
            let found = connector(text).map(|(_, host)| host);
            assert_eq!(found, place.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn python_shows_a_text() {
        assert_eq!(python_repr("a'b"), "\"a'b\"");
        assert_eq!(python_repr("a'\"\n\\\u{1}"), "'a\\'\"\\n\\\\\\x01'");
    }
}
