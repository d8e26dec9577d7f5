//! Asking a service: the request goes out, the head of the answer comes in.

use std::future::{Future as _, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::TRAILER;
use http::{Method, Response, StatusCode};
use tokio::time::Instant;

use super::Upstream;
use super::answer::{Answer, head};
use super::ask::{Ask, Length, Sent, send};
use super::framing::{BadFraming, Framing};
use super::line::Line;
use crate::body::RequestBody;

/// Interim answers (1xx) before the one that counts.
const MOST_INTERIM: usize = 16;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nobody is there. Nothing of the request has been sent.
    #[error("nobody is there: {0}")]
    Away(io::Error),
    /// The service, or the body of the request, broke off.
    #[error("the connection broke off: {0}")]
    Broken(io::Error),
    /// What came is no answer.
    #[error("this is no answer: {0}")]
    Bad(#[from] BadFraming),
    /// It took too long.
    #[error("no answer in time")]
    Late,
}

impl Upstream {
    /// Asks without a body. `fresh`: over a new connection.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        ask: &Ask<'_>,
        deadline: Instant,
        fresh: bool,
    ) -> Result<Response<Answer>, NoAnswer> {
        let kept = if fresh {
            None
        } else {
            // What may not be asked twice is asked where somebody listens for certain.
            self.take(!ask.method.is_idempotent())
        };
        let mut line = match kept {
            Some(line) => line,
            None => tokio::time::timeout_at(deadline, Box::pin(self.connect()))
                .await
                .map_err(|_| NoAnswer::Late)?
                .map_err(NoAnswer::Away)?,
        };
        ask.write(Length::None, &mut line.out);
        let mut written = 0;
        let mut interim = 0;
        poll_fn(|cx| {
            if written < line.out.len() {
                line.poll_write_out(cx, &mut written);
            }
            poll_answer(cx, &mut line, Some(deadline), &mut interim)
        })
        .await
        .and_then(|parts| self.answer(ask.method, parts, line))
    }

    /// Asks with a body, which follows while the answer may already come.
    pub(crate) async fn ask_with(
        self: &Arc<Self>,
        ask: &Ask<'_>,
        body: RequestBody,
    ) -> Result<Response<Answer>, NoAnswer> {
        let mut line = match self.take(true) {
            Some(line) => line,
            None => self.connect().await.map_err(NoAnswer::Away)?,
        };
        let Some(writer) = line.writer.take() else {
            return Err(NoAnswer::Broken(io::ErrorKind::NotConnected.into()));
        };
        let length = Length::of(&body);
        let mut out = std::mem::take(&mut line.out);
        ask.write(length, &mut out);
        let trailers = ask.headers.get(TRAILER).cloned();
        let mut sending = Box::pin(send(writer, out, trailers, body, length));
        let mut sent = false;
        let mut interim = 0;
        let parts = poll_fn(|cx| {
            if !sent && let Poll::Ready(how) = sending.as_mut().poll(cx) {
                sent = true;
                match how {
                    Sent::Whole(writer, mut out) => {
                        out.clear();
                        (line.writer, line.out) = (Some(writer), out);
                    }
                    Sent::Refused => {}
                    Sent::Broken => {
                        let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
                        return Poll::Ready(Err(NoAnswer::Broken(broken)));
                    }
                }
            }
            poll_answer(cx, &mut line, None, &mut interim)
        })
        .await?;
        if !sent {
            // The answer does not wait for the end of the request, and the other way round.
            tokio::spawn(async move {
                if let Sent::Whole(writer, _) = sending.await {
                    writer.forget();
                }
            });
        }
        self.answer(ask.method, parts, line)
    }

    fn answer(
        self: &Arc<Self>,
        method: &Method,
        mut parts: http::response::Parts,
        line: Box<Line>,
    ) -> Result<Response<Answer>, NoAnswer> {
        let (framing, keeps) = Framing::of(method, parts.version, parts.status, &mut parts.headers)?;
        let answer = if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            Answer::switching(line, self.clone())
        } else {
            Answer::new(line, self.clone(), framing, keeps)
        };
        Ok(Response::from_parts(parts, answer))
    }
}

impl Line {
    /// Writes what is left of the head. A service that does not read may still have something to say: its answer, or
    /// the end, decides.
    fn poll_write_out(&mut self, cx: &mut Context<'_>, written: &mut usize) {
        while *written < self.out.len() {
            let Some(writer) = &mut self.writer else { break };
            match writer.poll_write(cx, &self.out[*written..]) {
                Poll::Ready(Ok(count)) if count > 0 => *written += count,
                Poll::Ready(_) => break,
                Poll::Pending => return,
            }
        }
        *written = 0;
        self.out.clear();
    }
}

/// The head of the answer that counts.
fn poll_answer(
    cx: &mut Context<'_>,
    line: &mut Line,
    deadline: Option<Instant>,
    interim: &mut usize,
) -> Poll<Result<http::response::Parts, NoAnswer>> {
    loop {
        if !line.rest.is_empty()
            && let Some(parts) = head(&mut line.rest)?
        {
            let status = parts.status;
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                return Poll::Ready(Ok(parts));
            }
            *interim += 1;
            if *interim > MOST_INTERIM {
                return Poll::Ready(Err(BadFraming("it never ends to begin").into()));
            }
            continue;
        }
        match line.poll_fill(cx) {
            Poll::Ready(Ok(0)) => {
                return Poll::Ready(Err(NoAnswer::Broken(io::ErrorKind::UnexpectedEof.into())));
            }
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(NoAnswer::Broken(error))),
            Poll::Pending => {
                let late = deadline.is_some_and(|deadline| line.poll_deadline(cx, deadline).is_ready());
                return if late {
                    Poll::Ready(Err(NoAnswer::Late))
                } else {
                    Poll::Pending
                };
            }
        }
    }
}
