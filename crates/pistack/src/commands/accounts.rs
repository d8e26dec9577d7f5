//! `pistack user`: accounts on the console. Works on the database directly, so it needs no service and no login.

use std::io::{IsTerminal as _, Read as _};

use pistack_auth::{ConsoleAnswer, ConsoleCommand};
use pistack_kit::clock::Clock;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{Place, UserCommand};
use crate::commands::peer::block_on;
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::{output, state};

/// Longer input is no password.
const MOST_BYTES: u64 = 4096;

/// Carries out one command on the accounts.
pub(crate) fn user(place: &Place, command: UserCommand) -> Result<Code, Failure> {
    let paths = state::paths(place)?;
    let config = load_file(place.config.as_deref())?.auth;
    let as_json = matches!(command, UserCommand::List { json: true });
    let command = match command {
        UserCommand::Passwd { name, stdin } => ConsoleCommand::SetPassword {
            name,
            password: password(stdin)?.to_string(),
        },
        UserCommand::Add { name, level, stdin } => ConsoleCommand::Add {
            name,
            level,
            password: password(stdin)?.to_string(),
        },
        UserCommand::Remove { name } => ConsoleCommand::Remove { name },
        UserCommand::Disable { name } => ConsoleCommand::Disable { name, disabled: true },
        UserCommand::Enable { name } => ConsoleCommand::Disable {
            name,
            disabled: false,
        },
        UserCommand::Unlock { name } => ConsoleCommand::Unlock { name },
        UserCommand::ResetSecondFactor { name } => ConsoleCommand::ResetSecondFactor { name },
        UserCommand::Email { name, address } => ConsoleCommand::SetEmail { name, email: address },
        UserCommand::List { .. } => ConsoleCommand::List,
    };
    let answer = block_on(async {
        pistack_auth::console(&paths, &config, &Clock::kept(&paths.clock_record()), command)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    match answer {
        ConsoleAnswer::Users(users) if as_json => {
            output::json(&json!({ "schema_version": 1, "users": users }));
        }
        ConsoleAnswer::Users(users) => {
            for user in users {
                println!("{:<8} {}", user.level.as_str(), user.name);
            }
        }
        other => println!("{}", sentence(&other)),
    }
    Ok(Code::Ok)
}

/// What was done, in a sentence.
fn sentence(answer: &ConsoleAnswer) -> String {
    match answer {
        ConsoleAnswer::PasswordSet(user) => format!("New password for {}; its sessions are over.", user.name),
        ConsoleAnswer::FirstAccount(user) => {
            format!("Made the first account: {}, level {}.", user.name, user.level)
        }
        ConsoleAnswer::Added(user) => format!("Added {}, level {}.", user.name, user.level),
        ConsoleAnswer::Removed(user) => format!("Removed {}.", user.name),
        ConsoleAnswer::Disabled { user, disabled: true } => {
            format!("Closed the account of {}; its sessions are over.", user.name)
        }
        ConsoleAnswer::Disabled {
            user,
            disabled: false,
        } => format!("Opened the account of {}.", user.name),
        ConsoleAnswer::Unlocked(user) => format!("Forgot the failed logins of {}.", user.name),
        ConsoleAnswer::SecondFactorReset { user, removed: true } => {
            format!("Took the second factor away from {}.", user.name)
        }
        ConsoleAnswer::SecondFactorReset { user, removed: false } => {
            format!("{} has no second factor.", user.name)
        }
        ConsoleAnswer::EmailSet(user) => format!("Noted for {}.", user.name),
        ConsoleAnswer::Users(users) => format!("{} accounts.", users.len()),
    }
}

/// From standard input (its first line), or asked for twice without an echo. Never from the command line, where
/// everyone on the machine could read it.
fn password(stdin: bool) -> Result<Zeroizing<String>, Failure> {
    if stdin {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin()
            .lock()
            .take(MOST_BYTES)
            .read_to_string(&mut text)?;
        let line = text.lines().next().unwrap_or_default();
        return Ok(Zeroizing::new(line.to_owned()));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            "standard input is no terminal; pass the password with --stdin",
        ));
    }
    let first = Zeroizing::new(rpassword::prompt_password("New password: ")?);
    let second = Zeroizing::new(rpassword::prompt_password("Again: ")?);
    if *first != *second {
        return Err(Failure::new("the two are not the same; nothing was changed"));
    }
    Ok(first)
}
