//! From a request to a message: addresses read, line breaks refused, ids and dates given.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Mailboxes};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::Error;

/// Most recipients of one mail.
const MOST_RECIPIENTS: usize = 50;
/// Longest subject: RFC 5322 allows lines of 998 characters.
const LONGEST_SUBJECT: usize = 900;

/// A mail to send.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SendRequest {
    /// One address or several; `anna@example.org` or `Anna <anna@example.org>`.
    pub(crate) to: Recipients,
    /// Subject, one line.
    #[schema(example = "Door open")]
    pub(crate) subject: String,
    /// The text.
    #[schema(example = "The door has been open for ten minutes.")]
    pub(crate) text: String,
}

/// One address or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Recipients {
    /// One, or several separated by commas.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// A message ready to send.
#[derive(Debug)]
pub(crate) struct Mail {
    /// The message.
    pub(crate) message: Message,
    /// Its id, with angle brackets.
    pub(crate) id: String,
}

/// Builds the message from `from`, dated `now` after 1970.
pub(crate) fn build(request: &SendRequest, from: &Mailbox, now: Duration) -> Result<Mail, Error> {
    let recipients = recipients(&request.to)?;
    let subject = request.subject.trim();
    one_line("subject", subject)?;
    if subject.is_empty() {
        return Err(invalid("`subject` is empty"));
    }
    if subject.chars().count() > LONGEST_SUBJECT {
        return Err(invalid("`subject` is longer than 900 characters"));
    }
    if request.text.trim().is_empty() {
        return Err(invalid("`text` is empty"));
    }
    let id = format!("<{}@{}>", pistack_kit::random::uuid(), from.email.domain());
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(subject)
        .date(SystemTime::UNIX_EPOCH + now)
        .message_id(Some(id.clone()))
        .header(ContentType::TEXT_PLAIN);
    for recipient in recipients {
        builder = builder.to(recipient);
    }
    let message = builder
        .body(request.text.clone())
        .map_err(|error| invalid(&error.to_string()))?;
    Ok(Mail { message, id })
}

fn recipients(to: &Recipients) -> Result<Vec<Mailbox>, Error> {
    let texts = match to {
        Recipients::One(text) => std::slice::from_ref(text),
        Recipients::Many(texts) => texts,
    };
    let mut recipients = Vec::new();
    for text in texts {
        // Checked before parsing: a parser that skips folded white space would let a header in.
        one_line("to", text)?;
        let read: Mailboxes = text
            .trim()
            .parse()
            .map_err(|_| invalid(&format!("`{}` is no mail address", shortened(text))))?;
        recipients.extend(read);
    }
    match recipients.len() {
        0 => Err(invalid("`to` is empty")),
        count if count > MOST_RECIPIENTS => Err(invalid("`to` has more than 50 addresses")),
        _ => Ok(recipients),
    }
}

/// Line breaks and other control characters would begin new headers.
fn one_line(name: &str, text: &str) -> Result<(), Error> {
    if text.chars().any(char::is_control) {
        return Err(invalid(&format!(
            "`{name}` has line breaks or control characters"
        )));
    }
    Ok(())
}

fn invalid(reason: &str) -> Error {
    Error::Invalid(reason.to_owned())
}

/// What a client wrote goes into our answer: not more than a line of it.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(to: &[&str], subject: &str, text: &str) -> Result<String, String> {
        let request = SendRequest {
            to: Recipients::Many(to.iter().map(|to| (*to).to_owned()).collect()),
            subject: subject.into(),
            text: text.into(),
        };
        let from = "Board <pi@example.org>".parse().unwrap();
        let mail =
            build(&request, &from, Duration::from_secs(1_000_000_000)).map_err(|error| error.to_string())?;
        assert!(
            mail.id.starts_with('<') && mail.id.ends_with("@example.org>"),
            "{}",
            mail.id
        );
        Ok(String::from_utf8(mail.message.formatted()).unwrap())
    }

    #[test]
    fn builds_a_whole_message() {
        let mail = built(
            &["Anna <anna@example.org>", "b@example.org"],
            "Zażółć",
            "Gęślą\njaźń",
        )
        .unwrap();
        for line in [
            "From: \"Board\" <pi@example.org>\r\n",
            "To: \"Anna\" <anna@example.org>, b@example.org\r\n",
            "Subject: =?utf-8?b?",
            "Date: Sun, 09 Sep 2001 01:46:40 +0000\r\n",
            "Message-ID: <",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(
                mail.contains(line)
                    || mail
                        .replace("\"Anna\"", "Anna")
                        .replace("\"Board\"", "Board")
                        .contains(&line.replace('"', "")),
                "{line} in {mail}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_mail() {
        let anna = "anna@example.org";
        for (to, subject, text, reason) in [
            (vec![], "s", "t", "`to` is empty"),
            (vec![""], "s", "t", "`to` is empty"),
            (vec!["anna"], "s", "t", "no mail address"),
            (vec![anna, "b@"], "s", "t", "no mail address"),
            (
                vec!["anna@example.org\r\nBcc: eve@example.org"],
                "s",
                "t",
                "line breaks",
            ),
            (vec!["anna@example.org\0"], "s", "t", "control characters"),
            (vec![anna], "s\nBcc: eve@example.org", "t", "line breaks"),
            (vec![anna], "s\rX: y", "t", "line breaks"),
            (vec![anna], "  ", "t", "`subject` is empty"),
            (vec![anna], "s", " \n", "`text` is empty"),
            (vec![anna; 51], "s", "t", "more than 50"),
        ] {
            let error = built(&to, subject, text).unwrap_err();
            assert!(error.contains(reason), "{error} for {to:?} {subject:?}");
        }
    }
}
