//! The environment names of the original (contract.md): laid over what the files say.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use indexmap::IndexMap;
use pistack_api::service::Service;
use pistack_kit::config::{ConfigError, ConfigErrors, Source, Span, dotenv};

use crate::config::file::File;

/// The process environment, with what `.env` adds: a name that is set in the process wins.
pub(crate) fn with_dotenv(base: &std::path::Path) -> Result<IndexMap<String, String>, ConfigErrors> {
    let mut environment: IndexMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let path = base.join(".env");
    if let Ok(text) = std::fs::read_to_string(&path) {
        let source = Source {
            name: path.display().to_string(),
            text,
        };
        for (name, value) in dotenv(&source).map_err(|error| ConfigErrors(vec![error]))? {
            environment.entry(name).or_insert(value);
        }
    }
    Ok(environment)
}

/// Lays the known names over the file's values. Gives names that are accepted and do nothing any more.
pub(crate) fn overlay(
    file: &mut File,
    environment: &IndexMap<String, String>,
) -> Result<Vec<String>, ConfigErrors> {
    let mut reader = Reader {
        environment,
        errors: Vec::new(),
    };
    for service in Service::PROGRAMS {
        let prefix = service.env_prefix();
        let Some(part) = file.services.part_mut(service) else {
            continue;
        };
        reader.set::<IpAddr>(&format!("{prefix}_BIND"), "an IP address", |value| {
            part.bind = Some(value);
        });
        reader.set::<u16>(&format!("{prefix}_PORT"), "a port number", |value| {
            part.port = Some(value);
        });
    }
    auth(file, &mut reader);
    let email = &mut file.email;
    reader.set::<String>("SMTP_HOST", "a host name", |value| email.smtp_host = value);
    reader.set::<u16>("SMTP_PORT", "a port number", |value| {
        email.smtp_port = Some(value);
    });
    reader.set::<String>("SMTP_FROM", "a mail address", |value| email.smtp_from = value);
    let supervisor = &mut file.supervisor_service;
    reader.set::<String>("SUPERVISOR_URL", "an address", |value| {
        supervisor.url = Some(value);
    });
    reader.set::<String>("SUPERVISOR_USER", "a name", |value| supervisor.user = Some(value));
    reader.set::<String>("SUPERVISOR_PASS", "a password", |value| {
        supervisor.password = Some(pistack_supervisor::config::Password::new(value));
    });
    reader.set::<Span>("SUPERVISOR_TIMEOUT", "a time in seconds", |value| {
        supervisor.timeout = value;
    });
    let gateway = &mut file.gateway;
    reader.set::<IpAddr>("NGINX_IP", "an IP address", |value| {
        gateway.names.push(value.to_string());
    });
    reader.set("PISTACK_HTTPS", "an address such as 0.0.0.0:8443", |value| {
        gateway.https = Some(value);
    });
    reader.set("PISTACK_HTTP", "an address such as 0.0.0.0:8000", |value| {
        gateway.http = Some(value);
    });
    if !reader.errors.is_empty() {
        return Err(ConfigErrors(reader.errors));
    }
    Ok(["DJANGO_SECRET", "AUTH_BASE_URL", "AUTH_VALIDATION_ENDPOINT"]
        .into_iter()
        .filter(|name| environment.get(*name).is_some_and(|value| !value.is_empty()))
        .map(str::to_owned)
        .collect())
}

fn auth(file: &mut File, reader: &mut Reader<'_>) {
    let auth = &mut file.auth;
    reader.set::<String>("AUTH_SECRET", "a text", |value| {
        auth.legacy_secret = Some(value.into());
    });
    reader.set::<PathBuf>("AUTH_DB_DIR", "a directory", |value| auth.db_dir = Some(value));
    reader.set::<String>(
        "DATABASE_URL",
        "an address such as postgres://user@host/name",
        |value| {
            auth.database_url = Some(value.into());
        },
    );
    reader.set::<i64>("ACCESS_TOKEN_SECONDS", "a number of seconds", |value| {
        auth.access_token_seconds = value;
    });
    reader.set::<i64>("REFRESH_TOKEN_SECONDS", "a number of seconds", |value| {
        auth.refresh_token_seconds = value;
    });
}

struct Reader<'a> {
    environment: &'a IndexMap<String, String>,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    /// Reads one name; an empty value counts as not set.
    fn set<T: FromStr>(&mut self, name: &str, wanted: &str, apply: impl FnOnce(T)) {
        let Some(text) = self.environment.get(name).filter(|text| !text.is_empty()) else {
            return;
        };
        match text.parse() {
            Ok(value) => apply(value),
            Err(_) => self.errors.push(ConfigError {
                message: format!("environment: {name}={text} is not {wanted}"),
                help: Some(format!(
                    "set {name} to {wanted}, or remove it from the environment and from .env"
                )),
                file: "environment".to_owned(),
                line: 0,
                text: "".into(),
                span: 0..0,
                label: String::new(),
                other: None,
            }),
        }
    }
}
