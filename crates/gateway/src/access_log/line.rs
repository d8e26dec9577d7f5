//! The two forms of a line: Common Log Format, and JSON.

use http::Version;
use http::header::HeaderValue;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::Entry;

impl Entry {
    fn moment(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(self.at.as_nanos() as i128)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn protocol(&self) -> &'static str {
        match self.version {
            Version::HTTP_2 => "HTTP/2.0",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        }
    }

    /// `10.0.0.7 - ada [23/Nov/2026:16:00:00 +0000] "GET / HTTP/1.1" 200 12`
    pub(super) fn common(&self) -> String {
        let form = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
        format!(
            "{} - {} [{}] \"{} {} {}\" {} {}",
            text(Some(&self.client)),
            text(self.user.as_ref()),
            self.moment().format(form).unwrap_or_default(),
            self.method,
            self.path.replace('"', "%22"),
            self.protocol(),
            self.status,
            self.bytes
        )
    }

    /// One JSON object.
    pub(super) fn json(&self) -> String {
        let known = |value: Option<&HeaderValue>| value.map(|value| text(Some(value)));
        json!({
            "serial": self.serial,
            "time": self.moment().format(&Rfc3339).unwrap_or_default(),
            "client": text(Some(&self.client)),
            "user": known(self.user.as_ref()),
            "method": self.method.as_str(),
            "path": self.path,
            "protocol": self.protocol(),
            "status": self.status,
            "bytes": self.bytes,
            "ms": self.took.as_micros() as f64 / 1000.0,
            "route": &*self.route.name,
            "id": self.id.to_string(),
        })
        .to_string()
    }
}

/// A field's text on one line; `-` for none. Names may hold any letters, but no control characters.
fn text(value: Option<&HeaderValue>) -> String {
    let text = value.map(|value| String::from_utf8_lossy(value.as_bytes()));
    match text {
        Some(text) if !text.is_empty() => text.replace([' ', '"'], "_"),
        _ => "-".to_owned(),
    }
}
