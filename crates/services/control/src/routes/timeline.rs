//! What happened: `/events`, and the same as a file.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use pistack_api::right::{ReadEvents, Right as _};

use crate::error::Failure;
use crate::identity::Person;
use crate::moment::Moment;
use crate::state::Dashboard;
use crate::timeline::{self, Item, Kind, Query, Timeline};
use crate::view;
use crate::visit::Visit;

/// One line of the page.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) at: Moment,
    pub(crate) item: Item,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "timeline.html")]
pub(crate) struct TimelinePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) query: &'a Query,
    pub(crate) rows: Vec<Row>,
    pub(crate) missing: Vec<String>,
    pub(crate) plain: String,
    pub(crate) older: Option<String>,
}

/// `GET /events`
pub(crate) async fn page(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (query, timeline) = collect(&dashboard, &person, query.as_deref(), false).await?;
    let plain = query.plain();
    let older = timeline.more.then(|| timeline.items.last()).flatten();
    let older = older.map(|last| format!("{plain}&until={}", last.at));
    let lang = person.visit.lang;
    let rows = timeline.items.into_iter().map(|item| Row {
        at: Moment::at(item.at, lang),
        item,
    });
    let page = TimelinePage {
        v: &person.visit,
        query: &query,
        rows: rows.collect(),
        missing: timeline.missing,
        plain,
        older,
    };
    view::page(StatusCode::OK, &page)
}

/// `GET /events.csv`
pub(crate) async fn csv(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (_, timeline) = collect(&dashboard, &person, query.as_deref(), true).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"events.csv\""),
    ];
    Ok((headers, timeline::csv(&timeline.items)).into_response())
}

/// `GET /events.json`
pub(crate) async fn json(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (_, timeline) = collect(&dashboard, &person, query.as_deref(), true).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"events.json\"",
        ),
    ];
    Ok((headers, timeline::json(&timeline.items)).into_response())
}

async fn collect(
    dashboard: &Dashboard,
    person: &Person,
    query: Option<&str>,
    export: bool,
) -> Result<(Query, Timeline), Failure> {
    if !person.may(ReadEvents::INFO) {
        return Err(Failure::Forbidden);
    }
    let query = Query::read(query.unwrap_or_default());
    let timeline = timeline::collect(dashboard, person, &query, export).await?;
    Ok((query, timeline))
}
