//! Requests that become mails, and requests that do not.

use pistack_api::mail::AttachmentRequest;
use pistack_kit::config::ByteSize;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::Template;

const NOW: Duration = Duration::from_secs(1_000_000_000);

fn composed(request: Value, author: Author) -> Result<(Composed, String), String> {
    let mut config = Config {
        max_attachments: ByteSize(64),
        ..Config::default()
    };
    config.template.insert(
        "door".into(),
        Template {
            subject: Some("{{ door }} open".into()),
            text: None,
            html: Some("<p>{{ door }} is open".into()),
        },
    );
    let from = "Board <pi@example.org>".parse().unwrap();
    let request: MailRequest = serde_json::from_value(request).map_err(|error| error.to_string())?;
    let mail = compose(&request, author, &config, &from, NOW).map_err(|error| error.to_string())?;
    let raw = String::from_utf8(mail.raw.clone()).unwrap();
    assert!(has_whole_lines(&mail.raw), "{raw}");
    Ok((mail, raw))
}

fn refused(request: Value) -> String {
    composed(request, Author::User).unwrap_err()
}

#[test]
fn builds_a_whole_message() {
    let request = json!({
        "to": ["Anna <anna@example.org>", "b@example.org"], "cc": "c@example.org", "bcc": "D <hidden@example.org>",
        "reply_to": "e@example.org", "subject": "Zażółć", "text": "Gęślą\njaźń",
    });
    let (mail, raw) = composed(request, Author::User).unwrap();
    for line in [
        "From: Board <pi@example.org>\r\n",
        "To: Anna <anna@example.org>, b@example.org\r\n",
        "Cc: c@example.org\r\n",
        "Reply-To: e@example.org\r\n",
        "Subject: =?utf-8?b?",
        "Auto-Submitted: auto-generated\r\n",
        "MIME-Version: 1.0\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        &format!("Message-ID: {}\r\n", mail.message_id),
    ] {
        assert!(raw.replace('"', "").contains(line), "{line} in {raw}");
    }
    assert!(
        !raw.contains("Date:") && !raw.contains("hidden@example.org") && !raw.contains("List-Id"),
        "{raw}"
    );
    assert_eq!(mail.message_id, format!("<{}@example.org>", mail.id));
    let kinds: Vec<_> = mail
        .recipients
        .iter()
        .map(|one| (one.kind, one.address.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("to", "anna@example.org"),
            ("to", "b@example.org"),
            ("cc", "c@example.org"),
            ("bcc", "hidden@example.org")
        ]
    );
}

#[test]
fn an_address_is_written_to_once() {
    let request = json!({ "to": "a@example.org", "cc": "A@example.org", "bcc": "a@example.org", "subject": "s", "text": "t" });
    assert_eq!(composed(request, Author::User).unwrap().0.recipients.len(), 1);
}

#[test]
fn pages_and_files_become_parts() {
    let request = json!({
        "to": "a@example.org", "subject": "s", "html": "<p>Hello <img src=\"cid:logo\"></p>",
        "attachments": [
            { "name": "logo.png", "content_type": "image/png", "content": "AAAA", "content_id": "logo" },
            { "name": "dziennik ż.txt", "content_type": "text/plain", "content": "YQ==" },
        ],
    });
    let (mail, raw) = composed(request, Author::Stack).unwrap();
    for piece in [
        "multipart/mixed",
        "multipart/alternative",
        "multipart/related",
        "Hello",
        "image/png",
        "Content-ID: <logo>",
        "List-Id: pistack <pistack.example.org>",
    ] {
        assert!(raw.contains(piece), "{piece} in {raw}");
    }
    assert_eq!(mail.content.text, "Hello");
    assert_eq!(
        (
            &*mail.content.attachments[1].name,
            mail.content.attachments[1].size
        ),
        ("dziennik ż.txt", 1)
    );
}

#[test]
fn templates_fill_subject_and_page() {
    let request = json!({ "to": "a@example.org", "template": "door", "data": { "door": "<Garage>" } });
    let (mail, raw) = composed(request, Author::User).unwrap();
    assert_eq!(mail.subject, "<Garage> open");
    assert_eq!(mail.content.text, "<Garage> is open");
    assert!(raw.contains("&lt;Garage&gt;"), "{raw}");
    let inline = json!({ "to": "a@example.org", "template": { "subject": "s", "text": "{{ x }}" }, "data": { "x": 1 } });
    assert!(composed(inline.clone(), Author::Admin).is_ok());
    assert!(refused(inline).contains("Admin"));
    let missing = json!({ "to": "a@example.org", "template": "door", "data": {} });
    assert!(
        refused(missing).contains("`template.subject` line 1"),
        "place and reason"
    );
    let injected =
        json!({ "to": "a@example.org", "template": "door", "data": { "door": "x\r\nBcc: eve@example.org" } });
    assert!(refused(injected).contains("`subject` has line breaks"));
    let unknown = json!({ "to": "a@example.org", "template": "gate", "data": {} });
    assert!(refused(unknown).contains("[email.template.gate]"));
}

#[test]
fn refuses_what_is_no_mail() {
    let anna = "anna@example.org";
    let many: Vec<_> = (0..51).map(|number| format!("a{number}@example.org")).collect();
    for (to, subject, text, reason) in [
        (json!([]), "s", "t", "`to` is empty"),
        (json!(""), "s", "t", "`to` is empty"),
        (json!("anna"), "s", "t", "no mail address"),
        (json!([anna, "b@"]), "s", "t", "`to[1]`: it is no mail address"),
        (
            json!("anna@example.org\r\nBcc: eve@example.org"),
            "s",
            "t",
            "line breaks",
        ),
        (json!("anna@example.org\0"), "s", "t", "control characters"),
        (json!(anna), "s\nBcc: eve@example.org", "t", "line breaks"),
        (json!(anna), "s\rX: y", "t", "line breaks"),
        (json!(anna), "s\u{2028}X: y", "t", "line breaks"),
        (json!(anna), "  ", "t", "`subject` is empty"),
        (json!(anna), "s", " \n", "`text` is empty"),
        (json!(anna), "s", "a\nb\rc", "`text` line 2"),
        (json!(anna), "s", "a\r", "carriage return"),
        (json!(anna), "s", "a\0", "NUL"),
        (json!(many), "s", "t", "more than 50"),
        (json!(many.join(",")), "s", "t", "more than 50"),
        (json!(vec![anna; 10_000]), "s", "t", "more than 50"),
    ] {
        let error = refused(json!({ "to": to, "subject": subject, "text": text }));
        assert!(error.contains(reason), "{error} for {subject:?} {text:?}");
    }
}

#[test]
fn every_other_field_is_checked_too() {
    let base = json!({ "to": "a@example.org", "subject": "s", "text": "t" });
    let file = |key: &str, value: &str| {
        let mut file = json!({ "name": "a", "content": "YQ==" });
        file[key] = json!(value);
        json!([file])
    };
    for (key, value, reason) in [
        ("cc", json!("x\ny@example.org"), "`cc`: it has line breaks"),
        ("bcc", json!("x"), "`bcc`: it is no mail address"),
        (
            "reply_to",
            json!("a@example.org\r\nX: y"),
            "`reply_to`: it has line breaks",
        ),
        ("reply_to", json!("a@example.org, b@example.org"), "`reply_to`"),
        ("html", json!("a\rb"), "`html` line 1"),
        ("not_before", json!("tomorrow"), "`not_before`"),
        ("not_before", json!(-5), "`not_before`"),
        ("not_before", json!(1_900_000_000), "more than a year"),
        (
            "attachments",
            file("name", "a\r\nX: y"),
            "`attachments[0].name` has line breaks",
        ),
        ("attachments", file("name", "../etc"), "`attachments[0].name`"),
        (
            "attachments",
            file("content", "@@"),
            "`attachments[0].content` is no base64",
        ),
        (
            "attachments",
            file("content", "YQ==\r\n"),
            "`attachments[0].content` is no base64",
        ),
        (
            "attachments",
            file("content_type", "text/plain\r\nX: y"),
            "`attachments[0].content_type`",
        ),
        (
            "attachments",
            file("content_type", "multipart/mixed"),
            "`attachments[0].content_type`",
        ),
        (
            "attachments",
            file("content_id", "a>\r\n"),
            "`attachments[0].content_id`",
        ),
        (
            "attachments",
            file("content", &"YWFh".repeat(22)),
            "attachments are larger",
        ),
    ] {
        let mut request = base.clone();
        request[key] = value;
        let error = refused(request);
        assert!(error.contains(reason), "{key}: {error}");
    }
}

#[test]
fn times_are_read_in_both_forms() {
    let at = |value: Value| {
        let request = json!({ "to": "a@example.org", "subject": "s", "text": "t", "not_before": value });
        composed(request, Author::User).unwrap().0.not_before_ms
    };
    assert_eq!(at(json!(1_000_000_060)), Some(1_000_000_060_000));
    assert_eq!(at(json!("2001-09-09T02:47:40+01:00")), Some(1_000_000_060_000));
}

#[test]
fn names_of_files_never_leave_their_line() {
    let request = AttachmentRequest {
        name: "a\"; filename=\"b.exe".into(),
        content_type: None,
        content: "YQ==".into(),
        content_id: None,
    };
    let files = parts::files(&[request], 64).unwrap();
    assert_eq!(files[0].info().content_type, "application/octet-stream");
}

/// The names of a mail's headers, in order.
fn header_names(raw: &str) -> Vec<&str> {
    let head = raw.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| line.split_once(": ").map_or("", |(name, _)| name))
        .collect()
}

proptest! {
    /// Whatever stands in the fields: what is accepted has our headers, each once, and whole lines.
    #[test]
    fn no_field_begins_a_header(
        subject in "(\\PC|[\r\n:\u{85}\u{2028}]){0,60}",
        name in "(\\PC|[\r\n\"\\\\<>,]){0,30}",
        file in "(\\PC|[\r\n\";]){1,30}",
        text in "(\\PC|[\r\n.]){1,80}",
    ) {
        let request = json!({
            "to": format!("{name} <anna@example.org>"), "subject": subject, "text": text,
            "attachments": [{ "name": file, "content": "YQ==" }],
        });
        if let Ok((mail, raw)) = composed(request, Author::User) {
            let mut names = header_names(&raw);
            names.sort_unstable();
            prop_assert_eq!(
                names,
                ["Auto-Submitted", "Content-Type", "From", "MIME-Version", "Message-ID", "Subject", "To"],
                "{}", raw
            );
            prop_assert_eq!(mail.recipients.len(), 1);
        }
    }
}
