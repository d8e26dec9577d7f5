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
        UserCommand::List { .. } => ConsoleCommand::List,
    };
    let answer = block_on(async {
        pistack_auth::console(&paths, &config, &Clock::system(), command)
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
        ConsoleAnswer::PasswordSet(user) => {
            println!("New password for {}; its sessions are over.", user.name);
        }
        ConsoleAnswer::FirstAccount(user) => {
            println!("Made the first account: {}, level {}.", user.name, user.level);
        }
        ConsoleAnswer::Added(user) => println!("Added {}, level {}.", user.name, user.level),
        ConsoleAnswer::Removed(user) => println!("Removed {}.", user.name),
    }
    Ok(Code::Ok)
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
