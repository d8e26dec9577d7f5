//! `pistack auth rotate-keys`: with the services up or down.

use pistack_kit::clock::Clock;

use crate::cli::{AuthCommand, Place};
use crate::commands::peer::block_on;
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::state;

/// Makes a new signing key.
pub(crate) fn auth(place: &Place, command: &AuthCommand) -> Result<Code, Failure> {
    let AuthCommand::RotateKeys { at_once } = command;
    let paths = state::paths(place)?;
    let config = load_file(place.config.as_deref())?.auth;
    let clock = Clock::kept(&paths.clock_record());
    let kid = block_on(async {
        pistack_auth::rotate_keys(&paths, &config, &clock, *at_once)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    println!("A new key signs from now on: {kid}");
    if *at_once {
        println!("Access tokens given out before are over.");
    }
    Ok(Code::Ok)
}
