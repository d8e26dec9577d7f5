//! What became of a try.

use pistack_api::mail::MailState;

use super::{Outbox, Tx};
use crate::config::LostAnswer;
use crate::deliver::Reply;
use crate::error::Error;

/// One try.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) seq: i64,
    pub(crate) once: bool,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// Milliseconds.
    pub(crate) took_ms: i64,
    /// How far it came.
    pub(crate) stage: &'static str,
    /// One for each recipient that was tried: position, reply.
    pub(crate) replies: Vec<(i64, Reply)>,
    /// What ended it early.
    pub(crate) error: Option<String>,
    /// Whether it says something about the mail, not about the server as a whole.
    pub(crate) counts: bool,
    /// When the next one may be, milliseconds since 1970.
    pub(crate) next_ms: i64,
}

/// A recipient's new state, code and text.
type Change<'a> = (&'static str, Option<i64>, &'a str);

impl Outbox {
    /// Writes down what a try brought. The mail's state afterwards; `None` when it was removed meanwhile.
    pub(crate) async fn record(&self, tried: &Tried) -> Result<Option<MailState>, Error> {
        let mut tx = self.begin().await?;
        let exists: Option<i64> = sqlx::query_scalar("SELECT seq FROM messages WHERE seq = $1")
            .bind(tried.seq)
            .fetch_optional(&mut *tx)
            .await?;
        if exists.is_none() {
            tx.rollback().await?;
            return Ok(None);
        }
        for (position, reply) in &tried.replies {
            let (state, code, text) = self.change(tried, reply);
            sqlx::query(
                "UPDATE recipients SET state = $3, code = COALESCE($4, code), text = COALESCE($5, text) \
                 WHERE seq = $1 AND position = $2 AND state IN ('waiting', 'sending')",
            )
            .bind(tried.seq)
            .bind(position)
            .bind(state)
            .bind(code)
            .bind(Some(text).filter(|text| !text.is_empty()))
            .execute(&mut *tx)
            .await?;
        }
        let lost = tried
            .replies
            .iter()
            .any(|(_, reply)| matches!(reply, Reply::Lost(_)));
        sqlx::query(
            "UPDATE messages SET tries = tries + $2, lost_answers = lost_answers + $3, error = $4 WHERE seq = $1",
        )
        .bind(tried.seq)
        .bind(i64::from(tried.counts))
        .bind(i64::from(lost))
        .bind(tried.problem())
        .execute(&mut *tx)
        .await?;
        self.add_attempt(&mut tx, tried).await?;
        let now = self.now_ms();
        if tried.counts {
            self.give_up_if_old(&mut tx, tried.seq, now).await?;
        }
        let state = self.settle(&mut tx, tried.seq, now, Some(tried.next_ms)).await?;
        tx.commit().await?;
        Ok(Some(state))
    }

    fn change<'a>(&self, tried: &Tried, reply: &'a Reply) -> Change<'a> {
        let open = if tried.once { "dead" } else { "waiting" };
        match reply {
            Reply::Untried | Reply::Named => (open, None, ""),
            Reply::Taken(text) => ("sent", Some(250), text),
            Reply::Deferred(code, text) => (open, Some(i64::from(*code)), text),
            Reply::Refused(code, text) => ("dead", code.map(i64::from), text),
            Reply::Lost(text) if self.config.lost_answer == LostAnswer::Resend => {
                (if tried.once { "undecided" } else { "waiting" }, None, text)
            }
            Reply::Lost(text) => ("undecided", None, text),
        }
    }

    async fn add_attempt(&self, tx: &mut Tx, tried: &Tried) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO attempts (seq, at_ms, took_ms, stage, outcome, text) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(tried.seq)
        .bind(tried.at_ms)
        .bind(tried.took_ms)
        .bind(tried.stage)
        .bind(tried.outcome())
        .bind(tried.problem().unwrap_or_else(|| tried.taken()))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// A mail is given up for its age only after a try, and only by a clock that can be believed.
    async fn give_up_if_old(&self, tx: &mut Tx, seq: i64, now: i64) -> Result<(), Error> {
        if !self.clock.trust().is_trusted() {
            return Ok(());
        }
        let hours = self.life_ms() / 3_600_000;
        sqlx::query(
            "UPDATE recipients SET state = 'dead', text = $3 || COALESCE(text, 'it could not be sent') \
             WHERE seq = $1 AND state = 'waiting' \
             AND (SELECT expires_ms FROM messages WHERE messages.seq = recipients.seq) <= $2",
        )
        .bind(seq)
        .bind(now)
        .bind(format!("given up after {hours} h: "))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// After a try that did not reach the server: mails that are too old are given up. Returns how many.
    pub(crate) async fn expire(&self, reason: &str) -> Result<usize, Error> {
        if !self.clock.trust().is_trusted() {
            return Ok(0);
        }
        let now = self.now_ms();
        let mut tx = self.begin().await?;
        let old: Vec<i64> = sqlx::query_scalar(
            "SELECT seq FROM messages WHERE next_ms IS NOT NULL AND expires_ms <= $1 ORDER BY seq",
        )
        .bind(now)
        .fetch_all(&mut *tx)
        .await?;
        for seq in &old {
            sqlx::query("UPDATE messages SET error = $2 WHERE seq = $1")
                .bind(seq)
                .bind(reason)
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "UPDATE recipients SET text = COALESCE(text, $2) WHERE seq = $1 AND state = 'waiting'",
            )
            .bind(seq)
            .bind(reason)
            .execute(&mut *tx)
            .await?;
            self.give_up_if_old(&mut tx, *seq, now).await?;
            self.settle(&mut tx, *seq, now, None).await?;
        }
        tx.commit().await?;
        Ok(old.len())
    }

    /// Gives the mail the state that follows from its recipients'. With `next_ms` the time of the next try changes.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        seq: i64,
        now: i64,
        next_ms: Option<i64>,
    ) -> Result<MailState, Error> {
        let states: Vec<String> = sqlx::query_scalar("SELECT state FROM recipients WHERE seq = $1")
            .bind(seq)
            .fetch_all(&mut **tx)
            .await?;
        let tries: i64 = sqlx::query_scalar("SELECT tries + lost_answers FROM messages WHERE seq = $1")
            .bind(seq)
            .fetch_one(&mut **tx)
            .await?;
        let state = summary(&states, tries > 0);
        if state.is_final() {
            sqlx::query(
                "UPDATE messages SET state = $2, next_ms = NULL, finished_ms = COALESCE(finished_ms, $3) WHERE seq = $1",
            )
            .bind(seq)
            .bind(state.as_str())
            .bind(now)
            .execute(&mut **tx)
            .await?;
            if state == MailState::Dead {
                self.note_given_up(tx, seq).await?;
            }
            if state != MailState::Undecided {
                sqlx::query(
                    "DELETE FROM bodies WHERE seq = $1 AND (SELECT sensitive FROM messages WHERE messages.seq = $1) = 1",
                )
                .bind(seq)
                .execute(&mut **tx)
                .await?;
            }
        } else {
            sqlx::query(
                "UPDATE messages SET state = $2, next_ms = COALESCE($3, next_ms, $4), finished_ms = NULL WHERE seq = $1",
            )
            .bind(seq)
            .bind(state.as_str())
            .bind(next_ms)
            .bind(now)
            .execute(&mut **tx)
            .await?;
        }
        Ok(state)
    }
}

impl Tried {
    /// One word for the record.
    fn outcome(&self) -> &'static str {
        let has = |wanted: fn(&Reply) -> bool| self.replies.iter().any(|(_, reply)| wanted(reply));
        if has(|reply| matches!(reply, Reply::Lost(_))) {
            "undecided"
        } else if self.error.is_some() {
            "failed"
        } else if has(|reply| matches!(reply, Reply::Deferred(..))) {
            "deferred"
        } else if has(|reply| matches!(reply, Reply::Refused(..))) {
            "refused"
        } else {
            "sent"
        }
    }

    /// What went wrong, if anything did.
    fn problem(&self) -> Option<String> {
        self.error.clone().or_else(|| {
            self.replies.iter().find_map(|(_, reply)| match reply {
                Reply::Deferred(code, text) | Reply::Refused(Some(code), text) => {
                    Some(format!("{code} {text}"))
                }
                Reply::Refused(None, text) | Reply::Lost(text) => Some(text.clone()),
                _ => None,
            })
        })
    }

    fn taken(&self) -> String {
        self.replies
            .iter()
            .find_map(|(_, reply)| match reply {
                Reply::Taken(text) => Some(text.clone()),
                _ => None,
            })
            .unwrap_or_default()
    }
}

/// A mail's state from its recipients'.
fn summary(states: &[String], tried: bool) -> MailState {
    let has = |state: &str| states.iter().any(|one| one == state);
    if has("sending") {
        MailState::Sending
    } else if has("waiting") && tried {
        MailState::Deferred
    } else if has("waiting") {
        MailState::Waiting
    } else if has("undecided") {
        MailState::Undecided
    } else if has("bounced") {
        MailState::Bounced
    } else if has("dead") && has("sent") {
        MailState::Partial
    } else if has("dead") {
        MailState::Dead
    } else {
        MailState::Sent
    }
}
