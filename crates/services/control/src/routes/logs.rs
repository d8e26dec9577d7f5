//! Logs of several programs together: `/logs`.

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pistack_api::process::ProcessInfo;
use pistack_api::right::{ReadProcessLog, Right as _};
use regex::bytes::Regex;

use crate::error::Failure;
use crate::identity::Person;
use crate::inert;
use crate::logs::ansi::{self, Span, Style};
use crate::logs::line::Line;
use crate::logs::query::{Outputs, Query, encode};
use crate::logs::search::{self, Found};
use crate::logs::source::{self, Reader, Source, Sources};
use crate::logs::window::{self, Way, Window};
use crate::process::full_name;
use crate::state::Dashboard;
use crate::upstream::supervisor;
use crate::view;
use crate::visit::Visit;

/// Bytes of one piece of a download.
const PIECE: u32 = 512 * 1024;
/// Colours by which programs are told apart.
const COLOURS: usize = 6;
/// Bytes shown before a match.
const BEFORE_HIT: u64 = 12 * 1024;

/// A program to tick.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) ticked: bool,
}

/// A line as the page shows it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) colour: usize,
    pub(crate) label: String,
    pub(crate) spans: Vec<Span>,
    /// The match that is shown.
    pub(crate) current: bool,
}

impl Row {
    pub(crate) fn new(
        number: usize,
        label: &str,
        line: &Line,
        style: &mut Style,
        expression: Option<&Regex>,
    ) -> Self {
        let mut spans = ansi::spans(&line.text, style);
        if let Some(expression) = expression {
            let text: String = spans.iter().map(|span| span.text.as_str()).collect();
            spans = ansi::mark(spans, &search::ranges(expression, &text));
        }
        Self {
            colour: number % COLOURS,
            label: label.to_owned(),
            spans,
            current: false,
        }
    }
}

/// Some lines, ready to be put into the page.
#[derive(Debug, Template)]
#[template(path = "parts/log_chunk.html")]
pub(crate) struct Chunk<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) several: bool,
    /// The address of what comes before.
    pub(crate) older: Option<String>,
    /// The address of what comes after.
    pub(crate) newer: Option<String>,
    /// The address of these lines themselves.
    pub(crate) here: Option<String>,
    pub(crate) rows: Vec<Row>,
}

/// What a search found, for the page.
#[derive(Debug)]
pub(crate) struct Matches {
    pub(crate) text: String,
    pub(crate) older: Option<String>,
    pub(crate) newer: Option<String>,
    pub(crate) cut: bool,
}

/// A log to take home.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) label: String,
    pub(crate) address: String,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "logs.html")]
pub(crate) struct LogsPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) query: &'a Query,
    pub(crate) choices: Vec<Choice>,
    /// Why there is nothing to choose from.
    pub(crate) down: Option<String>,
    pub(crate) chunk: Option<Chunk<'a>>,
    /// What goes on from the end of what is shown; only there is following possible.
    pub(crate) stream: Option<String>,
    pub(crate) latest: String,
    pub(crate) matches: Option<Matches>,
    /// What is wrong with the search.
    pub(crate) problem: Option<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) downloads: Vec<Download>,
}

/// `GET /logs`
pub(crate) async fn logs(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    may_read(&person)?;
    let mut query = Query::read(query.as_deref().unwrap_or_default());
    let visit = &person.visit;
    let processes = match supervisor::list(&dashboard, &person.token).await {
        Ok(list) => readable(&person, list),
        Err(Failure::SignIn) => return Err(Failure::SignIn),
        Err(failure) => {
            let mut page = LogsPage::empty(visit, &query, Vec::new());
            page.down = Some(failure.words(visit.t).1);
            return view::page(StatusCode::OK, &page);
        }
    };
    if let [only] = processes.as_slice()
        && query.programs.is_empty()
    {
        query.programs.push(full_name(only));
    }
    let query = query;
    let reader = Reader {
        dashboard: &dashboard,
        token: &person.token,
    };
    let choices = choices(&query, &processes);
    let mut page = LogsPage::empty(visit, &query, choices);
    match source::open(reader, &query, &processes).await {
        Ok(sources) => page.fill(reader, sources).await?,
        Err(Failure::SignIn) => return Err(Failure::SignIn),
        Err(failure) => page.down = Some(failure.words(visit.t).1),
    }
    view::page(StatusCode::OK, &page)
}

impl<'a> LogsPage<'a> {
    fn empty(v: &'a Visit, query: &'a Query, choices: Vec<Choice>) -> Self {
        Self {
            v,
            query,
            choices,
            down: None,
            chunk: None,
            stream: None,
            latest: query.plain(),
            matches: None,
            problem: None,
            notes: Vec::new(),
            downloads: Vec::new(),
        }
    }

    /// Reads what is to be shown.
    async fn fill(&mut self, reader: Reader<'_>, sources: Sources) -> Result<(), Failure> {
        let t = self.v.t;
        let query = self.query;
        let silent = sources.silent.iter().map(|name| t.logs_none(name));
        let timeless = sources.timeless.iter().map(|name| t.logs_no_times(name));
        self.notes = silent.chain(timeless).collect();
        if sources.open.is_empty() {
            return Ok(());
        }
        self.downloads = sources
            .open
            .iter()
            .map(|source| download_of(query, source))
            .collect();
        let expression = match query.search.as_str() {
            "" => None,
            text => match search::expression(text) {
                Ok(expression) => Some(expression),
                Err(reason) => {
                    self.problem = Some(t.logs_bad_search(inert::line(&reason)));
                    None
                }
            },
        };
        if let Some(expression) = &expression
            && query.before.is_empty()
            && query.at.is_empty()
        {
            let found = search::search(reader, &sources.open, expression).await?;
            if self.show_hit(reader, &sources.open, expression, &found).await? {
                return Ok(());
            }
        }
        let (places, way) = if query.at.is_empty() {
            (&query.before, Way::Back)
        } else {
            (&query.at, Way::On)
        };
        let window = window::read(reader, &sources.open, places, way).await?;
        self.show(&sources.open, &window, expression.as_ref(), None);
        Ok(())
    }

    /// Shows a match with what is around it. False if there is none.
    async fn show_hit(
        &mut self,
        reader: Reader<'_>,
        sources: &[Source],
        expression: &Regex,
        found: &Found,
    ) -> Result<bool, Failure> {
        let t = self.v.t;
        let count = found.hits.len();
        let number = self.query.hit.unwrap_or(count).min(count);
        self.matches = Some(Matches {
            text: match count {
                0 => t.logs_no_match.to_owned(),
                _ => t.logs_match(number, count),
            },
            older: (number > 1).then(|| self.query.hit(number - 1)),
            newer: (number < count).then(|| self.query.hit(number + 1)),
            cut: found.cut,
        });
        let Some(hit) = number.checked_sub(1).and_then(|index| found.hits.get(index)) else {
            return Ok(false);
        };
        let source = &sources[hit.source];
        let start = hit.start.saturating_sub(BEFORE_HIT).max(source.from);
        let alone = std::slice::from_ref(source);
        let window = window::read(reader, alone, &[start], Way::On).await?;
        // The places of the other sources stay at the end, so that what comes after is still there for them.
        let mut whole = Window {
            lines: window
                .lines
                .into_iter()
                .map(|(_, line)| (hit.source, line))
                .collect(),
            first: sources.iter().map(|source| source.to).collect(),
            last: sources.iter().map(|source| source.to).collect(),
        };
        whole.first[hit.source] = window.first[0];
        whole.last[hit.source] = window.last[0];
        self.show(sources, &whole, Some(expression), Some(hit.start));
        Ok(true)
    }

    fn show(
        &mut self,
        sources: &[Source],
        window: &Window,
        expression: Option<&Regex>,
        current: Option<u64>,
    ) {
        let ends = sources
            .iter()
            .zip(&window.last)
            .all(|(source, last)| *last >= source.to);
        let bounded = sources.iter().any(|source| source.to < source.size);
        if ends && !bounded && current.is_none() {
            let places: Vec<String> = window.last.iter().map(u64::to_string).collect();
            self.stream = Some(format!("{}&at={}", self.query.plain(), places.join(".")));
        }
        self.chunk = Some(chunk(self.v, self.query, sources, window, expression, current));
    }
}

fn chunk<'a>(
    v: &'a Visit,
    query: &Query,
    sources: &[Source],
    window: &Window,
    expression: Option<&Regex>,
    current: Option<u64>,
) -> Chunk<'a> {
    let begins = sources
        .iter()
        .zip(&window.first)
        .all(|(source, first)| *first <= source.from);
    let ends = sources
        .iter()
        .zip(&window.last)
        .all(|(source, last)| *last >= source.to);
    let labels: Vec<String> = sources.iter().map(Source::label).collect();
    let mut styles = vec![Style::default(); sources.len()];
    let rows = window.lines.iter().map(|(number, line)| {
        let mut row = Row::new(*number, &labels[*number], line, &mut styles[*number], expression);
        row.current = current == Some(line.start);
        row
    });
    Chunk {
        v,
        several: sources.len() > 1,
        rows: rows.collect(),
        older: (!begins).then(|| query.before(&window.first)),
        newer: (!ends).then(|| query.at(&window.last)),
        here: Some(query.at(&window.first)),
    }
}

/// `GET /logs/window`: some lines alone, for a page that scrolls.
pub(crate) async fn piece(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (query, sources) = opened(&dashboard, &person, query.as_deref()).await?;
    let reader = Reader {
        dashboard: &dashboard,
        token: &person.token,
    };
    let (places, way) = if query.at.is_empty() {
        (&query.before, Way::Back)
    } else {
        (&query.at, Way::On)
    };
    let window = window::read(reader, &sources, places, way).await?;
    let expression = expression(&query);
    let piece = chunk(
        &person.visit,
        &query,
        &sources,
        &window,
        expression.as_ref(),
        None,
    );
    view::page(StatusCode::OK, &piece)
}

/// `GET /logs/follow`: what comes from now on.
pub(crate) async fn follow(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (query, sources) = opened(&dashboard, &person, query.as_deref()).await?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let last = last.map(|id| Query::read(&format!("at={id}")).at);
    let asked = last.unwrap_or_else(|| query.at.clone());
    let places = sources
        .iter()
        .enumerate()
        .map(|(number, source)| asked.get(number).copied().unwrap_or(source.size).min(source.size))
        .collect();
    let expression = expression(&query);
    Ok(crate::logs::follow::follow(
        &dashboard, person, sources, places, expression,
    ))
}

/// `GET /logs/download`: one log as a file, within the time range.
pub(crate) async fn download(
    State(dashboard): State<Dashboard>,
    person: Person,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (_, sources) = opened(&dashboard, &person, query.as_deref()).await?;
    let source = sources.into_iter().next().ok_or(Failure::NotFound)?;
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = source.program.chars().map(plain).collect();
    let disposition = format!("attachment; filename=\"{name}-{}.log\"", source.channel);
    let state = (dashboard, person.token, source);
    let body = stream::unfold(state, |(dashboard, token, mut source)| async move {
        if source.from >= source.to {
            return None;
        }
        let length = u32::try_from(source.to - source.from).unwrap_or(PIECE).min(PIECE);
        let piece = supervisor::log_after(
            &dashboard,
            &token,
            &source.program,
            source.channel,
            source.from,
            length,
        )
        .await;
        let piece = match piece {
            Ok(piece) if piece.offset > source.from => piece,
            // A log that was begun anew has nothing more to give; a service that went away is an unfinished file.
            Ok(_) => return None,
            Err(_) => {
                return Some((
                    Err(std::io::Error::other("the log could not be read on")),
                    (
                        dashboard,
                        token,
                        Source {
                            from: source.to,
                            ..source
                        },
                    ),
                ));
            }
        };
        source.from = piece.offset;
        Some((Ok(Bytes::from(piece.data)), (dashboard, token, source)))
    });
    let mut answer = Body::from_stream(body).into_response();
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(answer)
}

fn may_read(person: &Person) -> Result<(), Failure> {
    if person.may(ReadProcessLog::INFO) {
        Ok(())
    } else {
        Err(Failure::Forbidden)
    }
}

fn expression(query: &Query) -> Option<Regex> {
    let text = Some(query.search.as_str()).filter(|text| !text.is_empty())?;
    search::expression(text).ok()
}

/// The sources of a query, for the calls beside the page.
async fn opened(
    dashboard: &Dashboard,
    person: &Person,
    query: Option<&str>,
) -> Result<(Query, Vec<Source>), Failure> {
    may_read(person)?;
    let query = Query::read(query.unwrap_or_default());
    let list = supervisor::list(dashboard, &person.token).await?;
    let reader = Reader {
        dashboard,
        token: &person.token,
    };
    let sources = source::open(reader, &query, &readable(person, list)).await?;
    Ok((query, sources.open))
}

/// The programs whose logs this person may read.
fn readable(person: &Person, list: Vec<ProcessInfo>) -> Vec<ProcessInfo> {
    let may = |info: &ProcessInfo| {
        let names = [info.name.as_str(), &info.full_name(), &full_name(info)];
        names.iter().any(|name| person.may_on(ReadProcessLog::INFO, name))
    };
    list.into_iter().filter(may).collect()
}

fn choices(query: &Query, processes: &[ProcessInfo]) -> Vec<Choice> {
    let choices = processes.iter().map(|info| {
        let value = full_name(info);
        Choice {
            ticked: query.has(&value),
            name: inert::line(&info.name),
            group: if info.group == info.name {
                String::new()
            } else {
                inert::line(&info.group)
            },
            value: if inert::line(&value) == value {
                value
            } else {
                encode(&value)
            },
        }
    });
    let mut choices: Vec<Choice> = choices.collect();
    // The person's own programs first.
    choices.sort_by_key(|choice| choice.group == pistack_api::service::GROUP);
    choices
}

fn download_of(query: &Query, source: &Source) -> Download {
    let mut alone = Query {
        programs: vec![source.program.clone()],
        search: String::new(),
        ..query.clone()
    };
    alone.outputs = match source.channel {
        supervisor::Channel::Stdout => Outputs::Stdout,
        supervisor::Channel::Stderr => Outputs::Stderr,
    };
    Download {
        label: source.label(),
        address: alone.plain(),
    }
}
