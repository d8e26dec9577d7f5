//! A page as plain text, for readers that show none: what an e-mail in HTML holds beside its markup.

/// The text of a page: tags gone, paragraphs and list items on lines of their own, addresses of links in brackets.
pub(super) fn to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    let mut link = None;
    while let Some(at) = rest.find('<') {
        words(&mut out, &rest[..at]);
        let after = &rest[at..];
        let Some(end) = tag_end(after) else {
            rest = "";
            break;
        };
        let tag = &after[1..end];
        rest = &after[end + 1..];
        let name = name_of(tag);
        match name.as_str() {
            "script" | "style" | "head" | "title" => rest = after_closing(rest, &name),
            "a" => link = attribute(tag, "href"),
            "/a" => {
                if let Some(address) = link.take().filter(|address| !out.ends_with(address.as_str())) {
                    words(&mut out, &format!(" ({address})"));
                }
            }
            "li" => {
                line(&mut out);
                out.push_str("- ");
            }
            "br" => out.push('\n'),
            "td" | "th" => words(&mut out, " "),
            "p" | "/p" | "div" | "/div" | "tr" | "/li" | "ul" | "/ul" | "ol" | "/ol" | "table" | "/table"
            | "h1" | "h2" | "h3" | "h4" | "/h1" | "/h2" | "/h3" | "/h4" | "hr" | "blockquote" => {
                line(&mut out);
            }
            _ => {}
        }
    }
    words(&mut out, rest);
    let lines: Vec<_> = out.trim().lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Where the tag that `text` begins with ends; comments end with their own mark, quotes hide a `>`.
fn tag_end(text: &str) -> Option<usize> {
    if text.starts_with("<!--") {
        return text.find("-->").map(|at| at + 2);
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

fn name_of(tag: &str) -> String {
    let end = tag
        .char_indices()
        .find(|(at, one)| !(one.is_ascii_alphanumeric() || (*at == 0 && *one == '/')))
        .map_or(tag.len(), |(at, _)| at);
    tag[..end].to_ascii_lowercase()
}

fn after_closing<'a>(rest: &'a str, name: &str) -> &'a str {
    let lower = rest.to_ascii_lowercase();
    lower
        .find(&format!("</{name}"))
        .and_then(|at| rest[at..].find('>').map(|end| &rest[at + end + 1..]))
        .unwrap_or("")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))? + name.len() + 1;
    let value = &tag[at..];
    let quote = value.chars().next().filter(|one| matches!(one, '"' | '\''))?;
    let value = value[1..].split(quote).next()?;
    (!value.starts_with('#')).then(|| entities(value))
}

/// Begins a new line, unless one has just begun.
fn line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Adds words; any white space between them counts as one space.
fn words(out: &mut String, text: &str) {
    let text = entities(text);
    if text.starts_with(|one: char| one.is_ascii_whitespace()) {
        space(out);
    }
    for (index, word) in text.split_ascii_whitespace().enumerate() {
        if index > 0 {
            space(out);
        }
        out.push_str(word);
    }
    if text.ends_with(|one: char| one.is_ascii_whitespace()) {
        space(out);
    }
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with([' ', '\n']) {
        out.push(' ');
    }
}

/// The entities that pages use most; others stay as they are.
fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.get(1..).and_then(|after| after.split_once(';')) {
            Some((name, after)) if name.len() <= 8 && known(name).is_some() => {
                out.extend(known(name));
                rest = after;
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn known(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|one| !one.is_control() || *one == '\n')
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_reads_as_text() {
        let page = "<!DOCTYPE html><html><head><title>x</title><style>p { a > b }</style></head><body>\n<h1>Door \
                    &amp; gate</h1><p>Open  since\n<b>ten</b> minutes.<br>See <a href=\"https://pi.lan/a?b=1&amp;c\">\
                    the log</a>.</p><ul><li>one<li>two</ul><!-- > --><script>if (a > b) {}</script>&#322;&bogus;";
        assert_eq!(
            to_text(page),
            "Door & gate\nOpen since ten minutes.\nSee the log (https://pi.lan/a?b=1&c).\n- one\n- two\nł&bogus;"
        );
        assert_eq!(to_text("no markup"), "no markup");
        assert_eq!(to_text("cut <b"), "cut");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(html in "([<>/a-z\"'&;#! -]|\\PC){0,80}") {
            prop_assert!(!to_text(&html).contains(['\r', '\0']));
        }
    }
}
