//! Reading the outbox.

use pistack_api::mail::MailState;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::{Bounce, Outbox, Owner};
use crate::compose::{AttachmentInfo, Content};
use crate::error::Error;

/// Mails of one page, unless asked for fewer.
const PAGE: i64 = 50;
/// Most mails of one page.
const LARGEST_PAGE: i64 = 500;

/// Which mails to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only these states, separated by commas.
    #[param(example = "waiting,deferred")]
    pub(crate) state: Option<String>,
    /// Only mails to an address, or with a subject, that contains this text.
    pub(crate) q: Option<String>,
    /// Mails before this one: `next` of the page before.
    pub(crate) before: Option<i64>,
    /// How many, 500 at most. Default: 50.
    pub(crate) limit: Option<i64>,
}

/// Mails, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessagePage {
    pub(crate) messages: Vec<MessageView>,
    /// `before` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<i64>,
}

/// A mail of the outbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageView {
    /// Its id.
    #[schema(example = "7c9a6c5e-8c55-4f0e-9f6e-3f1f4f0d2b11")]
    pub(crate) id: String,
    /// Its place in the order of acceptance.
    pub(crate) sequence: i64,
    /// Its Message-ID.
    pub(crate) message_id: String,
    /// How far it is.
    pub(crate) state: MailState,
    /// Who asked for it: a user's name, or `pistack`.
    pub(crate) by: String,
    /// Subject.
    pub(crate) subject: String,
    /// Bytes on the wire.
    pub(crate) size: i64,
    /// When it was accepted (RFC 3339).
    pub(crate) created: String,
    /// Not sent before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<String>,
    /// The earliest time of the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_try: Option<String>,
    /// Given up after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    /// When its state became final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished: Option<String>,
    /// Tries that reached the server.
    pub(crate) tries: i64,
    /// Tries whose last answer was lost: each of them may have delivered it.
    pub(crate) lost_answers: i64,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Each recipient.
    pub(crate) recipients: Vec<RecipientView>,
    /// The text; only of one mail, and not of a sensitive one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The page; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) html: Option<String>,
    /// The files; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attachments: Option<Vec<AttachmentInfo>>,
    /// What came back; only of one mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bounces: Option<Vec<Bounce>>,
}

/// How far one recipient's copy is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecipientView {
    /// Address.
    pub(crate) address: String,
    /// `to`, `cc` or `bcc`.
    pub(crate) kind: String,
    /// `waiting`, `sending`, `sent`, `dead`, `undecided` or `bounced`.
    pub(crate) state: String,
    /// The server's last code for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<i64>,
    /// The server's last words for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptView {
    /// When (RFC 3339).
    pub(crate) at: String,
    /// How long it took, in milliseconds.
    pub(crate) took_ms: i64,
    /// How far it came: `connect`, `envelope`, `data`, `content` or `answer`.
    pub(crate) stage: String,
    /// `sent`, `deferred`, `refused`, `failed` or `undecided`.
    pub(crate) outcome: String,
    /// What the server, or the connection, said.
    pub(crate) text: String,
}

/// How full the outbox is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Status {
    /// Mails that wait.
    pub(crate) waiting: i64,
    /// Age of the oldest of them, in seconds.
    pub(crate) oldest_seconds: i64,
    /// Mails whose last answer was lost.
    pub(crate) undecided: i64,
    /// Mails given up.
    pub(crate) dead: i64,
}

type Row = (
    i64,
    String,
    String,
    String,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    Option<i64>,
    i64,
    i64,
    Option<String>,
    i64,
);

/// Address, kind, state, code, text.
type RecipientRow = (String, String, String, Option<i64>, Option<String>);

/// The columns of a [`Row`].
const COLUMNS: &str = "messages.seq, id, message_id, state, owner_name, subject, size, created_ms, not_before_ms, \
                       next_ms, expires_ms, finished_ms, tries, lost_answers, error, sensitive";

impl Outbox {
    /// A page of mails, the newest first; of other people's only for those who may see them.
    pub(crate) async fn list(&self, filter: &Filter, owner: &Owner) -> Result<MessagePage, Error> {
        let states = states(filter.state.as_deref())?;
        let limit = filter.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
        let q = filter.q.as_deref().unwrap_or_default();
        // A state's name holds no comma, so that a list of them is as good as a set.
        let statement = format!(
            "SELECT {COLUMNS} FROM messages WHERE messages.seq < $1 AND ($2 = 1 OR owner = $3) \
             AND ($4 = '' OR instr($4, ',' || state || ',') > 0) \
             AND ($5 = '' OR instr(lower(subject), lower($5)) > 0 OR EXISTS (SELECT 1 FROM recipients \
             WHERE recipients.seq = messages.seq AND instr(lower(address), lower($5)) > 0)) \
             ORDER BY messages.seq DESC LIMIT $6"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(i64::from(owner.sees_all))
            .bind(&owner.id)
            .bind(states)
            .bind(q)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let next = (rows.len() as i64 == limit)
            .then(|| rows.last().map(|row| row.0))
            .flatten();
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            messages.push(self.view(row).await?.0);
        }
        Ok(MessagePage { messages, next })
    }

    /// One mail with its text.
    pub(crate) async fn get(&self, id: &str, owner: &Owner) -> Result<MessageView, Error> {
        let row = self.row(id, owner).await?;
        let (mut view, sensitive) = self.view(row).await?;
        if !sensitive {
            let content: Option<String> = sqlx::query_scalar("SELECT content FROM bodies WHERE seq = $1")
                .bind(view.sequence)
                .fetch_optional(&self.pool)
                .await?;
            if let Some(content) = content {
                let content: Content =
                    serde_json::from_str(&content).map_err(|error| Error::Store(error.to_string()))?;
                view.text = Some(content.text);
                view.html = content.html;
                view.attachments = Some(content.attachments);
            }
        }
        view.bounces = Some(self.bounces_of(id).await?);
        Ok(view)
    }

    /// A mail as it is sent, without its `Date`.
    pub(crate) async fn source(&self, id: &str, owner: &Owner) -> Result<Vec<u8>, Error> {
        let row = self.row(id, owner).await?;
        if row.15 != 0 {
            return Err(Error::NotFound);
        }
        let raw: Option<Vec<u8>> = sqlx::query_scalar("SELECT raw FROM bodies WHERE seq = $1")
            .bind(row.0)
            .fetch_optional(&self.pool)
            .await?;
        raw.ok_or(Error::NotFound)
    }

    /// Every try of a mail, in their order.
    pub(crate) async fn attempts(&self, id: &str, owner: &Owner) -> Result<Vec<AttemptView>, Error> {
        let row = self.row(id, owner).await?;
        let tries: Vec<(i64, i64, String, String, String)> = sqlx::query_as(
            "SELECT at_ms, took_ms, stage, outcome, text FROM attempts WHERE seq = $1 ORDER BY id",
        )
        .bind(row.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(tries
            .into_iter()
            .map(|(at_ms, took_ms, stage, outcome, text)| AttemptView {
                at: time_text(at_ms),
                took_ms,
                stage,
                outcome,
                text,
            })
            .collect())
    }

    /// How full the outbox is.
    pub(crate) async fn status(&self) -> Result<Status, Error> {
        let (waiting, oldest): (i64, Option<i64>) =
            sqlx::query_as("SELECT COUNT(*), MIN(created_ms) FROM messages WHERE next_ms IS NOT NULL")
                .fetch_one(&self.pool)
                .await?;
        let (undecided, dead): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM messages WHERE state = 'undecided'), \
             (SELECT COUNT(*) FROM messages WHERE state = 'dead')",
        )
        .fetch_one(&self.pool)
        .await?;
        let oldest_seconds = oldest.map_or(0, |oldest| (self.now_ms() - oldest).max(0) / 1000);
        Ok(Status {
            waiting,
            oldest_seconds,
            undecided,
            dead,
        })
    }

    async fn row(&self, id: &str, owner: &Owner) -> Result<Row, Error> {
        let statement = format!("SELECT {COLUMNS} FROM messages WHERE id = $1 AND ($2 = 1 OR owner = $3)");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .bind(i64::from(owner.sees_all))
            .bind(&owner.id)
            .fetch_optional(&self.pool)
            .await?;
        row.ok_or(Error::NotFound)
    }

    /// The view of a row, and whether the mail is sensitive.
    async fn view(&self, row: Row) -> Result<(MessageView, bool), Error> {
        let (seq, id, message_id, state, by, subject, size, created, not_before, next) = (
            row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7, row.8, row.9,
        );
        let recipients: Vec<RecipientRow> = sqlx::query_as(
            "SELECT address, kind, state, code, text FROM recipients WHERE seq = $1 ORDER BY position",
        )
        .bind(seq)
        .fetch_all(&self.pool)
        .await?;
        let view = MessageView {
            id,
            sequence: seq,
            message_id,
            state: MailState::of(&state).ok_or_else(|| Error::Store(format!("the state `{state}`")))?,
            by,
            subject,
            size,
            created: time_text(created),
            not_before: not_before.map(time_text),
            next_try: next.map(time_text),
            expires: next.map(|_| time_text(row.10)),
            finished: row.11.map(time_text),
            tries: row.12,
            lost_answers: row.13,
            error: row.14,
            recipients: recipients
                .into_iter()
                .map(|(address, kind, state, code, text)| RecipientView {
                    address,
                    kind,
                    state,
                    code,
                    text,
                })
                .collect(),
            text: None,
            html: None,
            attachments: None,
            bounces: None,
        };
        Ok((view, row.15 != 0))
    }
}

/// `,waiting,deferred,` of `waiting, deferred`; empty for all.
fn states(filter: Option<&str>) -> Result<String, Error> {
    let Some(filter) = filter.filter(|filter| !filter.trim().is_empty()) else {
        return Ok(String::new());
    };
    let mut all = ",".to_owned();
    for name in filter.split(',').map(str::trim) {
        let state = MailState::of(name).ok_or_else(|| {
            let known: Vec<_> = MailState::ALL.iter().map(|state| state.as_str()).collect();
            Error::Invalid(format!(
                "`state`: `{}` is none; write {}",
                name.chars().take(40).collect::<String>(),
                known.join(", ")
            ))
        })?;
        all.push_str(state.as_str());
        all.push(',');
    }
    Ok(all)
}

/// RFC 3339, to the second.
pub(super) fn time_text(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}
