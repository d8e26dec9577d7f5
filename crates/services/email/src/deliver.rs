//! One mail, one conversation: what each recipient's answer means.
//!
//! A conversation has two halves. Before the mail itself nothing can have been delivered, and every failure is safe to
//! try again. Once the mail's end has begun to leave, a lost answer leaves it open whether the server took it; the
//! outbox is told beforehand ([`offer`], then the mark in the outbox, then [`hand_over`]), so that a crash in between
//! is recognised as well.

use std::time::Duration;

use lettre::Address;

use crate::error::Error;
use crate::smtp::Session;

/// A mail on its way.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) from: Address,
    /// Those it still has to reach.
    pub(crate) recipients: Vec<Address>,
    /// For all of them or for nobody.
    pub(crate) whole: bool,
    /// The `Date` line, or nothing where the clock cannot be believed.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What a conversation meant for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing: it did not come to that.
    Untried,
    /// The server has named it in order and waits for the mail.
    Named,
    /// Taken; the server's words.
    Taken(String),
    /// Put off: code, words.
    Deferred(u16, String),
    /// Refused for good: code if the server gave one, words.
    Refused(Option<u16>, String),
    /// The answer was lost.
    Lost(String),
}

/// How far a conversation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Connection, TLS, greeting, login.
    Connect,
    /// Sender and recipients.
    Envelope,
    /// The leave to send the mail.
    Data,
    /// The mail, before its end left.
    Content,
    /// The answer to the mail.
    Answer,
}

impl Stage {
    /// Its name in the record of tries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Envelope => "envelope",
            Self::Data => "data",
            Self::Content => "content",
            Self::Answer => "answer",
        }
    }
}

/// The outcome of a conversation.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// One for each recipient, in their order.
    pub(crate) replies: Vec<Reply>,
    pub(crate) stage: Stage,
    /// What ended it early.
    pub(crate) error: Option<Error>,
    /// Whether the connection can carry another mail.
    pub(crate) usable: bool,
}

impl Verdict {
    /// A conversation that did not come about.
    pub(crate) fn unreached(mail: &Mail, error: Error) -> Self {
        Self {
            replies: vec![Reply::Untried; mail.recipients.len()],
            stage: Stage::Connect,
            error: Some(error),
            usable: false,
        }
    }

    /// Whether the server waits for the mail.
    pub(crate) fn is_ready(&self) -> bool {
        self.error.is_none() && self.replies.contains(&Reply::Named)
    }

    /// Replaces what the named ones have to wait for.
    pub(crate) fn settle(&mut self, reply: &Reply) {
        for one in self.replies.iter_mut().filter(|one| **one == Reply::Named) {
            *one = reply.clone();
        }
    }

    fn stopped(mut self, stage: Stage, error: Error) -> Self {
        self.settle(&Reply::Untried);
        self.stage = stage;
        self.error = Some(error);
        self.usable = false;
        self
    }
}

/// The server's service is ending, or wants a login: nothing about this mail (RFC 5321, section 3.8; RFC 4954).
fn is_of_the_channel(error: &Error) -> bool {
    match error {
        Error::Refused { code, .. } => *code == 421,
        Error::Login { .. } => true,
        _ => false,
    }
}

fn reply_of(error: &Error) -> Option<Reply> {
    match error {
        Error::Refused { code, text, .. } if (400..500).contains(code) => {
            Some(Reply::Deferred(*code, text.clone()))
        }
        Error::Refused { code, text, .. } => Some(Reply::Refused(Some(*code), text.clone())),
        _ => None,
    }
}

/// Sender, recipients and `DATA`. When [`Verdict::is_ready`] the server waits for the mail.
pub(crate) async fn offer(session: &mut Session, mail: &Mail) -> Verdict {
    let mut verdict = Verdict {
        replies: vec![Reply::Untried; mail.recipients.len()],
        stage: Stage::Envelope,
        error: None,
        usable: true,
    };
    let addresses = mail.recipients.iter().chain([&mail.from]);
    let utf8 = !mail.body.is_ascii() || addresses.map(AsRef::<str>::as_ref).any(|one| !one.is_ascii());
    if utf8 && !session.takes_utf8() {
        let reason = "the mail server takes no addresses beyond ASCII (SMTPUTF8)";
        verdict.replies.fill(Reply::Refused(None, reason.to_owned()));
        return verdict;
    }
    if let Err(error) = session.mail(&mail.from, utf8).await {
        if is_of_the_channel(&error) {
            return verdict.stopped(Stage::Envelope, error);
        }
        let Some(reply) = reply_of(&error) else {
            return verdict.stopped(Stage::Envelope, error);
        };
        verdict.replies.fill(reply);
        verdict.usable = session.reset().await;
        return verdict;
    }
    for (index, address) in mail.recipients.iter().enumerate() {
        verdict.replies[index] = match session.rcpt(address).await {
            Ok(()) => Reply::Named,
            Err(error) => match reply_of(&error).filter(|_| !is_of_the_channel(&error)) {
                Some(reply) => reply,
                None => return verdict.stopped(Stage::Envelope, error),
            },
        };
    }
    let named = verdict.replies.iter().filter(|one| **one == Reply::Named).count();
    if named == 0 || (mail.whole && named < verdict.replies.len()) {
        verdict.settle(&Reply::Untried);
        verdict.usable = session.reset().await;
        return verdict;
    }
    verdict.stage = Stage::Data;
    if let Err(error) = session.data().await {
        match reply_of(&error).filter(|_| !is_of_the_channel(&error)) {
            Some(reply) => {
                verdict.settle(&reply);
                verdict.usable = session.reset().await;
            }
            None => return verdict.stopped(Stage::Data, error),
        }
    }
    verdict
}

/// The mail itself, after the outbox knows of it. `patience` is for the server's answer.
pub(crate) async fn hand_over(
    session: &mut Session,
    mail: &Mail,
    mut verdict: Verdict,
    patience: Duration,
) -> Verdict {
    match session.content(&mail.head, &mail.body, patience).await {
        Ok(text) => {
            verdict.stage = Stage::Answer;
            verdict.settle(&Reply::Taken(text));
        }
        Err(error) => {
            verdict.stage = if session.end_has_left() {
                Stage::Answer
            } else {
                Stage::Content
            };
            if let Some(reply) = reply_of(&error) {
                // An answer before the end is as good as one after it: the mail was not taken.
                verdict.settle(&reply);
                verdict.usable = verdict.stage == Stage::Answer && !is_of_the_channel(&error);
            } else {
                let lost = verdict.stage == Stage::Answer;
                verdict.settle(&if lost {
                    Reply::Lost(error.to_string())
                } else {
                    Reply::Untried
                });
                verdict.usable = false;
                verdict.error = Some(error);
            }
        }
    }
    verdict
}
