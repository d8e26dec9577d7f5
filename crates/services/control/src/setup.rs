//! The steps of the first start after the account is made. Each has an address of its own and is left with a form, so
//! that they work without scripts; a cookie remembers the step, so that they can be left and gone on with.

use askama::Template;
use http::HeaderMap;

use crate::settings::{ChannelRow, Part, TlsCard};
use crate::visit::{Visit, cookie};
use crate::words::Words;

/// Keeps the step. It decides nothing: every step looks for itself who asks.
pub(crate) const STEP_COOKIE: &str = "setup-step";

/// A step after the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Look,
    Factor,
    Trust,
    Channel,
    Done,
}

impl Step {
    pub(crate) const ALL: [Self; 5] = [Self::Look, Self::Factor, Self::Trust, Self::Channel, Self::Done];

    /// Its name in addresses.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Factor => "factor",
            Self::Trust => "trust",
            Self::Channel => "channel",
            Self::Done => "done",
        }
    }

    pub(crate) fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.code() == code)
    }

    /// The one that a browser was at, if it was at one.
    pub(crate) fn kept(headers: &HeaderMap) -> Option<Self> {
        Self::of(cookie(headers, STEP_COOKIE)?)
    }

    /// The address below the base.
    pub(crate) fn path(self) -> String {
        format!("/setup/{}", self.code())
    }

    /// The account is the first.
    pub(crate) fn number(self) -> usize {
        2 + self.index()
    }

    /// How many there are with the account.
    pub(crate) const fn count() -> usize {
        1 + Self::ALL.len()
    }

    fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|step| *step == self)
            .unwrap_or_default()
    }

    pub(crate) fn next(self) -> Option<Self> {
        Self::ALL.get(self.index() + 1).copied()
    }

    pub(crate) fn previous(self) -> Option<Self> {
        Self::ALL.get(self.index().checked_sub(1)?).copied()
    }

    pub(crate) const fn title(self, t: &Words) -> &'static str {
        match self {
            Self::Look => t.setup_look,
            Self::Factor => t.setup_factor,
            Self::Trust => t.setup_trust,
            Self::Channel => t.setup_channel,
            Self::Done => t.setup_done,
        }
    }
}

/// How far the second factor is.
#[derive(Debug)]
pub(crate) enum FactorView {
    /// Not begun.
    Offer,
    /// It is on.
    On,
    /// The code to scan; all are empty where a code that was typed in was wrong.
    Enrol {
        qr_svg: String,
        uri: String,
        secret: String,
    },
    /// It was just turned on.
    Codes(Vec<String>),
}

/// What a step shows.
#[derive(Debug)]
pub(crate) enum StepView {
    Look {
        /// The board's name in the network, where it is known.
        board: Option<String>,
    },
    Factor(FactorView),
    Trust {
        has_authority: bool,
        tls: Part<TlsCard>,
    },
    Channel(Part<Vec<ChannelRow>>),
    Done,
}

/// The page of a step.
#[derive(Debug, Template)]
#[template(path = "setup_step.html")]
pub(crate) struct StepPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) step: Step,
    pub(crate) view: StepView,
    pub(crate) told: Option<String>,
    pub(crate) problem: Option<String>,
}

impl StepPage<'_> {
    /// `Step 2 of 6`.
    fn place(&self) -> String {
        self.v
            .t
            .setup_step(self.step.number().to_string(), Step::count().to_string())
    }

    /// Whether going on leaves something undone that could have been done here.
    fn skips(&self) -> bool {
        matches!(
            self.view,
            StepView::Factor(FactorView::Offer | FactorView::Enrol { .. })
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_one_another() {
        let mut step = Step::Look;
        let mut seen = vec![step];
        while let Some(next) = step.next() {
            assert_eq!(next.previous(), Some(step));
            step = next;
            seen.push(step);
        }
        assert_eq!(seen, Step::ALL);
        assert_eq!((Step::Look.number(), Step::Done.number()), (2, Step::count()));
        assert_eq!(Step::Look.previous(), None);
        assert!(Step::ALL.iter().all(|step| Step::of(step.code()) == Some(*step)));
        assert_eq!(Step::of("account"), None);
    }
}
