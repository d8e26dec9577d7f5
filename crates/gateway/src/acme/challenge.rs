//! What the authority is shown: a file on port 80, or a record in the DNS that a hook sets.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use pistack_kit::paths::{make_directory, write_atomic};
use tokio::process::Command;

use super::{AcmeError, Places};
use crate::body::ResponseBody;
use crate::config::Acme;

/// Where the authority looks (RFC 8555 section 8.3).
const WELL_KNOWN: &str = "/.well-known/acme-challenge/";
/// Longest token that is looked for.
const MAX_TOKEN: usize = 128;
/// So much of a failed hook's output is shown.
const MAX_OUTPUT: usize = 1024;

/// The answer to the authority's question, if `path` is one and there is an answer.
pub(crate) fn answer(places: &Places, method: &Method, path: &str) -> Option<Response<ResponseBody>> {
    let token = path.strip_prefix(WELL_KNOWN)?;
    if *method != Method::GET || !is_token(token) {
        return None;
    }
    let proof = std::fs::read(places.challenges().join(token)).ok()?;
    let mut response = Response::new(ResponseBody::full(Bytes::from(proof)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Some(response)
}

/// The alphabet of RFC 8555 section 8.1. No other file can be named with it.
fn is_token(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len())
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What was shown, to be taken back.
#[derive(Debug)]
pub(super) enum Shown {
    File(PathBuf),
    Record { name: String, value: String },
}

impl Shown {
    /// For HTTP-01.
    pub(super) fn file(challenges: &Path, token: &str, proof: &str) -> Result<Self, AcmeError> {
        if !is_token(token) {
            return Err(AcmeError::Proof {
                domain: token.to_owned(),
                problem: "the authority's token holds characters that no token has".to_owned(),
            });
        }
        make_directory(challenges, 0o700)?;
        let path = challenges.join(token);
        write_atomic(&path, proof.as_bytes(), 0o600)?;
        Ok(Self::File(path))
    }

    /// For DNS-01.
    pub(super) async fn record(acme: &Acme, domain: &str, value: &str) -> Result<Self, AcmeError> {
        let domain = domain.strip_prefix("*.").unwrap_or(domain);
        let name = format!("_acme-challenge.{domain}");
        hook(acme, "present", &name, value)
            .await
            .map_err(|problem| AcmeError::Proof {
                domain: domain.to_owned(),
                problem,
            })?;
        Ok(Self::Record {
            name,
            value: value.to_owned(),
        })
    }

    /// Removes what was shown. A failure costs nothing but tidiness.
    pub(super) async fn take_back(self, acme: &Acme) {
        match self {
            Self::File(path) => {
                let _ = std::fs::remove_file(path);
            }
            Self::Record { name, value } => {
                if let Err(error) = hook(acme, "cleanup", &name, &value).await {
                    tracing::warn!(error, "the record for the authority stays in the DNS");
                }
            }
        }
    }
}

/// Runs the operator's program to its end.
async fn hook(acme: &Acme, action: &str, name: &str, value: &str) -> Result<(), String> {
    let Some((program, arguments)) = acme.hook.split_first() else {
        return Err("[gateway.acme] hook is empty".to_owned());
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the operator's hook is this process's child, not a program to supervise"
    )]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .args([action, name, value])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(acme.hook_timeout.0, command.output())
        .await
        .map_err(|_| format!("the hook `{program} {action}` took too long and was killed"))?
        .map_err(|error| format!("the hook `{program}` cannot be started: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(if ended.stderr.is_empty() {
        &ended.stdout
    } else {
        &ended.stderr
    });
    let said: String = said.trim().chars().take(MAX_OUTPUT).collect();
    Err(format!(
        "the hook `{program} {action}` ended with {}: {said}",
        ended.status
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Challenge;

    #[test]
    fn only_tokens_are_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places {
            tls: directory.path().to_owned(),
        };
        std::fs::write(directory.path().join("ca.key"), "secret").unwrap();
        let shown = Shown::file(&places.challenges(), "to-ken_1", "to-ken_1.print").unwrap();
        let ask = |method: &Method, path: &str| answer(&places, method, path).is_some();
        assert!(ask(&Method::GET, "/.well-known/acme-challenge/to-ken_1"));
        assert!(!ask(&Method::POST, "/.well-known/acme-challenge/to-ken_1"));
        for path in [
            "/.well-known/acme-challenge/",
            "/.well-known/acme-challenge/other",
            "/.well-known/acme-challenge/../../ca.key",
            "/.well-known/acme-challenge/..",
            "/to-ken_1",
        ] {
            assert!(!ask(&Method::GET, path), "{path}");
        }
        assert!(Shown::file(&places.challenges(), "../ca", "x").is_err());
        let Shown::File(path) = shown else { unreachable!() };
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_hook_hears_what_to_do_and_its_failure_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let heard = directory.path().join("heard");
        let script = format!("echo \"$@\" >> {}", heard.display());
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let acme = Acme {
            challenge: Challenge::Dns01,
            hook: words(&["/bin/sh", "-c", &script, "hook"]),
            ..Acme::default()
        };
        let shown = Shown::record(&acme, "*.example.org", "value").await.unwrap();
        shown.take_back(&acme).await;
        assert_eq!(
            std::fs::read_to_string(&heard).unwrap(),
            "present _acme-challenge.example.org value\ncleanup _acme-challenge.example.org value\n"
        );
        let broken = Acme {
            hook: words(&["/bin/sh", "-c", "echo no zone >&2; exit 3"]),
            ..acme.clone()
        };
        let error = Shown::record(&broken, "example.org", "value")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("example.org") && error.contains("no zone"),
            "{error}"
        );
        let slow = Acme {
            hook: words(&["/bin/sleep", "60"]),
            hook_timeout: pistack_kit::config::Span(std::time::Duration::from_millis(50)),
            ..acme
        };
        // `sleep 60 present …` ends by itself with an error on some systems; both are told.
        assert!(Shown::record(&slow, "example.org", "value").await.is_err());
    }
}
