//! The audit record, for Root.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::Lenient;
use crate::account::AuditLine;
use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::upstream::account as upstream;
use crate::view::{self, AuditPage};

/// Entries of one page.
const PAGE: usize = 100;

/// Which part of it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    kind: String,
    before: Option<i64>,
}

/// `GET /audit`
pub(crate) async fn audit(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(which): Lenient<Which>,
) -> Result<Response, Failure> {
    let kind = which.kind.trim();
    let entries = upstream::audit(&dashboard, &person.token, kind, which.before, PAGE).await?;
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| AuditLine::new(entry, person.visit.lang))
        .collect();
    let page = AuditPage {
        v: &person.visit,
        older: (lines.len() == PAGE)
            .then(|| lines.last().map(|line| line.seq))
            .flatten(),
        lines,
        kind,
    };
    view::page(StatusCode::OK, &page)
}
