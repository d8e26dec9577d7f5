//! The end of a process's standard output.

use pistack_api::xmlrpc::{Value, fault};

use super::super::route::Site;
use super::form::{Form, quote};
use super::markup::{Escaped, frame};
use super::{ask, unexpected};

/// Bytes that are shown at least.
const LEAST: i64 = 1024;

/// The page for `processname` and `limit`, the number of bytes.
pub(super) async fn page(form: &Form, site: &Site) -> String {
    let limit = limit(form.get("limit"));
    let Some(name) = form.get("processname") else {
        return html("", "No process name found", "", &site.title);
    };
    let params = vec![Value::from(name), Value::Int(-limit), Value::Int(0)];
    let text = match ask(site, "readProcessStdoutLog", params).await {
        Ok(answer) => answer.as_str().unwrap_or_default().to_owned(),
        Err(fault) if fault.code == fault::NO_FILE => format!("No file for {name}"),
        Err(fault) => format!("ERROR: {}", unexpected(&fault)),
    };
    let quoted = quote(name);
    let links = format!(
        "<nav><a href=\"tail.html?processname={quoted}&amp;limit={limit}\">Refresh</a> \
         <a href=\"tail.html?processname={quoted}&amp;limit={more}\">More</a> \
         <a href=\"logtail/{quoted}\" target=\"_blank\" rel=\"noopener\">Tail -f</a> \
         <a href=\"index.html\">All programs</a></nav>\n",
        more = limit.saturating_mul(4),
    );
    html(name, &text, &links, &site.title)
}

/// Not less than 1024, and that where it is no number.
fn limit(text: Option<&str>) -> i64 {
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .map_or(LEAST, |limit: i64| limit.max(LEAST))
}

fn html(name: &str, text: &str, links: &str, footer: &str) -> String {
    // HTML drops a line break that comes first in `pre`, so one is given to drop
    let body = format!("{links}<pre tabindex=\"0\">\n{}</pre>\n{links}", Escaped(text));
    frame(&format!("Supervisor tail of process {name}"), &body, footer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_at_least_1024() {
        for (text, expected) in [
            (None, 1024),
            (Some("3000"), 3000),
            (Some("10"), 1024),
            (Some("-5"), 1024),
            (Some("x"), 1024),
            (Some(""), 1024),
            (Some("99999999999999999999"), 1024),
        ] {
            assert_eq!(limit(text), expected, "{text:?}");
        }
    }

    #[test]
    fn logs_cannot_speak_html() {
        let page = html("<i>", "\n</pre><script>alert(1)</script>", "", "f");
        assert!(!page.contains("<script>") && !page.contains("<i>"), "{page}");
        assert!(page.contains("<pre tabindex=\"0\">\n\n&lt;/pre&gt;"), "{page}");
    }
}
