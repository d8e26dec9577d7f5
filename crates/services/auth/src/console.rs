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
use crate::audit::{self, Event};
use crate::config::Config;
use crate::directory::User;
use crate::error::Error;
use crate::key_rotation;
use crate::password::{Hasher, policy};
use crate::setup::SetupCode;
use crate::state::moment;
use crate::store::{Store, Tx, users};
use crate::unlock;

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
    /// Closes an account and ends its sessions, or opens it again.
    Disable {
        /// Login name.
        name: String,
        /// False opens it.
        disabled: bool,
    },
    /// Forgets failed logins.
    Unlock {
        /// Login name.
        name: String,
    },
    /// Takes the second factor and its recovery codes away.
    ResetSecondFactor {
        /// Login name.
        name: String,
    },
    /// Sets where the person is written to.
    SetEmail {
        /// Login name.
        name: String,
        /// The address; `None` takes it away.
        email: Option<String>,
    },
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
            Self::Disable { name, disabled } => write!(f, "Disable({name:?}, {disabled})"),
            Self::Unlock { name } => write!(f, "Unlock({name:?})"),
            Self::ResetSecondFactor { name } => write!(f, "ResetSecondFactor({name:?})"),
            Self::SetEmail { name, .. } => write!(f, "SetEmail({name:?})"),
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
    /// The account is closed, or open again.
    Disabled {
        /// Whose.
        user: PublicUser,
        /// What it is now.
        disabled: bool,
    },
    /// Failed logins are forgotten.
    Unlocked(PublicUser),
    /// Whether there was a second factor to take away.
    SecondFactorReset {
        /// Whose.
        user: PublicUser,
        /// False if there was none.
        removed: bool,
    },
    /// Where the person is written to was set.
    EmailSet(PublicUser),
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
    if let ConsoleAnswer::Unlocked(user) = &answer {
        unlock::unlock(paths, &user.name).await?;
        return Ok(answer);
    }
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
        ConsoleCommand::List => {
            let everyone = users::all(&mut *store.read().await?).await?;
            Ok(ConsoleAnswer::Users(everyone.iter().map(User::public).collect()))
        }
        ConsoleCommand::Unlock { name } => {
            let user = users::by_name(&mut *store.read().await?, &name).await?;
            let user = user.ok_or(Error::NoSuchName(name))?;
            Ok(ConsoleAnswer::Unlocked(user.public()))
        }
        ConsoleCommand::SetPassword { name, password } => {
            set_password(store, config, clock, &name, &password).await
        }
        ConsoleCommand::Add {
            name,
            level,
            password,
        } => add(store, config, clock, &name, level, &password).await,
        ConsoleCommand::Disable { name, disabled } => disable(store, config, clock, &name, disabled).await,
        ConsoleCommand::Remove { name } => remove(store, config, clock, &name).await,
        ConsoleCommand::ResetSecondFactor { name } => {
            let mut tx = store.begin().await?;
            let user = named(&mut tx, &name).await?;
            let removed = unlock::reset_second_factor(&mut tx, clock, &user).await?;
            tx.commit().await?;
            let user = user.public();
            Ok(ConsoleAnswer::SecondFactorReset { user, removed })
        }
        ConsoleCommand::SetEmail { name, email } => {
            email.as_deref().map_or(Ok(()), accounts::check_email)?;
            let mut tx = store.begin().await?;
            let user = named(&mut tx, &name).await?;
            users::set_email(&mut tx, &user.id, email.as_deref()).await?;
            note(&mut tx, clock, "user.email", &user).await?;
            tx.commit().await?;
            Ok(ConsoleAnswer::EmailSet(user.public()))
        }
    }
}

async fn add(
    store: &Store,
    config: &Config,
    clock: &Clock,
    name: &str,
    level: Level,
    password: &str,
) -> Result<ConsoleAnswer, Error> {
    accounts::check_name(name)?;
    let hash = new_hash(config, name, password)?;
    let moment = moment(clock, config);
    let mut tx = store.begin().await?;
    let user = accounts::create(&mut tx, moment, Asker::Console, name, &hash, level).await?;
    note(&mut tx, clock, "user.added", &user).await?;
    tx.commit().await?;
    Ok(ConsoleAnswer::Added(user.public()))
}

async fn disable(
    store: &Store,
    config: &Config,
    clock: &Clock,
    name: &str,
    disabled: bool,
) -> Result<ConsoleAnswer, Error> {
    let moment = moment(clock, config);
    let mut tx = store.begin().await?;
    let user = named(&mut tx, name).await?;
    let (user, _) = accounts::disable(&mut tx, moment, Asker::Console, &user.id, disabled).await?;
    let kind = if disabled { "user.disabled" } else { "user.enabled" };
    note(&mut tx, clock, kind, &user).await?;
    tx.commit().await?;
    let user = user.public();
    Ok(ConsoleAnswer::Disabled { user, disabled })
}

async fn remove(store: &Store, config: &Config, clock: &Clock, name: &str) -> Result<ConsoleAnswer, Error> {
    let moment = moment(clock, config);
    let mut tx = store.begin().await?;
    let user = named(&mut tx, name).await?;
    let (user, _) = accounts::remove(&mut tx, moment, Asker::Console, &user.id).await?;
    note(&mut tx, clock, "user.removed", &user).await?;
    tx.commit().await?;
    Ok(ConsoleAnswer::Removed(user.public()))
}

async fn named(tx: &mut Tx, name: &str) -> Result<User, Error> {
    users::by_name(tx, name)
        .await?
        .ok_or_else(|| Error::NoSuchName(name.to_owned()))
}

/// Puts what the console did into the audit record.
async fn note(tx: &mut Tx, clock: &Clock, kind: &'static str, user: &User) -> Result<(), Error> {
    audit::write_in(tx, clock, Event::new(kind).about(&user.id)).await
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
        note(&mut tx, clock, "user.added", &user).await?;
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
        note(&mut tx, clock, "user.password", &user).await?;
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
pub(crate) async fn tell(paths: &StatePaths) {
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
