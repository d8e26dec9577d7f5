//! Looking before the start, for `pistack doctor`: what [`crate::run`] would open, opened and let go again.

use pistack_kit::service::RunError;

use crate::config::Config;
use crate::listeners::Listeners;
use crate::names::Names;
use crate::origin::TrustedProxies;
use crate::outer_path::OuterPaths;
use crate::plan::Finding;
use crate::tls::{self, Certificates, TlsError};
use crate::{GatewayContext, acme};

/// Opens the certificate, and makes the local one where there is none yet.
///
/// # Errors
/// As [`crate::run`] would fail.
pub fn check_certificate(context: &GatewayContext) -> Result<(), RunError> {
    let (certificates, _) = Certificates::open(&context.config, &context.paths, &context.clock)?;
    certificates.server_config()?;
    Ok(())
}

/// Binds the addresses and lets them go.
///
/// # Errors
/// As [`crate::run`] would fail.
pub async fn check_addresses(context: &GatewayContext) -> Result<(), RunError> {
    Listeners::bind(&context.config).await?;
    Ok(())
}

/// What is wrong in `[gateway]` as it is written, without a look at files or ports.
pub fn check_settings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &[&str], message: String| {
        findings.push(Finding {
            path: ["gateway"]
                .iter()
                .chain(path)
                .map(|&key| key.to_owned())
                .collect(),
            message,
            help: None,
            warning: false,
        });
    };
    if let Err(error) = Names::new("", &[], &config.names) {
        wrong(&["names"], error.to_string());
    }
    if let Err(error) = TrustedProxies::parse(&config.trusted_proxies) {
        wrong(&["trusted_proxies"], error.to_string());
    }
    if let Err(error) = OuterPaths::parse(&config.outer_paths) {
        wrong(&["outer_paths"], error.to_string());
    }
    if let Some((key, text)) = acme::check(&config.acme) {
        wrong(&["acme", key], text);
    }
    let limits = &config.limits;
    // Below these no browser gets through: a page of the dashboard asks for a dozen files at once.
    let least = [
        ("header_bytes", limits.header_bytes, 4096),
        ("headers", limits.headers.into(), 20),
        ("url_bytes", limits.url_bytes, 256),
        ("streams", limits.streams.into(), 1),
    ];
    for (key, value, least) in least {
        if value < least {
            wrong(
                &["limits", key],
                format!("`{key} = {value}` is too little; {least} is the least"),
            );
        }
    }
    if limits.requests_per_second > 0 && limits.burst < 10 {
        let text = format!("`burst = {}` is too little; 10 is the least", limits.burst);
        wrong(&["limits", "burst"], text);
    }
    match (&config.certificate, &config.key) {
        (Some(_), None) => wrong(&["certificate"], half("certificate", "key")),
        (None, Some(_)) => wrong(&["key"], half("key", "certificate")),
        _ => {}
    }
    findings
}

fn half(given: &'static str, missing: &'static str) -> String {
    TlsError::Half { given, missing }.to_string()
}

/// What is wrong with the files that `[gateway] certificate` and `key` name: missing, damaged, not a pair, run out.
pub fn check_files(config: &Config, now: i64) -> Option<Finding> {
    let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else {
        return None;
    };
    let error = tls::check_files(certificate, key, now).err()?;
    let at_key = matches!(&error, TlsError::File { path, .. } if path == key && path != certificate);
    let key = if at_key { "key" } else { "certificate" };
    Some(Finding {
        path: vec!["gateway".to_owned(), key.to_owned()],
        message: error.to_string(),
        help: None,
        warning: false,
    })
}

/// A written address that somebody else has.
pub async fn check_ports(config: &Config) -> Option<Finding> {
    let error = Listeners::bind(config).await.err()?;
    let message = error.to_string();
    let key = if message.contains("[gateway] https") {
        "https"
    } else {
        "http"
    };
    Some(Finding {
        path: vec!["gateway".to_owned(), key.to_owned()],
        message,
        help: None,
        warning: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named_with_its_place() {
        assert_eq!(check_settings(&Config::default()), []);
        let mut config = Config {
            names: vec!["a b".to_owned()],
            trusted_proxies: vec!["nowhere".to_owned()],
            outer_paths: vec!["//evil".to_owned()],
            ..Config::default()
        };
        config.acme.domains = vec!["board.example.org".to_owned()];
        config.limits.header_bytes = 10;
        config.limits.burst = 1;
        config.key = Some("own.key".into());
        let findings = check_settings(&config);
        let places: Vec<String> = findings.iter().map(|finding| finding.path.join(".")).collect();
        assert_eq!(
            places,
            [
                "gateway.names",
                "gateway.trusted_proxies",
                "gateway.outer_paths",
                "gateway.acme.agree_to_terms",
                "gateway.limits.header_bytes",
                "gateway.limits.burst",
                "gateway.key"
            ]
        );
    }
}
