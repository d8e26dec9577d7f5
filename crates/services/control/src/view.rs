//! The templates with their data. Nothing here decides; askama escapes every value for HTML.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;

use crate::account::{AuditLine, SessionLine, TokenLine};
use crate::error::Failure;
use crate::process::{Row, Since, Table};
use crate::program::{Metric, RunLine, Why};
use crate::program_config::ConfigTables;
use crate::upstream::account::FactorState;
use crate::upstream::info::Fact;
use crate::visit::Visit;

/// htmx's settings: no injected style, no history tricks, no scripts, and streams that come back soon.
pub(crate) const HTMX_CONFIG: &str =
    r#"{"includeIndicatorCSS":false,"history":false,"sse":{"reconnectDelay":500,"reconnectMaxDelay":5000}}"#;

/// The sign-in page.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) problem: Option<String>,
    pub(crate) name: &'a str,
    pub(crate) next: &'a str,
}

/// What signing in takes beside name and password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A code of the authenticator, or a recovery code.
    Code,
    /// A password in place of one that is known to the world.
    NewPassword,
}

/// The second step of signing in.
#[derive(Debug, Template)]
#[template(path = "second_step.html")]
pub(crate) struct SecondStepPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) step: Step,
    pub(crate) problem: Option<String>,
    pub(crate) pending: &'a str,
    pub(crate) next: &'a str,
}

/// A person's own account: sessions, second factor, API tokens.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<&'static str>,
    pub(crate) problem: Option<String>,
    pub(crate) sessions: Vec<SessionLine>,
    pub(crate) factor: FactorState,
    pub(crate) factor_text: String,
    pub(crate) tokens: Vec<TokenLine>,
    pub(crate) sees_audit: bool,
}

/// Proving once more who it is.
#[derive(Debug, Template)]
#[template(path = "reauth.html")]
pub(crate) struct ReauthPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) problem: Option<String>,
    /// The page to go back to.
    pub(crate) back: &'a str,
    pub(crate) wants_code: bool,
}

/// Turning the second factor on.
#[derive(Debug, Template)]
#[template(path = "enrolment.html")]
pub(crate) struct EnrolmentPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) problem: Option<String>,
    /// Empty after a wrong code: the authenticator has the secret already.
    pub(crate) qr_svg: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) secret: &'a str,
}

/// Something that is shown this once: recovery codes, or an API token.
#[derive(Debug, Template)]
#[template(path = "shown_once.html")]
pub(crate) struct ShownOncePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) heading: &'a str,
    pub(crate) lead: &'a str,
    pub(crate) lines: &'a [String],
}

/// The audit record.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) lines: Vec<AuditLine>,
    pub(crate) kind: &'a str,
    /// The `seq` to go on before, where there is more.
    pub(crate) older: Option<i64>,
}

/// The page of the first account.
#[derive(Debug, Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) problem: Option<String>,
    pub(crate) code: &'a str,
    pub(crate) name: &'a str,
}

/// What the home page shows of the programs.
#[derive(Debug)]
pub(crate) enum Programs {
    Shown(Table),
    Refused,
    Down(String),
}

/// The home page.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) programs: Programs,
    pub(crate) board: Option<Vec<Fact>>,
    pub(crate) told: Option<Told>,
}

/// What was just done, on the page that an action led back to.
#[derive(Debug)]
pub(crate) struct Told {
    /// `ok`, `bad` or empty.
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) text: String,
    /// The program that a press would start again, as a segment of an address; empty where there is nothing to undo.
    pub(crate) undo: String,
}

/// The board's card, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_board.html")]
pub(crate) struct ChangedBoard<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) board: Option<Vec<Fact>>,
    /// The card asks for itself, because no stream brings it.
    pub(crate) polls: bool,
}

/// A log on a program's page.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) channel: String,
    /// The text, or why there is none.
    pub(crate) text: Result<String, String>,
    /// There is more before it.
    pub(crate) cut: bool,
    /// Where to read on.
    pub(crate) offset: u64,
}

/// A program's page.
#[derive(Debug, Template)]
#[template(path = "program.html")]
pub(crate) struct ProgramPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) row: Row,
    pub(crate) log: Log,
}

/// A view of a program beside its log.
#[derive(Debug)]
pub(crate) enum View {
    History(Vec<RunLine>),
    Why(Why),
    Metrics(Vec<Metric>),
    Config(ConfigTables),
    /// Names of rules.
    Rules(Vec<String>),
}

impl View {
    /// Which tab is open.
    pub(crate) const fn tab(&self) -> &'static str {
        match self {
            Self::History(_) => "history",
            Self::Why(_) => "why",
            Self::Metrics(_) => "metrics",
            Self::Config(_) => "config",
            Self::Rules(_) => "rules",
        }
    }
}

/// A program's page with one of these views.
#[derive(Debug, Template)]
#[template(path = "program_view.html")]
pub(crate) struct ProgramView<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) row: Row,
    pub(crate) view: View,
}

/// The question before stopping what the dashboard hangs on.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) warning: String,
    pub(crate) address: &'a str,
    pub(crate) back: &'a str,
    pub(crate) action: &'a str,
    pub(crate) button: &'a str,
}

/// What a phone shows while the board is out of reach.
#[derive(Debug, Template)]
#[template(path = "offline.html")]
pub(crate) struct OfflinePage<'a> {
    pub(crate) v: &'a Visit,
}

/// One service's interface.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) docs: String,
    pub(crate) spec: String,
}

/// The page of the interfaces.
#[derive(Debug, Template)]
#[template(path = "apis.html")]
pub(crate) struct ApisPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) apis: Vec<Api>,
    pub(crate) has_authority: bool,
}

/// A page that says what went wrong.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) status: u16,
    pub(crate) heading: &'a str,
    pub(crate) text: String,
}

/// A message at the top of the page, for htmx.
#[derive(Debug, Template)]
#[template(path = "parts/notice.html")]
pub(crate) struct Notice<'a> {
    pub(crate) v: &'a Visit,
    /// `ok`, `bad` or empty.
    pub(crate) class: &'a str,
    pub(crate) icon: &'a str,
    pub(crate) text: String,
    /// The program that a press would start again, as a segment of an address; empty where there is nothing to undo.
    pub(crate) undo: String,
}

/// What a row's program takes, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_use.html")]
pub(crate) struct ChangedUse<'a> {
    pub(crate) row: &'a Row,
}

/// A row that replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_row.html")]
pub(crate) struct ChangedRow<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) row: &'a Row,
    /// The table has columns for ticks and actions.
    pub(crate) table_acts: bool,
}

/// The state card of a program's page, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_state.html")]
pub(crate) struct ChangedState<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) row: &'a Row,
}

/// The whole table, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_table.html")]
pub(crate) struct ChangedTable<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) table: &'a Table,
}

/// The summary, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_summary.html")]
pub(crate) struct ChangedSummary<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) table: &'a Table,
}

/// What changed, for screen readers.
#[derive(Debug, Template)]
#[template(path = "parts/changes.html")]
pub(crate) struct Changes {
    pub(crate) text: String,
}

/// More of a log; `swap` adds it or puts it in place of what is there.
#[derive(Debug, Template)]
#[template(path = "parts/log_more.html")]
pub(crate) struct LogMore<'a> {
    pub(crate) swap: &'a str,
    pub(crate) text: String,
}

/// Renders a page with a status.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Result<Response, Failure> {
    Ok((status, Html(text(template)?)).into_response())
}

/// Renders to text.
pub(crate) fn text(template: &impl Template) -> Result<String, Failure> {
    let mut text = template.render().map_err(|error| {
        tracing::error!(error = %error, "a template failed");
        Failure::Internal
    })?;
    // A page waits for a slow reader; what it grew by too much need not wait with it.
    text.shrink_to_fit();
    Ok(text)
}
