//! Load from `wrk`, one thread and 32 connections, and what it says.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use regex::Regex;

use crate::run;

/// A request to repeat.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) url: String,
    pub(crate) token: &'a str,
    /// A JSON body makes it a POST.
    pub(crate) body: Option<&'a str>,
}

/// Requests a second; an answer that is not 2xx is an error, because a fast refusal is no result.
pub(crate) fn requests_per_second(
    request: &Request<'_>,
    seconds: u32,
    scratch: &Path,
) -> anyhow::Result<f64> {
    let script = scratch.join("request.lua");
    let body = match request.body {
        Some(body) => format!(
            "wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n"
        ),
        None => String::new(),
    };
    fs::write(
        &script,
        format!(
            "{body}wrk.headers['Authorization'] = 'Bearer {}'\n",
            request.token
        ),
    )?;
    let text = run::output(
        run::command("wrk")
            .args(["-t1", "-c32", &format!("-d{seconds}"), "-s"])
            .arg(&script)
            .arg(&request.url),
    )?;
    if let Some(line) = text.lines().find(|line| line.contains("Non-2xx")) {
        anyhow::bail!("{}: {}", request.url, line.trim());
    }
    let found = Regex::new(r"Requests/sec:\s+([0-9.]+)")?;
    let rate = found
        .captures(&text)
        .with_context(|| format!("wrk said nothing of a rate:\n{text}"))?;
    Ok(rate[1].parse()?)
}

/// Logs in and gives the access token.
pub(crate) fn login(base: &str, name: &str, password: &str) -> anyhow::Result<String> {
    let body = serde_json::json!({ "name": name, "password": password }).to_string();
    let text = run::output(run::command("curl").args([
        "-sSkf",
        "--max-time",
        "10",
        "-H",
        "Content-Type: application/json",
        "-d",
        &body,
        &format!("{base}/api/auth/session/login"),
    ]))?;
    let answer: serde_json::Value = serde_json::from_str(&text)?;
    Ok(answer["access_token"]
        .as_str()
        .context("no access_token in the answer")?
        .to_owned())
}
