//! Where rules are written over HTTP: the overlay, and what is needed to change it safely.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use pistack_kit::problem::Problem;
use pistack_kit::service::Context;

use super::front::{Front, bad_configuration, unknown_rule};
use crate::chronicle::Chronicle;
use crate::overlay::{Overlay, OverlayError};

/// Handle on the overlay, the record of events and auth. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    overlay: Option<Overlay>,
    chronicle: Chronicle,
    auth: Client,
    /// Held from the reading of the overlay to its writing.
    turn: Mutex<()>,
}

impl Desk {
    pub(crate) fn new(context: &Context, overlay: Option<Overlay>, chronicle: Chronicle) -> Self {
        Self(Arc::new(Inner {
            overlay,
            chronicle,
            auth: Client::unix(context.paths.service_socket(Service::Auth)),
            turn: Mutex::new(()),
        }))
    }

    /// Without a file to write to.
    #[cfg(test)]
    pub(crate) fn none(context: &Context) -> Self {
        let chronicle = Chronicle::new(context.paths.root().join("events.jsonl"), context.clock.clone());
        Self::new(context, None, chronicle)
    }

    pub(super) fn chronicle(&self) -> &Chronicle {
        &self.0.chronicle
    }

    pub(super) fn auth(&self) -> &Client {
        &self.0.auth
    }

    /// Whether this is the file that is written here.
    pub(super) fn is_ours(&self, file: &Path) -> bool {
        self.0
            .overlay
            .as_ref()
            .is_some_and(|overlay| overlay.path() == file)
    }

    pub(super) fn overlay(&self) -> Result<&Overlay, Problem> {
        self.0.overlay.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::CONFLICT,
                "no_configuration_file",
                "there is no configuration file to write beside",
            )
            .detail("The stack runs with its defaults. Make a pistack.toml, empty if you like, and start it with `pistack up -c pistack.toml`.")
        })
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<OverlayError> for Problem {
    fn from(error: OverlayError) -> Self {
        match &error {
            OverlayError::Text(reason) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_rule",
                "the rule is no TOML",
            )
            .detail(reason.clone()),
            OverlayError::Broken { .. } => {
                Self::new(StatusCode::CONFLICT, "broken_overlay", error.to_string())
            }
            OverlayError::File { .. } => {
                tracing::error!("{error}");
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "not_written", error.to_string())
            }
        }
    }
}

impl Front {
    /// Writes a new text of the overlay that was found right, and goes over to it.
    pub(super) fn go_over(&self, text: &str) -> Result<(), Problem> {
        let overlay = self.desk().overlay()?;
        let before = overlay.text()?;
        overlay.restore(Some(text))?;
        match self.reloader().reload() {
            Ok(_) => Ok(()),
            Err(errors) => {
                // Some other file has changed between the look and now.
                overlay.restore(before.as_deref())?;
                Err(bad_configuration(&errors))
            }
        }
    }

    /// Keeps that a rule is switched on or off. False where there is no file to keep it in, or none that can be
    /// written: then it holds until the process ends.
    pub(super) fn keep_switched(&self, rule: &str, on: bool) -> Result<bool, Problem> {
        let tables = self.tables();
        let Some(known) = tables.rules.get(rule) else {
            return Err(unknown_rule(rule));
        };
        let Ok(overlay) = self.desk().overlay() else {
            return Ok(false);
        };
        if on && !known.enabled {
            let place = tables.places.get(rule);
            let place = place.map_or_else(String::new, |place| {
                format!(" at {}:{}", place.file.display(), place.line)
            });
            let detail = format!("It says `enabled = false` where it is written{place}; change it there.");
            let problem = Problem::new(
                StatusCode::CONFLICT,
                "switched_off_elsewhere",
                "the rule is switched off where it is written",
            );
            return Err(problem.detail(detail));
        }
        let _turn = self.desk().turn();
        let text = overlay.switched(rule, on)?;
        self.reloader()
            .look(&text)
            .map_err(|errors| bad_configuration(&errors))?;
        match self.go_over(&text) {
            Err(problem) if problem.status() == StatusCode::INSUFFICIENT_STORAGE => Ok(false),
            other => other.map(|()| true),
        }
    }
}
