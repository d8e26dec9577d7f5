//! Users of the original: `users.json` with werkzeug hashes. Nobody has to set a new password, ids stay, and a second
//! run changes nothing.

use std::path::Path;

use pistack_api::token::Level;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts::{self, FIRST_EPOCH};
use crate::audit::{self, Event};
use crate::config::Config;
use crate::console::tell;
use crate::directory::User;
use crate::error::Error;
use crate::password::werkzeug::{self, Werkzeug};
use crate::setup::SetupCode;
use crate::store::{self, Store, Tx, users};

/// Longest file read, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Most users of one file.
const MOST_USERS: usize = 10_000;
/// The password that the original shipped for its Root.
const SHIPPED: &str = "password";
/// What no password hashes to.
const NO_PASSWORD: &str = "!";

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Names that were added.
    pub imported: Vec<String>,
    /// Names that were there already, by id; nothing of them was touched.
    pub unchanged: Vec<String>,
    /// Old and new name, where another user has the old one (names differ in more than case here).
    pub renamed: Vec<(String, String)>,
    /// Names whose hash cannot be used, and why: somebody has to set a password for them.
    pub without_password: Vec<(String, String)>,
    /// Roots with the password that the original shipped: they choose another at their first login.
    pub must_change: Vec<String>,
    /// Entries left out, and why.
    pub skipped: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct File {
    users: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    name: String,
    password_hash: String,
    #[serde(default = "user_level")]
    level: String,
}

fn user_level() -> String {
    Level::User.as_str().to_owned()
}

/// Reads `file` and adds its users, all or none of them; with `dry_run` only says what would happen. Works with the
/// service down or up. The file is never written.
pub async fn import_users(
    paths: &StatePaths,
    config: &Config,
    clock: &Clock,
    file: &Path,
    dry_run: bool,
) -> Result<ImportReport, Error> {
    config.check()?;
    let entries = read(file)?;
    paths.create()?;
    let store = Store::open(paths, config).await?;
    let result = carry_out(&store, clock, &entries, dry_run).await;
    store.close().await;
    let report = result?;
    if !dry_run && !report.imported.is_empty() {
        SetupCode::new(paths.setup_code()).keep(false)?;
        tell(paths).await;
    }
    Ok(report)
}

fn read(path: &Path) -> Result<Vec<serde_json::Value>, Error> {
    let refused = |what: String| Error::ImportFile {
        path: path.to_owned(),
        what,
    };
    let length = std::fs::metadata(path)
        .map_err(|error| refused(error.to_string()))?
        .len();
    if length > MOST_BYTES {
        return Err(refused(format!("longer than {MOST_BYTES} bytes")));
    }
    let text = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    let file: File = serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
    if file.users.len() > MOST_USERS {
        return Err(refused(format!("more than {MOST_USERS} users")));
    }
    Ok(file.users)
}

async fn carry_out(
    store: &Store,
    clock: &Clock,
    entries: &[serde_json::Value],
    dry_run: bool,
) -> Result<ImportReport, Error> {
    let mut tx = store.begin().await?;
    let mut report = ImportReport::default();
    for entry in entries {
        import_one(&mut tx, clock.unix(), entry, &mut report).await?;
    }
    if !report.imported.is_empty() && users::count_roots(&mut tx).await? == 0 {
        return Err(Error::FirstMustBeRoot);
    }
    if dry_run || report.imported.is_empty() {
        tx.rollback().await?;
        return Ok(report);
    }
    let told = format!("{} users of the original", report.imported.len());
    audit::write_in(&mut tx, clock, Event::new("import").detail(&told)).await?;
    store::raise_generation(&mut tx).await?;
    tx.commit().await?;
    Ok(report)
}

async fn import_one(
    tx: &mut Tx,
    now: i64,
    entry: &serde_json::Value,
    report: &mut ImportReport,
) -> Result<(), Error> {
    let called = entry
        .get("name")
        .and_then(|name| name.as_str())
        .map_or_else(|| "an entry without a name".to_owned(), printable);
    let (entry, id, level) = match understood(entry) {
        Ok(understood) => understood,
        Err(why) => {
            report.skipped.push((called, why));
            return Ok(());
        }
    };
    if let Some(known) = users::by_id(tx, &id).await? {
        report.unchanged.push(known.name);
        return Ok(());
    }
    let name = free_name(tx, &entry.name).await?;
    if name != entry.name {
        report.renamed.push((entry.name.clone(), name.clone()));
    }
    let (hash, must_change) = match usable(&entry.password_hash) {
        Ok(hash) => {
            // Costs a whole hash, so only where it matters most.
            let shipped = level == Level::Root && hash.is_some_and(|hash| hash.matches(SHIPPED));
            (entry.password_hash.as_str(), shipped)
        }
        Err(why) => {
            report.without_password.push((name.clone(), why));
            (NO_PASSWORD, false)
        }
    };
    if must_change {
        report.must_change.push(name.clone());
    }
    let user = User {
        id,
        name,
        level,
        epoch: FIRST_EPOCH,
        disabled: false,
        must_change,
    };
    users::insert(tx, &user, hash, now).await?;
    report.imported.push(user.name);
    Ok(())
}

fn understood(entry: &serde_json::Value) -> Result<(Entry, String, Level), String> {
    let entry: Entry = serde_json::from_value(entry.clone()).map_err(|error| error.to_string())?;
    let id = Uuid::parse_str(&entry.id).map_err(|_| "its id is no UUID".to_owned())?;
    let level = entry
        .level
        .parse()
        .map_err(|_| "its level is none of Root, Admin, User".to_owned())?;
    accounts::check_name(&entry.name).map_err(|_| {
        "its name has more than 64 characters, control characters, or space at an end".to_owned()
    })?;
    Ok((entry, id.to_string(), level))
}

/// The hash of werkzeug to check with, `None` for one of ours; or why it cannot be used.
fn usable(stored: &str) -> Result<Option<Werkzeug<'_>>, String> {
    if stored.starts_with("$argon2id$") && stored.len() <= 512 {
        return Ok(None);
    }
    if !werkzeug::is_meant(stored) {
        return Err(werkzeug::Unusable::Unknown.to_string());
    }
    Werkzeug::parse(stored)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// The name, or the same with a number: names differed in case alone in the original.
async fn free_name(tx: &mut Tx, name: &str) -> Result<String, Error> {
    let mut candidate = name.to_owned();
    for number in 2.. {
        if users::by_name(tx, &candidate).await?.is_none() {
            break;
        }
        let short: String = name.chars().take(58).collect();
        candidate = format!("{short}-{number}");
    }
    Ok(candidate)
}

/// A text of a file, for people: no control characters, not endless.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
