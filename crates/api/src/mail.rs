//! Mail as it travels between our own processes, and between clients and the email service.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A mail to send: the body of `POST /api/email/messages`, `POST /api/email/send` and, on the unix socket,
/// `POST /internal/send`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MailRequest {
    /// Recipients that everyone sees.
    #[schema(value_type = RecipientsForm)]
    pub to: Recipients,
    /// Further recipients that everyone sees.
    #[schema(value_type = RecipientsForm)]
    #[serde(skip_serializing_if = "Recipients::is_empty")]
    pub cc: Recipients,
    /// Recipients that nobody sees.
    #[schema(value_type = RecipientsForm)]
    #[serde(skip_serializing_if = "Recipients::is_empty")]
    pub bcc: Recipients,
    /// Where answers should go, one address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Subject, one line. May come from the template.
    #[schema(example = "Door open")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text. Made from `html` where it is missing.
    #[schema(example = "The door has been open for ten minutes.")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The same as a web page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Files that travel with the mail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRequest>,
    /// A template of `[email.template.NAME]` by its name, or one written out (Admin and Root).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateRequest>,
    /// What the template's placeholders stand for.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// Not before this time: RFC 3339 text or seconds since 1970.
    #[schema(value_type = Option<TimeForm>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<serde_json::Value>,
    /// The same as the header `Idempotency-Key`: a second request with the same key within 7 days sends nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Text and attachments are shown to nobody and deleted once the mail is out. Default: false; true for mails of
    /// the stack's own processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
}

/// Addresses: `anna@example.org` or `Anna <anna@example.org>`, in one text separated by commas or as a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Recipients(pub Vec<String>);

/// How [`Recipients`] are written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RecipientsForm {
    /// One, or several separated by commas.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// How a time is written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum TimeForm {
    /// RFC 3339, such as `2026-12-24T18:00:00Z`.
    Text(String),
    /// Seconds since 1970.
    Seconds(i64),
}

impl Recipients {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<String>> FromIterator<T> for Recipients {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self(texts.into_iter().map(Into::into).collect())
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Recipients;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address or a list of addresses")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Recipients, E> {
                Ok(Recipients(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Recipients, A::Error> {
                /// More than any service takes; what comes after is not kept.
                const MOST: usize = 20_000;
                let mut texts = Vec::new();
                while let Some(text) = sequence.next_element::<String>()? {
                    if texts.len() == MOST {
                        return Err(A::Error::custom("more than 20,000 addresses"));
                    }
                    texts.push(text);
                }
                Ok(Recipients(texts))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// A file that travels with a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachmentRequest {
    /// Its name for the reader, without folders.
    #[schema(example = "log.txt")]
    pub name: String,
    /// Its media type. Default: `application/octet-stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "text/plain")]
    pub content_type: Option<String>,
    /// Its bytes in base64.
    pub content: String,
    /// For pictures within `html`: `<img src="cid:logo">` shows the one whose `content_id` is `logo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
}

/// Which template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum TemplateRequest {
    /// One of the configuration, by its name.
    Named(String),
    /// Written out.
    Inline(TemplateText),
}

/// A template: each part in the language of Jinja, such as `{{ door }} open`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateText {
    /// For the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// For the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For the web page; what `data` brings is escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// The mail lies in the outbox and will be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Its id here.
    #[schema(example = "7c9a6c5e-8c55-4f0e-9f6e-3f1f4f0d2b11")]
    pub id: String,
    /// Its Message-ID: the same however often it is tried.
    #[schema(example = "<7c9a6c5e-8c55-4f0e-9f6e-3f1f4f0d2b11@example.org>")]
    pub message_id: String,
    /// How far it is; `removed` for a repeated key whose mail was removed since.
    #[schema(example = "waiting")]
    pub state: String,
}

/// How far a mail, or one recipient of it, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// Not tried yet.
    Waiting,
    /// Put off by the server, or the connection broke; tried again later.
    Deferred,
    /// The conversation has reached the point after which the server may have taken it.
    Sending,
    /// Taken by the server, for every recipient.
    Sent,
    /// Taken for some recipients, refused for others.
    Partial,
    /// Given up: refused for good, or too old.
    Dead,
    /// The server's last answer was lost: it may have been taken or not.
    Undecided,
    /// Taken, and reported as undeliverable later.
    Bounced,
}

impl MailState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Deferred,
        Self::Sending,
        Self::Sent,
        Self::Partial,
        Self::Dead,
        Self::Undecided,
        Self::Bounced,
    ];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Deferred => "deferred",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Partial => "partial",
            Self::Dead => "dead",
            Self::Undecided => "undecided",
            Self::Bounced => "bounced",
        }
    }

    /// The state of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more is going to happen by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Deferred | Self::Sending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_a_text_or_a_list_of_texts() {
        let read = |text: &str| serde_json::from_str::<MailRequest>(text).map(|mail| mail.to.0);
        assert_eq!(read(r#"{"to":"a@b.c"}"#).unwrap(), ["a@b.c"]);
        assert_eq!(read(r#"{"to":["a@b.c","d@e.f"]}"#).unwrap(), ["a@b.c", "d@e.f"]);
        let error = read(r#"{"to":5}"#).unwrap_err().to_string();
        assert!(
            error.contains("an address or a list of addresses at line 1"),
            "{error}"
        );
        assert!(read(r#"{"to":["a",5]}"#).is_err());
    }

    #[test]
    fn states_are_read_by_their_names() {
        for state in MailState::ALL {
            assert_eq!(MailState::of(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(MailState::of("gone"), None);
    }

    #[test]
    fn a_request_survives_the_wire() {
        let mail = MailRequest {
            to: ["anna@example.org"].into_iter().collect(),
            subject: Some("s".into()),
            text: Some("t".into()),
            idempotency_key: Some("k".into()),
            ..MailRequest::default()
        };
        let text = serde_json::to_string(&mail).unwrap();
        assert_eq!(
            text,
            r#"{"to":["anna@example.org"],"subject":"s","text":"t","idempotency_key":"k"}"#
        );
        assert_eq!(serde_json::from_str::<MailRequest>(&text).unwrap(), mail);
    }
}
