//! From a request to a mail that is ready to lie in the outbox: everything is checked here, so that nothing that was
//! accepted is refused later for its form.

mod page;
mod parts;

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use pistack_api::mail::{MailRequest, Recipients, TemplateRequest, TemplateText};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address;
use crate::config::Config;
use crate::error::Error;
use crate::template;

/// Longest subject: RFC 5322 allows lines of 998 characters.
const LONGEST_SUBJECT: usize = 900;
/// Longest text or web page.
const LONGEST_TEXT: usize = 1024 * 1024;
/// Furthest `not_before`.
const FURTHEST: Duration = Duration::from_hours(366 * 24);

/// Whose request it is, as far as that matters for what it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Signed in.
    User,
    /// Admin or Root: may write templates out.
    Admin,
    /// A process of the stack.
    Stack,
}

/// A mail for the outbox.
#[derive(Debug)]
pub(crate) struct Composed {
    /// Its id here.
    pub(crate) id: String,
    /// Its Message-ID, with angle brackets; made from the id.
    pub(crate) message_id: String,
    pub(crate) subject: String,
    /// Each address once.
    pub(crate) recipients: Vec<Recipient>,
    /// The mail with CR LF line ends, without its `Date`, which is set when it leaves.
    pub(crate) raw: Vec<u8>,
    /// The same for readers.
    pub(crate) content: Content,
    /// Milliseconds since 1970.
    pub(crate) not_before_ms: Option<i64>,
}

/// One recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// `to`, `cc` or `bcc`.
    pub(crate) kind: &'static str,
    pub(crate) address: String,
}

/// What a reader of the outbox sees.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<AttachmentInfo>,
}

/// A file that travels with a mail.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct AttachmentInfo {
    /// Its name.
    pub(crate) name: String,
    /// Its media type.
    pub(crate) content_type: String,
    /// Bytes.
    pub(crate) size: usize,
}

/// Subject, text and page after the template.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

/// Builds the mail. `now` is the wall clock since 1970.
pub(crate) fn compose(
    request: &MailRequest,
    author: Author,
    config: &Config,
    from: &Mailbox,
    now: Duration,
) -> Result<Composed, Error> {
    let mut builder = Message::builder().from(from.clone());
    let mut all = Vec::new();
    for (kind, given) in [("to", &request.to), ("cc", &request.cc), ("bcc", &request.bcc)] {
        for mailbox in recipients(kind, given, config.max_recipients)? {
            builder = match kind {
                "to" => builder.to(mailbox.clone()),
                "cc" => builder.cc(mailbox.clone()),
                _ => builder.bcc(mailbox.clone()),
            };
            let address = mailbox.email.to_string();
            if !all
                .iter()
                .any(|known: &Recipient| known.address.eq_ignore_ascii_case(&address))
            {
                all.push(Recipient { kind, address });
            }
        }
    }
    match all.len() {
        0 => return Err(invalid("`to` is empty")),
        count if count > config.max_recipients => return Err(too_many("to", config.max_recipients)),
        _ => {}
    }
    if let Some(text) = &request.reply_to {
        let mailbox = address::one(text).map_err(|error| invalid(&format!("`reply_to`: {error}")))?;
        builder = builder.reply_to(mailbox);
    }
    let texts = texts(request, author, config)?;
    let files = parts::files(&request.attachments, config.max_attachments.0)?;
    let not_before_ms = request
        .not_before
        .as_ref()
        .map(|value| not_before(value, now))
        .transpose()?;
    let id = pistack_kit::random::uuid().to_string();
    let message_id = format!("<{id}@{}>", from.email.domain());
    builder = headers(builder, &texts.subject, &message_id, author, from);
    let content = Content {
        text: texts.text.clone(),
        html: texts.html.clone(),
        attachments: files.iter().map(parts::File::info).collect(),
    };
    let subject = texts.subject.clone();
    let raw = finish(builder, texts, files)?;
    Ok(Composed {
        id,
        message_id,
        subject,
        recipients: all,
        raw,
        content,
        not_before_ms,
    })
}

fn headers(
    builder: MessageBuilder,
    subject: &str,
    message_id: &str,
    author: Author,
    from: &Mailbox,
) -> MessageBuilder {
    let raw = |builder: MessageBuilder, name: &'static str, value: String| {
        builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value))
    };
    let mut builder = builder
        .subject(subject)
        .message_id(Some(message_id.to_owned()))
        // Taken out again: the real one is set when the mail leaves.
        .date(SystemTime::UNIX_EPOCH);
    // RFC 3834: keeps holiday answers away.
    builder = raw(builder, "Auto-Submitted", "auto-generated".to_owned());
    if author == Author::Stack {
        // RFC 2919: lets a reader sort them.
        builder = raw(
            builder,
            "List-Id",
            format!("pistack <pistack.{}>", from.email.domain()),
        );
    }
    builder
}

fn finish(builder: MessageBuilder, texts: Texts, files: Vec<parts::File>) -> Result<Vec<u8>, Error> {
    let mut message = parts::assemble(builder, texts, files).map_err(|error| invalid(&error.to_string()))?;
    message.headers_mut().remove_raw("Date");
    let raw = message.formatted();
    if !has_whole_lines(&raw) {
        // Would be a fault of ours; refused here it harms nobody, on the wire it might (SMTP smuggling).
        return Err(invalid("it holds a line break that no mail may hold"));
    }
    Ok(raw)
}

/// Every CR is followed by LF, every LF preceded by CR.
fn has_whole_lines(raw: &[u8]) -> bool {
    let mut before = 0;
    for &byte in raw {
        if (byte == b'\n') != (before == b'\r') {
            return false;
        }
        before = byte;
    }
    before != b'\r'
}

fn recipients(kind: &str, given: &Recipients, most: usize) -> Result<Vec<Mailbox>, Error> {
    if given.0.len() > most {
        return Err(too_many(kind, most));
    }
    let mut all = Vec::new();
    for (index, text) in given.0.iter().enumerate() {
        let place = if given.0.len() > 1 {
            format!("{kind}[{index}]")
        } else {
            kind.to_owned()
        };
        let read = address::list(text)
            .map_err(|error| invalid(&format!("`{place}`: {error}: `{}`", shortened(text))))?;
        if read.is_empty() && given.0.len() > 1 {
            return Err(invalid(&format!("`{place}` is empty")));
        }
        all.extend(read);
        if all.len() > most {
            return Err(too_many(kind, most));
        }
    }
    Ok(all)
}

fn too_many(kind: &str, most: usize) -> Error {
    invalid(&format!("`{kind}` has more than {most} addresses"))
}

fn texts(request: &MailRequest, author: Author, config: &Config) -> Result<Texts, Error> {
    let made = match &request.template {
        None => template::Rendered::default(),
        Some(wanted) => {
            let written = written_out(wanted, author, config)?;
            let data = request
                .data
                .clone()
                .unwrap_or(Value::Object(serde_json::Map::new()));
            template::render(&written, &data).map_err(|error| invalid(&error.to_string()))?
        }
    };
    let subject = made.subject.as_deref().or(request.subject.as_deref());
    let subject = subject.ok_or_else(|| invalid("missing field `subject`"))?.trim();
    one_line("subject", subject)?;
    if subject.is_empty() {
        return Err(invalid("`subject` is empty"));
    }
    if subject.chars().count() > LONGEST_SUBJECT {
        return Err(invalid("`subject` is longer than 900 characters"));
    }
    let given = |made: Option<String>, asked: &Option<String>| made.or_else(|| asked.clone());
    let (text, html) = (given(made.text, &request.text), given(made.html, &request.html));
    for (name, value) in [("text", &text), ("html", &html)] {
        if let Some(value) = value {
            many_lines(name, value)?;
        }
    }
    let text = match (text, &html) {
        (Some(text), _) => text,
        (None, Some(html)) => page::to_text(html),
        (None, None) => return Err(invalid("missing field `text`")),
    };
    if text.trim().is_empty() && html.as_ref().is_none_or(|html| html.trim().is_empty()) {
        return Err(invalid("`text` is empty"));
    }
    Ok(Texts {
        subject: subject.to_owned(),
        text: with_whole_lines(&text),
        html: html.map(|html| with_whole_lines(&html)),
    })
}

fn written_out(wanted: &TemplateRequest, author: Author, config: &Config) -> Result<TemplateText, Error> {
    match wanted {
        TemplateRequest::Named(name) => {
            let known = config.template.get(name).ok_or_else(|| {
                invalid(&format!(
                    "`template`: there is no [email.template.{}]",
                    shortened(name)
                ))
            })?;
            Ok(TemplateText {
                subject: known.subject.clone(),
                text: known.text.clone(),
                html: known.html.clone(),
            })
        }
        // A template can be made to cost much; one of the configuration was written by the operator.
        TemplateRequest::Inline(_) if author == Author::User => Err(Error::Forbidden(
            "a template written out in a request needs Admin or Root; name one of the configuration",
        )),
        TemplateRequest::Inline(text) => Ok(text.clone()),
    }
}

/// Subject, text and page of a request, as they would be sent.
pub(crate) fn preview(request: &MailRequest, author: Author, config: &Config) -> Result<Texts, Error> {
    texts(request, author, config)
}

/// Line breaks and other control characters would begin new headers.
fn one_line(name: &str, text: &str) -> Result<(), Error> {
    if text.chars().any(address::is_control) {
        return Err(invalid(&format!(
            "`{name}` has line breaks or control characters"
        )));
    }
    Ok(())
}

/// Lines end with LF or CR LF; a CR alone and NUL are refused with their line.
fn many_lines(name: &str, text: &str) -> Result<(), Error> {
    if text.len() > LONGEST_TEXT {
        return Err(invalid(&format!("`{name}` is longer than 1 MiB")));
    }
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.contains(['\r', '\0']) {
            return Err(invalid(&format!(
                "`{name}` line {}: a carriage return without a line feed, or a NUL",
                index + 1
            )));
        }
    }
    // A CR at the very end has no LF after it.
    if text.ends_with('\r') {
        return Err(invalid(&format!(
            "`{name}`: it ends with a carriage return without a line feed"
        )));
    }
    Ok(())
}

fn with_whole_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

fn not_before(value: &Value, now: Duration) -> Result<i64, Error> {
    let seconds = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
                .ok()
                .map(time::OffsetDateTime::unix_timestamp)
        }
        _ => None,
    };
    let seconds = seconds.filter(|seconds| *seconds >= 0).ok_or_else(|| {
        invalid("`not_before`: write a time such as 2026-12-24T18:00:00Z, or seconds since 1970")
    })?;
    if seconds as u64 > (now + FURTHEST).as_secs() {
        return Err(invalid("`not_before` is more than a year away"));
    }
    Ok(seconds * 1000)
}

fn invalid(reason: &str) -> Error {
    Error::Invalid(reason.to_owned())
}

/// What a client wrote goes into our answer: not more than a line of it.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
