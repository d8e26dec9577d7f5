//! What the handlers and the queue's worker share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::Mailbox;
use lettre::message::header::{Date, Headers};
use pistack_api::mail::{Accepted, MailRequest};
use pistack_kit::clock::Clock;
use pistack_kit::service::Context;
use tokio::sync::Semaphore;

use crate::channel::{Channel, ChannelView, Leave, backoff};
use crate::compose::{self, Author, Composed};
use crate::config::Config;
use crate::deliver::{self, Mail, Reply, Stage, Verdict};
use crate::error::{Error, StartError};
use crate::outbox::{Job, Outbox, Owner, Status, Tried, Wanted};
use crate::smtp::{EndMark, Server, Session};

/// Mails that are sent at once, beside the queue, at the same time.
const DIRECT: usize = 4;

/// Handle on the service's state. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Email(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Arc<Config>,
    server: Server,
    from: Mailbox,
    clock: Clock,
    outbox: Outbox,
    channel: Mutex<Channel>,
    direct: Semaphore,
}

/// What became of a try, and what it means for the server as a whole.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) tried: Tried,
    /// The server could not be used at all.
    pub(crate) of_the_channel: bool,
}

impl Email {
    /// The state for `config`. Opens the outbox; asks no server.
    pub(crate) async fn new(context: &Context, config: &Config) -> Result<Self, StartError> {
        let config = Arc::new(config.clone());
        Ok(Self(Arc::new(Shared {
            from: config.from()?,
            server: Server::new(&config)?,
            outbox: Outbox::open(context, &config).await?,
            config,
            clock: context.clock.clone(),
            channel: Mutex::default(),
            direct: Semaphore::new(DIRECT),
        })))
    }

    /// The outbox.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }
    /// Time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }
    /// The settings.
    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Makes a mail of a request.
    pub(crate) fn compose(&self, request: &MailRequest, author: Author) -> Result<Composed, Error> {
        compose::compose(request, author, &self.0.config, &self.0.from, self.0.clock.wall())
    }

    /// Takes a mail into the outbox.
    pub(crate) async fn accept(
        &self,
        mail: &Composed,
        owner: &Owner,
        wanted: &Wanted,
    ) -> Result<(Accepted, bool), Error> {
        let answer = self.outbox().accept(mail, owner, wanted).await?;
        if answer.1 {
            // Addresses and texts are nobody's business in a log.
            tracing::info!(by = owner.name, id = mail.id, "mail accepted");
        }
        if let Err(error) = self.outbox().prune().await {
            tracing::warn!(%error, "the outbox could not be tidied");
        }
        Ok(answer)
    }

    /// Sends a mail at once and for all recipients or none; it is never tried again. Its Message-ID.
    pub(crate) async fn send_now(
        &self,
        mail: &Composed,
        owner: &Owner,
        sensitive: bool,
    ) -> Result<String, Error> {
        let limit = self.0.server.timeout();
        let permit = tokio::time::timeout(limit, self.0.direct.acquire()).await;
        let _permit = permit.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
        if let Some(error) = self.refused_login() {
            return Err(error);
        }
        let wanted = Wanted {
            once: true,
            sensitive,
            key: None,
        };
        self.accept(mail, owner, &wanted).await?;
        let job = self.outbox().job(&mail.id).await?.ok_or(Error::NotFound)?;
        let letter = self.mail(&job)?;
        let (end, mut session, began) = (EndMark::default(), None, self.0.clock.wall());
        let conversation = self.attempt(&mut session, &letter, &job, &end, limit);
        let verdict = match tokio::time::timeout(limit, conversation).await {
            Ok(verdict) => verdict,
            Err(_) => self.too_slow(&letter, &end),
        };
        let failure = failure(&verdict, &self.0.server.address());
        let learned = self.learn(&job, verdict, began);
        if let Err(error) = self.outbox().record(&learned.tried).await {
            tracing::error!(%error, id = mail.id, "what became of a mail could not be written down");
        }
        if let Some(session) = session {
            session.quit().await;
        }
        match failure {
            None => {
                tracing::info!(by = owner.name, id = mail.id, "mail sent");
                self.outbox().wake();
                Ok(mail.message_id.clone())
            }
            Some(error) => {
                tracing::warn!(by = owner.name, id = mail.id, %error, "mail not sent");
                Err(error)
            }
        }
    }

    fn too_slow(&self, mail: &Mail, end: &EndMark) -> Verdict {
        let error = self.0.server.timed_out();
        let mut verdict = Verdict::unreached(mail, error.clone());
        if end.has_left() {
            verdict.stage = Stage::Answer;
            verdict.replies.fill(Reply::Lost(error.to_string()));
        }
        verdict
    }

    /// A mail on its way, from what lies in the outbox.
    pub(crate) fn mail(&self, job: &Job) -> Result<Mail, Error> {
        let recipients = job.recipients.iter().map(|(_, address)| {
            address
                .parse::<Address>()
                .map_err(|_| Error::Store(format!("the address `{address}`")))
        });
        Ok(Mail {
            from: self.0.from.email.clone(),
            recipients: recipients.collect::<Result<_, _>>()?,
            whole: job.once,
            head: self.date(job),
            body: job.raw.clone(),
        })
    }

    /// The `Date` line: the time of acceptance, or now if that could not be told then; none while nobody knows the time
    /// (the next server sets one).
    fn date(&self, job: &Job) -> String {
        let time = if job.dated {
            Duration::from_millis(job.created_ms as u64)
        } else if self.0.clock.trust().is_trusted() {
            self.0.clock.wall()
        } else {
            return String::new();
        };
        let mut headers = Headers::new();
        headers.set(Date::new(SystemTime::UNIX_EPOCH + time));
        headers.to_string()
    }

    /// One conversation about one mail, over the session that stands, or a new one. Marks in the outbox when the mail's
    /// end is about to leave. `patience` is for the server's answer to the mail.
    pub(crate) async fn attempt(
        &self,
        session: &mut Option<Session>,
        mail: &Mail,
        job: &Job,
        end: &EndMark,
        patience: Duration,
    ) -> Verdict {
        let mut reused = session.as_ref().is_some_and(Session::is_used);
        loop {
            let open = match session {
                Some(open) => open,
                None => match self.0.server.open(end).await {
                    Ok(new) => session.insert(new),
                    Err(error) => return Verdict::unreached(mail, error),
                },
            };
            let mut verdict = deliver::offer(open, mail).await;
            if reused && hung_up(&verdict) {
                // It had the right to: nothing was said for a while.
                reused = false;
                *session = None;
                continue;
            }
            if verdict.is_ready() {
                let named = job.recipients.iter().zip(&verdict.replies);
                let positions: Vec<i64> = named
                    .filter(|(_, reply)| **reply == Reply::Named)
                    .map(|((position, _), _)| *position)
                    .collect();
                match self.outbox().mark_sending(job.seq, &positions).await {
                    Ok(true) => verdict = deliver::hand_over(open, mail, verdict, patience).await,
                    // Removed meanwhile: the connection is dropped before a word of it has left.
                    Ok(false) => verdict.usable = false,
                    Err(error) => {
                        verdict.error = Some(error);
                        verdict.usable = false;
                    }
                }
                verdict.settle(&Reply::Untried);
            }
            if !verdict.usable {
                *session = None;
            }
            return verdict;
        }
    }

    /// Takes note of a conversation, and says what to write down.
    pub(crate) fn learn(&self, job: &Job, verdict: Verdict, began: Duration) -> Learned {
        let (now, wall) = (self.0.clock.monotonic(), self.0.clock.wall());
        let chance = chance();
        let of_the_channel = self.channel().learn(
            &verdict,
            || self.0.server.login_mark(),
            now,
            &self.0.config.retry,
            chance,
        );
        let wait = if of_the_channel {
            Duration::ZERO
        } else {
            backoff(&self.0.config.retry, job.tries as u32 + 1, chance)
        };
        let positions = job.recipients.iter().map(|(position, _)| *position);
        let tried = Tried {
            seq: job.seq,
            once: job.once,
            at_ms: began.as_millis() as i64,
            took_ms: wall.saturating_sub(began).as_millis() as i64,
            stage: verdict.stage.name(),
            replies: positions.zip(verdict.replies).collect(),
            error: verdict.error.map(|error| error.to_string()),
            counts: !of_the_channel,
            next_ms: (wall + wait).as_millis() as i64,
        };
        Learned {
            tried,
            of_the_channel,
        }
    }

    /// Whether to send now; looks whether a pause has lost its reason.
    pub(crate) fn leave(&self) -> Leave {
        let leave = self.channel().leave(self.0.clock.monotonic());
        if leave == Leave::Paused && self.refused_login().is_none() {
            return Leave::Go;
        }
        leave
    }

    /// The error of a login that was refused, while user name and password are the same.
    fn refused_login(&self) -> Option<Error> {
        if self.channel().leave(self.0.clock.monotonic()) != Leave::Paused {
            return None;
        }
        let mark = self.0.server.login_mark();
        let mut channel = self.channel();
        let error = channel.paused_for(mark.as_deref());
        if error.is_none() {
            tracing::info!("the smtp password has changed: sending again");
            channel.resume();
        }
        error
    }

    /// Ends a pause or a wait at once.
    pub(crate) fn resume(&self) {
        self.channel().resume();
        self.outbox().wake();
    }

    /// The mail server, for readers.
    pub(crate) fn channel_view(&self) -> ChannelView {
        self.channel()
            .view(self.0.server.address(), self.0.clock.monotonic())
    }

    /// How full the outbox is, and how the mail server is.
    pub(crate) async fn status(&self) -> Result<(Status, ChannelView), Error> {
        Ok((self.outbox().status().await?, self.channel_view()))
    }

    fn channel(&self) -> std::sync::MutexGuard<'_, Channel> {
        self.0.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A byte of chance.
fn chance() -> u8 {
    let mut byte = [0];
    pistack_kit::random::fill(&mut byte);
    byte[0]
}

fn hung_up(verdict: &Verdict) -> bool {
    verdict.stage == Stage::Envelope
        && matches!(
            verdict.error,
            Some(Error::Broken { .. } | Error::Refused { code: 421, .. })
        )
}

/// Why a mail is not with every recipient; `None` if it is.
fn failure(verdict: &Verdict, server: &str) -> Option<Error> {
    let server = || server.to_owned();
    let lost = verdict
        .replies
        .iter()
        .any(|reply| matches!(reply, Reply::Lost(_)));
    if let Some(error) = &verdict.error {
        return Some(match error {
            Error::Broken { reason, .. } if lost => Error::Undecided {
                server: server(),
                reason: reason.clone(),
            },
            other => other.clone(),
        });
    }
    verdict.replies.iter().find_map(|reply| match reply {
        Reply::Deferred(code, text) | Reply::Refused(Some(code), text) => Some(Error::Refused {
            server: server(),
            code: *code,
            text: text.clone(),
        }),
        Reply::Refused(None, reason) => Some(Error::Unsupported {
            server: server(),
            reason: reason.clone(),
        }),
        _ => None,
    })
}
