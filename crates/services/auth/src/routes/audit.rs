//! `GET /api/auth/audit`: who did what, when and from where.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use pistack_api::right::ReadAudit;
use pistack_kit::extract::Query;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::state::Auth;
use crate::store::audit::{Filter, Row, read};

/// Entries of one page unless told otherwise, and at most.
const PAGE: i64 = 100;
const LARGEST_PAGE: i64 = 1000;

/// Which entries.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only entries before this number: the `seq` of the last one of the page before.
    before: Option<i64>,
    /// Only of this kind; `login*` for all that begin so.
    #[param(example = "login*")]
    kind: Option<String>,
    /// Only by or about the account with this UUID.
    user: Option<String>,
    /// `done` or `refused`.
    outcome: Option<String>,
    /// Entries, 1 to 1000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// One entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number; grows.
    seq: i64,
    /// When, seconds since 1970.
    at: i64,
    /// When last, for equal failures that were folded into one entry.
    last_at: i64,
    /// How often.
    times: i64,
    /// `trusted`, or `untrusted` when the board did not know what time it was.
    clock: String,
    /// The run of the machine: entries of one run are in order whatever their times say.
    boot: String,
    /// What.
    #[schema(example = "login")]
    kind: String,
    /// `done` or `refused`.
    outcome: String,
    /// UUID of who did it.
    actor_id: Option<String>,
    /// The name at that time.
    actor_name: Option<String>,
    /// UUID of the account that it was about.
    subject: Option<String>,
    /// From where; `local` for this machine, `console` for the command line.
    address: String,
    /// What the client called itself.
    device: String,
    /// Particulars.
    detail: String,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            last_at: row.last_at,
            times: row.times,
            clock: row.clock,
            boot: row.boot,
            kind: row.kind,
            outcome: row.outcome,
            actor_id: row.actor_id,
            actor_name: row.actor_name,
            subject: row.subject,
            address: row.address,
            device: row.device,
            detail: row.detail,
        }
    }
}

/// Reads the audit record, newest first. Kept are 10,000 entries and 90 days at most.
#[utoipa::path(
    get,
    path = "/api/auth/audit",
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, description = "The entries.", body = Vec<AuditEntry>))
)]
pub(crate) async fn list_audit(
    _: May<ReadAudit>,
    State(auth): State<Arc<Auth>>,
    Query(query): Query<AuditQuery>,
) -> Result<Answer<Vec<AuditEntry>>, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Error::InvalidPayload("`limit` is a number from 1 to 1000.").into());
    }
    let nul = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains('\0'));
    if [&query.kind, &query.user, &query.outcome].into_iter().any(nul) {
        return Err(Error::InvalidPayload("A query holds no zero bytes.").into());
    }
    auth.audit.flush().await;
    let filter = Filter {
        before: query.before,
        kind: query.kind,
        user: query.user,
        outcome: query.outcome,
        limit,
    };
    let rows = read(&mut *auth.store.read().await.map_err(Problem::from)?, &filter).await?;
    Ok(Answer(rows.into_iter().map(AuditEntry::from).collect()))
}
