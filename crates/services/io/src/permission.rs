//! Rights to single lines: a grant may name a line by its name, or by its BCM number.

use pistack_api::right::Right;
use pistack_api::token::AccessClaims;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;

use crate::lines::LineView;
use crate::state::Gpio;

impl Gpio {
    /// The caller, if the right extends to the line that is meant by `line`, however it is spelt.
    pub(crate) fn permit<'c, R: Right>(
        &self,
        caller: &'c MayOn<R>,
        line: &str,
    ) -> Result<&'c AccessClaims, Problem> {
        if caller.covers_all() {
            return caller.on(line);
        }
        let names = self.board().names(line);
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        // A text that names no line is covered by no grant of single lines.
        let refused = if names.is_empty() {
            caller.on(line)
        } else {
            caller.on_any(&names)
        };
        refused.map_err(|problem| self.problem(problem))
    }
}

/// The lines that the caller may see.
pub(crate) fn visible<R: Right>(caller: &MayOn<R>, mut views: Vec<LineView>) -> Vec<LineView> {
    if !caller.covers_all() {
        views.retain(|view| {
            view.name.as_deref().is_some_and(|name| caller.covers(name))
                || caller.covers(&view.bcm.to_string())
        });
    }
    views
}
