//! `[auth]`: how long tokens live, how passwords are hashed, and what a good one is.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Longest password taken, in characters. Long enough for any passphrase, short enough to bound the work.
pub const PASSWORD_MAX_LENGTH: usize = 128;

/// `[auth]`: users, sessions and tokens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Life of an access token in seconds, 10 to 86400. Environment: `ACCESS_TOKEN_SECONDS`.
    pub access_token_seconds: i64,
    /// Life of an unused refresh token in seconds, 60 to 31536000. Environment: `REFRESH_TOKEN_SECONDS`.
    pub refresh_token_seconds: i64,
    /// Days after which a new key signs access tokens, 1 to 3650. Tokens of the old one stay good for their time.
    pub signing_key_days: i64,
    /// Fewest characters of a new password, 1 to 128.
    pub password_min_length: usize,
    /// Memory of one password hash in KiB. Chosen by the board's memory unless set; below 7168 is for tests
    /// only.
    pub argon2_memory_kib: Option<u32>,
    /// The original's `AUTH_SECRET`. Only used to recognise tokens of the original, so that their holders are
    /// told to log in again; nothing is ever signed with it. Environment: `AUTH_SECRET`.
    #[serde(skip_serializing)]
    pub legacy_secret: Option<LegacySecret>,
    /// Addresses of reverse proxies in front whose `X-Forwarded-For` is believed. Loopback always is.
    pub trusted_proxies: Vec<IpAddr>,
    /// A PostgreSQL server in place of the SQLite file: `postgres://user@host/name`, a unix socket by
    /// `postgres://user@localhost/name?host=/var/run/postgresql`. Best without a password in it: `~/.pgpass` and peer
    /// authentication work. Environment: `DATABASE_URL`.
    #[serde(skip_serializing)]
    pub database_url: Option<DatabaseUrl>,
    /// True says that the board's clock is right although no time server sets it: for a board that has none and is
    /// offline. Otherwise one-time codes wait for the first time sync after each start.
    pub clock_is_right: bool,
    /// Files that arm a one-time code to set a Root's password, looked for at each start: for a board without screen
    /// and keyboard. Each file counts once.
    pub reset_files: Vec<PathBuf>,
    /// Directory of `auth.sqlite3` in place of `db/` in the state directory. Environment: `AUTH_DB_DIR`.
    pub db_dir: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token_seconds: 900,
            refresh_token_seconds: 2_592_000,
            signing_key_days: 30,
            password_min_length: 8,
            argon2_memory_kib: None,
            legacy_secret: None,
            trusted_proxies: Vec::new(),
            database_url: None,
            clock_is_right: false,
            reset_files: ["/boot/firmware/pistack-reset", "/boot/pistack-reset"]
                .map(PathBuf::from)
                .to_vec(),
            db_dir: None,
        }
    }
}

impl Config {
    /// Refuses values that no installation can mean.
    pub fn check(&self) -> Result<(), Error> {
        in_range("access_token_seconds", self.access_token_seconds, 10, 86_400)?;
        in_range(
            "refresh_token_seconds",
            self.refresh_token_seconds,
            60,
            31_536_000,
        )?;
        in_range("signing_key_days", self.signing_key_days, 1, 3650)?;
        in_range(
            "password_min_length",
            self.password_min_length as i64,
            1,
            PASSWORD_MAX_LENGTH as i64,
        )?;
        if self.database_url.as_ref().is_some_and(|url| !url.is_postgres()) {
            return Err(Error::DatabaseUrl);
        }
        if let Some(kib) = self.argon2_memory_kib {
            in_range("argon2_memory_kib", i64::from(kib), 8, 1_048_576)?;
        }
        Ok(())
    }
}

fn in_range(key: &'static str, value: i64, min: i64, max: i64) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Error::Setting { key, value, min, max })
    }
}

/// The original's signing secret. Never shown by `Debug` and never written out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LegacySecret(String);

impl LegacySecret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for LegacySecret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for LegacySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacySecret(...)")
    }
}

/// Where the PostgreSQL server is. May hold a password, so it is never shown by `Debug` and never written out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The address itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }
}

impl From<String> for DatabaseUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(...)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_good_and_the_contracts() {
        let config = Config::default();
        config.check().unwrap();
        assert_eq!(
            (config.access_token_seconds, config.refresh_token_seconds),
            (900, 2_592_000)
        );
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let config = Config {
            access_token_seconds: 0,
            ..Config::default()
        };
        let text = config.check().unwrap_err().to_string();
        assert!(
            text.contains("access_token_seconds") && text.contains("10"),
            "{text}"
        );
        let config = Config {
            password_min_length: 129,
            ..Config::default()
        };
        assert!(config.check().is_err());
    }

    #[test]
    fn only_a_postgresql_server_is_taken_and_its_password_never_printed() {
        let with = |url: &str| Config {
            database_url: Some(DatabaseUrl::from(url.to_owned())),
            ..Config::default()
        };
        let config = with("postgres://anna:hush-hush@db/auth");
        config.check().unwrap();
        assert!(!format!("{config:?}").contains("hush"));
        assert!(!serde_json::to_string(&config).unwrap().contains("hush"));
        for other in ["mysql://h/x", "sqlite:///db.sqlite3", "db", ""] {
            let text = with(other).check().unwrap_err().to_string();
            assert!(text.contains("DATABASE_URL"), "{text}");
        }
    }

    #[test]
    fn the_old_secret_is_never_printed() {
        let config = Config {
            legacy_secret: Some(LegacySecret::from("hush-hush".to_owned())),
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("hush"));
        assert!(!serde_json::to_string(&config).unwrap().contains("hush"));
    }
}
