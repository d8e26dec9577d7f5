//! What the console may do to users, with the services down or up: it works on the database directly and tells
//! a running service afterwards. Nothing here is throttled.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use pistack_api::auth::PublicUser;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_kit::client::{Client, ClientError};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;

use crate::accounts::{self, Asker, Change};
use crate::config::Config;
use crate::error::Error;
use crate::key_rotation;
use crate::password::{Hasher, policy};
use crate::setup::SetupCode;
use crate::state::moment;
use crate::store::{Store, users};

/// How long a running service may take to notice. It looks by itself as well, a little later.
const TELL_WITHIN: Duration = Duration::from_secs(2);

/// A command of `pistack user`.
#[derive(Clone)]
pub enum ConsoleCommand {
    /// Sets a password and ends the user's sessions. Where there is no account at all, makes the first one, of
    /// level Root, and so ends the setup state.
    SetPassword {
        /// Login name.
        name: String,
        /// The new password.
        password: String,
    },
    /// Adds a user.
    Add {
        /// Login name.
        name: String,
        /// Level.
        level: Level,
        /// Password.
        password: String,
    },
    /// Lists all users.
    List,
    /// Removes a user and ends its sessions.
    Remove {
        /// Login name.
        name: String,
    },
}

impl fmt::Debug for ConsoleCommand {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetPassword { name, .. } => write!(f, "SetPassword({name:?})"),
            Self::Add { name, level, .. } => write!(f, "Add({name:?}, {level})"),
            Self::List => f.write_str("List"),
            Self::Remove { name } => write!(f, "Remove({name:?})"),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleAnswer {
    /// The password was set; the user's sessions are over.
    PasswordSet(PublicUser),
    /// There was no account: this Root was made.
    FirstAccount(PublicUser),
    /// The user was added.
    Added(PublicUser),
    /// All users, by name.
    Users(Vec<PublicUser>),
    /// The user was removed.
    Removed(PublicUser),
}

/// Carries out a command on the database of the state directory, which it makes if there is none.
pub async fn console(
    paths: &StatePaths,
    config: &Config,
    clock: &Clock,
    command: ConsoleCommand,
) -> Result<ConsoleAnswer, Error> {
    config.check()?;
    paths.create()?;
    let store = Store::open(paths, config).await?;
    let answer = carry_out(&store, config, clock, command).await;
    store.close().await;
    let answer = answer?;
    if matches!(answer, ConsoleAnswer::Users(_)) {
        return Ok(answer);
    }
    // There is an account now in any case: a change leaves one, and the last Root cannot be removed.
    SetupCode::new(paths.setup_code()).keep(false)?;
    tell(paths).await;
    Ok(answer)
}

/// Makes a new key that signs access tokens and gives its id, with the service down or up. Tokens of the old one live
/// out their time, unless they are to end `at_once`.
pub async fn rotate_keys(
    paths: &StatePaths,
    config: &Config,
    clock: &Clock,
    at_once: bool,
) -> Result<String, Error> {
    config.check()?;
    paths.create()?;
    let store = Store::open(paths, config).await?;
    let rotated = key_rotation::rotate_files(&store, paths, config, clock.unix(), at_once).await;
    store.close().await;
    let ring = rotated?;
    tell(paths).await;
    Ok(ring.kid().to_owned())
}

async fn carry_out(
    store: &Store,
    config: &Config,
    clock: &Clock,
    command: ConsoleCommand,
) -> Result<ConsoleAnswer, Error> {
    match command {
        ConsoleCommand::SetPassword { name, password } => {
            set_password(store, config, clock, &name, &password).await
        }
        ConsoleCommand::Add {
            name,
            level,
            password,
        } => {
            accounts::check_name(&name)?;
            let hash = new_hash(config, &name, &password)?;
            let mut tx = store.begin().await?;
            let moment = moment(clock, config);
            let user = accounts::create(&mut tx, moment, Asker::Console, &name, &hash, level).await?;
            tx.commit().await?;
            Ok(ConsoleAnswer::Added(user.public()))
        }
        ConsoleCommand::List => {
            let everyone = users::all(&mut *store.read().await?).await?;
            Ok(ConsoleAnswer::Users(
                everyone.iter().map(crate::directory::User::public).collect(),
            ))
        }
        ConsoleCommand::Remove { name } => {
            let mut tx = store.begin().await?;
            let user = users::by_name(&mut tx, &name)
                .await?
                .ok_or(Error::NoSuchName(name))?;
            let moment = moment(clock, config);
            let (user, _) = accounts::remove(&mut tx, moment, Asker::Console, &user.id).await?;
            tx.commit().await?;
            Ok(ConsoleAnswer::Removed(user.public()))
        }
    }
}

async fn set_password(
    store: &Store,
    config: &Config,
    clock: &Clock,
    name: &str,
    password: &str,
) -> Result<ConsoleAnswer, Error> {
    let hash = new_hash(config, name, password)?;
    let moment = moment(clock, config);
    let mut tx = store.begin().await?;
    let answer = if users::count(&mut tx).await? == 0 {
        accounts::check_name(name)?;
        let user = accounts::create_first(&mut tx, moment, name, &hash).await?;
        ConsoleAnswer::FirstAccount(user.public())
    } else {
        let user = users::by_name(&mut tx, name)
            .await?
            .ok_or_else(|| Error::NoSuchName(name.to_owned()))?;
        let change = Change {
            hash: Some(hash),
            ..Change::default()
        };
        let (user, _) = accounts::change(&mut tx, moment, Asker::Console, &user.id, &change).await?;
        ConsoleAnswer::PasswordSet(user.public())
    };
    tx.commit().await?;
    Ok(answer)
}

fn new_hash(config: &Config, name: &str, password: &str) -> Result<String, Error> {
    policy::check(password, name, config.password_min_length)?;
    Hasher::new(config.argon2_memory_kib)?.hash_now(password)
}

/// Tells a running service to look. One that is down reads the database when it starts.
async fn tell(paths: &StatePaths) {
    let socket = paths.service_socket(Service::Auth);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/internal/reload")
        .body(Bytes::new())
        .expect("a constant request is well-formed");
    match Client::unix(socket).send(request, TELL_WITHIN).await {
        Ok(answer) if answer.status().is_success() => {}
        Ok(answer) => {
            tracing::warn!(status = %answer.status(), "the auth service did not take the change at once");
        }
        Err(ClientError::Unreachable { .. }) => {}
        Err(error) => tracing::warn!(%error, "the auth service did not take the change at once"),
    }
}
