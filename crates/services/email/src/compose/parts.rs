//! The parts of a mail: text, page, pictures within the page, files (RFC 2045 to 2049, 2387).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, MessageBuilder, MultiPart, SinglePart};
use pistack_api::mail::AttachmentRequest;

use super::{AttachmentInfo, Texts, invalid};
use crate::address;
use crate::error::Error;

/// Most files of one mail.
const MOST_FILES: usize = 50;
/// Longest file name: what file systems take.
const LONGEST_NAME: usize = 255;
/// Longest `content_id` and `content_type`.
const LONGEST_TOKEN: usize = 100;

/// A file that was read out of a request.
#[derive(Debug)]
pub(super) struct File {
    name: String,
    kind: ContentType,
    shown_kind: String,
    content_id: Option<String>,
    bytes: Vec<u8>,
}

impl File {
    pub(super) fn info(&self) -> AttachmentInfo {
        AttachmentInfo {
            name: self.name.clone(),
            content_type: self.shown_kind.clone(),
            size: self.bytes.len(),
        }
    }

    fn into_part(self) -> SinglePart {
        let attachment = match self.content_id {
            Some(id) => Attachment::new_inline_with_name(id, self.name),
            None => Attachment::new(self.name),
        };
        attachment.body(self.bytes, self.kind)
    }
}

/// Reads the files of a request; together at most `largest` bytes.
pub(super) fn files(requests: &[AttachmentRequest], largest: u64) -> Result<Vec<File>, Error> {
    if requests.len() > MOST_FILES {
        return Err(invalid("`attachments` has more than 50 files"));
    }
    let mut total = 0;
    let mut files = Vec::with_capacity(requests.len());
    for (index, request) in requests.iter().enumerate() {
        let file = file(request).map_err(|reason| invalid(&format!("`attachments[{index}].{reason}")))?;
        total += file.bytes.len() as u64;
        if total > largest {
            return Err(Error::TooLarge {
                limit: largest,
                index,
            });
        }
        files.push(file);
    }
    Ok(files)
}

fn file(request: &AttachmentRequest) -> Result<File, String> {
    let name = request.name.trim();
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains(['/', '\\']) || name.starts_with("..") {
        return Err("name`: write a file name without folders, 255 bytes at most".to_owned());
    }
    if name.chars().any(address::is_control) {
        return Err("name` has line breaks or control characters".to_owned());
    }
    let shown_kind = request
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let kind = content_type(shown_kind)
        .ok_or_else(|| "content_type`: write a media type such as text/plain".to_owned())?;
    if let Some(id) = &request.content_id {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if id.is_empty() || id.len() > LONGEST_TOKEN || !id.bytes().all(plain) {
            return Err("content_id`: write letters, digits and . _ @ - only".to_owned());
        }
    }
    let bytes = STANDARD
        .decode(&request.content)
        .map_err(|error| format!("content` is no base64: {error}"))?;
    Ok(File {
        name: name.to_owned(),
        kind,
        shown_kind: shown_kind.to_owned(),
        content_id: request.content_id.clone(),
        bytes,
    })
}

/// A media type of one part; `multipart/...` and `message/...` would have to be mails themselves.
fn content_type(text: &str) -> Option<ContentType> {
    let clean = text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    let lower = text.to_ascii_lowercase();
    let single = !lower.starts_with("multipart/") && !lower.starts_with("message/");
    (clean && single).then(|| ContentType::parse(text).ok()).flatten()
}

/// Puts the parts together, as few layers as they need.
pub(super) fn assemble(
    builder: MessageBuilder,
    texts: Texts,
    files: Vec<File>,
) -> Result<Message, lettre::error::Error> {
    let (inline, attached): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.content_id.is_some() && texts.html.is_some());
    let text = SinglePart::plain(texts.text);
    let Some(html) = texts.html else {
        if attached.is_empty() {
            return builder.singlepart(text);
        }
        return builder.multipart(with_files(MultiPart::mixed().singlepart(text), attached));
    };
    let page = SinglePart::html(html);
    let alternative = MultiPart::alternative().singlepart(text);
    let body = if inline.is_empty() {
        alternative.singlepart(page)
    } else {
        alternative.multipart(with_files(MultiPart::related().singlepart(page), inline))
    };
    if attached.is_empty() {
        return builder.multipart(body);
    }
    builder.multipart(with_files(MultiPart::mixed().multipart(body), attached))
}

fn with_files(mut parts: MultiPart, files: Vec<File>) -> MultiPart {
    for file in files {
        parts = parts.singlepart(file.into_part());
    }
    parts
}
