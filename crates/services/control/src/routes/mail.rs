//! Mail: the outbox, one mail, writing one, trying the mail server.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::right::{ManageMail, ReadMail, Right as _, SendMail};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Form, Lenient, Name};
use crate::error::Failure;
use crate::identity::Person;
use crate::inert::{self, line};
use crate::logs::query::encode;
use crate::moment::Moment;
use crate::state::Dashboard;
use crate::upstream::mail::{Attempt, Mail, Outbox, Status};
use crate::view;
use crate::visit::Visit;
use crate::words::{Lang, Words, length};

/// States as the page groups them: its word's key, and what the service calls them.
const GROUPS: [(&str, &str); 5] = [
    ("all", ""),
    ("waiting", "waiting,deferred,sending"),
    ("sent", "sent"),
    ("failed", "dead,partial,bounced"),
    ("undecided", "undecided"),
];

fn moment(text: &str, lang: Lang) -> Option<Moment> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(Moment::at(at.unix_timestamp(), lang))
}

/// How a mail, or one recipient of it, stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
}

impl Look {
    fn of(state: &str, t: &'static Words) -> Self {
        let (class, icon, word) = match state {
            "waiting" => ("busy", "clock", t.mail_waiting),
            "deferred" => ("warn", "hourglass", t.mail_deferred),
            "sending" => ("busy", "send", t.mail_sending),
            "sent" => ("ok", "circle-check", t.mail_sent),
            "partial" => ("warn", "circle-alert", t.mail_partial),
            "dead" => ("bad", "circle-x", t.mail_dead),
            "undecided" => ("warn", "circle-question-mark", t.mail_undecided),
            "bounced" => ("bad", "rotate-cw", t.mail_bounced),
            _ => ("", "circle-dashed", t.state_unknown),
        };
        Self { class, icon, word }
    }
}

/// A mail of the list.
#[derive(Debug)]
pub(crate) struct MailRow {
    pub(crate) address: String,
    pub(crate) subject: String,
    pub(crate) to: String,
    pub(crate) by: String,
    pub(crate) look: Look,
    pub(crate) created: Option<Moment>,
    pub(crate) next: Option<Moment>,
    pub(crate) why: String,
    pub(crate) size: String,
    pub(crate) can_retry: bool,
}

impl MailRow {
    fn new(mail: &Mail, person: &Person) -> Self {
        let (t, lang) = (person.visit.t, person.visit.lang);
        let to: Vec<String> = mail.recipients.iter().map(|one| line(&one.address)).collect();
        let subject = line(&mail.subject);
        Self {
            address: encode(&mail.id),
            subject: if subject.is_empty() {
                t.mail_no_subject.to_owned()
            } else {
                subject
            },
            to: to.join(", "),
            by: line(&mail.by),
            look: Look::of(&mail.state, t),
            created: moment(&mail.created, lang),
            next: mail.next_try.as_deref().and_then(|text| moment(text, lang)),
            why: mail.error.as_deref().map(line).unwrap_or_default(),
            size: lang.bytes(u64::try_from(mail.size).unwrap_or_default()),
            can_retry: !matches!(mail.state.as_str(), "sent" | "sending"),
        }
    }
}

/// The outbox.
#[derive(Debug, Template)]
#[template(path = "mail.html")]
pub(crate) struct MailPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) down: Option<String>,
    pub(crate) status: Option<ServerCard>,
    pub(crate) groups: Vec<(&'static str, &'static str)>,
    pub(crate) query: &'a Which,
    pub(crate) rows: Vec<MailRow>,
    pub(crate) older: Option<String>,
    pub(crate) may_send: bool,
    pub(crate) may_manage: bool,
    pub(crate) sees_all: bool,
}

/// How mail is.
#[derive(Debug)]
pub(crate) struct ServerCard {
    pub(crate) waiting: i64,
    pub(crate) oldest: Option<String>,
    pub(crate) dead: i64,
    pub(crate) undecided: i64,
    pub(crate) server: String,
    pub(crate) look: Look,
    pub(crate) error: String,
    pub(crate) next: Option<String>,
    pub(crate) stuck: bool,
}

impl ServerCard {
    fn new(status: &Status, t: &'static Words) -> Self {
        let (class, icon, word) = match status.channel.state.as_str() {
            "ok" => ("ok", "circle-check", t.mail_server_ok),
            "failing" => ("warn", "triangle-alert", t.mail_server_failing),
            "paused" => ("bad", "circle-pause", t.mail_server_paused),
            _ => ("", "circle-dashed", t.mail_server_unknown),
        };
        Self {
            waiting: status.outbox.waiting,
            oldest: (status.outbox.waiting > 0).then(|| length(status.outbox.oldest_seconds)),
            dead: status.outbox.dead,
            undecided: status.outbox.undecided,
            server: line(&status.channel.server),
            look: Look { class, icon, word },
            error: status.channel.error.as_deref().map(line).unwrap_or_default(),
            next: status.channel.next_try_seconds.map(length),
            stuck: matches!(status.channel.state.as_str(), "failing" | "paused"),
        }
    }
}

/// Which mails.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    pub(crate) group: String,
    #[serde(default)]
    pub(crate) q: String,
    pub(crate) before: Option<i64>,
    #[serde(default)]
    done: String,
}

impl Which {
    pub(crate) fn is(&self, group: &str) -> bool {
        self.group == group || (self.group.is_empty() && group == "all")
    }

    fn states(&self) -> &'static str {
        GROUPS
            .iter()
            .find(|(name, _)| *name == self.group)
            .map_or("", |(_, states)| states)
    }
}

fn told(t: &Words, done: &str) -> Option<String> {
    Some(
        match done {
            "queued" => t.mail_did_queue,
            "retry" => t.mail_did_retry,
            "removed" => t.mail_did_remove,
            "test" => t.mail_did_test,
            "resume" => t.mail_did_resume,
            _ => return None,
        }
        .to_owned(),
    )
}

fn may(person: &Person) -> Result<(), Failure> {
    if person.may(ReadMail::INFO) || person.may(SendMail::INFO) {
        Ok(())
    } else {
        Err(Failure::Forbidden)
    }
}

/// `GET /mail`
pub(crate) async fn mail(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(query): Lenient<Which>,
) -> Result<Response, Failure> {
    let told = told(person.visit.t, &query.done);
    list(&dashboard, &person, &query, StatusCode::OK, told, None).await
}

async fn list(
    dashboard: &Dashboard,
    person: &Person,
    query: &Which,
    status: StatusCode,
    told: Option<String>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    may(person)?;
    let t = person.visit.t;
    let outbox = Outbox {
        dashboard,
        token: &person.token,
    };
    let (page, state) = tokio::join!(
        outbox.list(query.states(), query.q.trim(), query.before),
        outbox.status()
    );
    let (page, down) = match page {
        Ok(page) => (page, None),
        Err(failure @ (Failure::Down(_) | Failure::Refused(_))) => {
            (crate::upstream::mail::Page::default(), Some(failure.words(t).1))
        }
        Err(failure) => return Err(failure),
    };
    let words = [
        t.mail_all,
        t.mail_group_waiting,
        t.mail_group_sent,
        t.mail_group_failed,
        t.mail_group_undecided,
    ];
    let older = page.next.map(|next| {
        format!(
            "group={}&q={}&before={next}",
            encode(&query.group),
            encode(query.q.trim())
        )
    });
    let shown = MailPage {
        v: &person.visit,
        told,
        problem,
        down,
        status: state.ok().map(|state| ServerCard::new(&state, t)),
        groups: GROUPS
            .iter()
            .zip(words)
            .map(|((name, _), word)| (*name, word))
            .collect(),
        query,
        rows: page
            .messages
            .iter()
            .map(|mail| MailRow::new(mail, person))
            .collect(),
        older,
        may_send: person.may(SendMail::INFO),
        may_manage: person.may(ManageMail::INFO),
        sees_all: person.may(ReadMail::INFO),
    };
    view::page(status, &shown)
}

/// One recipient.
#[derive(Debug)]
pub(crate) struct RecipientRow {
    pub(crate) address: String,
    pub(crate) kind: String,
    pub(crate) look: Look,
    pub(crate) said: String,
}

/// One try.
#[derive(Debug)]
pub(crate) struct AttemptRow {
    pub(crate) at: Option<Moment>,
    pub(crate) outcome: String,
    pub(crate) said: String,
    pub(crate) took: String,
}

/// A file that travels with it.
#[derive(Debug)]
pub(crate) struct FileRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) size: String,
}

/// One mail.
#[derive(Debug, Template)]
#[template(path = "mail_message.html")]
pub(crate) struct MessagePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) problem: Option<String>,
    pub(crate) row: MailRow,
    pub(crate) message_id: String,
    pub(crate) finished: Option<Moment>,
    pub(crate) tries: i64,
    pub(crate) recipients: Vec<RecipientRow>,
    /// `None`: it is kept from everyone, or deleted.
    pub(crate) text: Option<String>,
    pub(crate) has_page: bool,
    pub(crate) files: Vec<FileRow>,
    pub(crate) attempts: Vec<AttemptRow>,
}

/// `GET /mail/message/{id}`
pub(crate) async fn message(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(id): Name,
) -> Result<Response, Failure> {
    show(&dashboard, &person, &id, StatusCode::OK, None).await
}

async fn show(
    dashboard: &Dashboard,
    person: &Person,
    id: &str,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, Failure> {
    may(person)?;
    let outbox = Outbox {
        dashboard,
        token: &person.token,
    };
    let (mail, attempts) = tokio::join!(outbox.read(id), outbox.attempts(id));
    let mail = mail?;
    let (t, lang) = (person.visit.t, person.visit.lang);
    let page = MessagePage {
        v: &person.visit,
        problem,
        row: MailRow::new(&mail, person),
        message_id: line(&mail.message_id),
        finished: mail.finished.as_deref().and_then(|text| moment(text, lang)),
        tries: mail.tries,
        recipients: mail
            .recipients
            .iter()
            .map(|one| RecipientRow {
                address: line(&one.address),
                kind: line(&one.kind),
                look: Look::of(&one.state, t),
                said: said(one.code, one.text.as_deref()),
            })
            .collect(),
        text: mail.text.as_deref().map(inert::log),
        has_page: mail.html.is_some(),
        files: mail
            .attachments
            .unwrap_or_default()
            .iter()
            .map(|file| FileRow {
                name: line(&file.name),
                kind: line(&file.content_type),
                size: lang.bytes(u64::try_from(file.size).unwrap_or_default()),
            })
            .collect(),
        attempts: attempts
            .unwrap_or_default()
            .iter()
            .map(|one| attempt(one, person))
            .collect(),
    };
    view::page(status, &page)
}

fn attempt(one: &Attempt, person: &Person) -> AttemptRow {
    let t = person.visit.t;
    let outcome = match one.outcome.as_str() {
        "sent" => t.mail_sent,
        "deferred" => t.mail_deferred,
        "refused" => t.mail_refused,
        "failed" => t.mail_failed,
        "undecided" => t.mail_undecided,
        _ => t.state_unknown,
    };
    AttemptRow {
        at: moment(&one.at, person.visit.lang),
        outcome: format!("{outcome} ({})", line(&one.stage)),
        said: line(&one.text),
        took: format!("{} ms", one.took_ms),
    }
}

fn said(code: Option<i64>, text: Option<&str>) -> String {
    let code = code.map(|code| format!("{code} ")).unwrap_or_default();
    format!("{code}{}", text.map(line).unwrap_or_default())
        .trim()
        .to_owned()
}

/// What is done with a mail.
#[derive(Debug, Deserialize)]
pub(crate) struct Todo {
    #[serde(rename = "do")]
    what: String,
}

/// `POST /mail/message/{id}`
pub(crate) async fn act(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(id): Name,
    Form(todo): Form<Todo>,
) -> Result<Response, Failure> {
    let outbox = Outbox {
        dashboard: &dashboard,
        token: &person.token,
    };
    let (outcome, done) = match todo.what.as_str() {
        "retry" => (outbox.retry(&id).await, "retry"),
        "remove" => (outbox.remove(&id).await, "removed"),
        _ => return Err(Failure::Form),
    };
    match outcome {
        Ok(()) => Ok(person.visit.redirect(&format!("/mail?done={done}"))),
        Err(failure @ Failure::Refused(_)) => {
            let problem = Some(failure.words(person.visit.t).1);
            show(&dashboard, &person, &id, failure.status(), problem).await
        }
        Err(failure) => Err(failure),
    }
}

/// A mail that is being written.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Draft {
    #[serde(default)]
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) subject: String,
    #[serde(default)]
    pub(crate) text: String,
    /// Sent twice, it is one mail.
    #[serde(default)]
    pub(crate) key: String,
}

/// Writing one.
#[derive(Debug, Template)]
#[template(path = "mail_new.html")]
pub(crate) struct WritePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) problem: Option<String>,
    pub(crate) draft: &'a Draft,
    pub(crate) key: String,
}

/// `GET /mail/new`
pub(crate) async fn write(person: Person, Lenient(draft): Lenient<Draft>) -> Result<Response, Failure> {
    let draft = Draft {
        to: line(&draft.to),
        subject: line(&draft.subject),
        text: inert::log(&draft.text),
        key: String::new(),
    };
    compose(&person, &draft, StatusCode::OK, None)
}

fn compose(
    person: &Person,
    draft: &Draft,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, Failure> {
    if !person.may(SendMail::INFO) {
        return Err(Failure::Forbidden);
    }
    let page = WritePage {
        v: &person.visit,
        // What was refused may be changed, and is another mail then.
        key: pistack_kit::random::token(18),
        problem,
        draft,
    };
    view::page(status, &page)
}

/// `POST /mail/send`
pub(crate) async fn send(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(draft): Form<Draft>,
) -> Result<Response, Failure> {
    let outbox = Outbox {
        dashboard: &dashboard,
        token: &person.token,
    };
    let text = draft.text.replace("\r\n", "\n");
    match outbox.put(&draft.to, &draft.subject, &text, &draft.key).await {
        Ok(()) => Ok(person.visit.redirect("/mail?done=queued")),
        Err(failure @ (Failure::Refused(_) | Failure::Down(_))) => {
            let problem = Some(failure.words(person.visit.t).1);
            compose(&person, &draft, failure.status(), problem)
        }
        Err(failure) => Err(failure),
    }
}

/// Where the test goes.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Target {
    #[serde(default)]
    to: String,
}

/// `POST /mail/test`
pub(crate) async fn test(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(target): Form<Target>,
) -> Result<Response, Failure> {
    let outbox = Outbox {
        dashboard: &dashboard,
        token: &person.token,
    };
    let outcome = outbox.test(target.to.trim()).await;
    after(&dashboard, &person, outcome, "test").await
}

/// `POST /mail/resume`
pub(crate) async fn resume(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let outbox = Outbox {
        dashboard: &dashboard,
        token: &person.token,
    };
    let outcome = outbox.resume().await;
    after(&dashboard, &person, outcome, "resume").await
}

async fn after(
    dashboard: &Dashboard,
    person: &Person,
    outcome: Result<(), Failure>,
    done: &str,
) -> Result<Response, Failure> {
    match outcome {
        Ok(()) => Ok(person.visit.redirect(&format!("/mail?done={done}"))),
        Err(failure @ (Failure::Refused(_) | Failure::Down(_))) => {
            let problem = Some(failure.words(person.visit.t).1);
            list(
                dashboard,
                person,
                &Which::default(),
                failure.status(),
                None,
                problem,
            )
            .await
        }
        Err(failure) => Err(failure),
    }
}
