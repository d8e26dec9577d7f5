//! A strict reader of Prometheus' text format, for tests: what it takes, Prometheus takes.

use std::collections::HashSet;

/// A sample as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// Reads a whole text: every family once, with help and type before its samples; no sample twice.
pub(crate) fn parse(text: &str) -> Result<Vec<Read>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line does not end".into());
    }
    let (mut seen, mut families, mut samples) = (HashSet::new(), HashSet::new(), Vec::new());
    let (mut help, mut family): (Option<String>, Option<(String, String)>) = (None, None);
    for line in text.lines() {
        let fault = |what: &str| format!("{what}: `{line}`");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, _) = rest.split_once(' ').ok_or_else(|| fault("help without text"))?;
            if !families.insert(name.to_owned()) {
                return Err(fault("a family twice"));
            }
            help = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or_else(|| fault("type without kind"))?;
            if help.take().as_deref() != Some(name) {
                return Err(fault("type without help before it"));
            }
            if !["counter", "gauge", "histogram", "summary"].contains(&kind) {
                return Err(fault("no such type"));
            }
            if kind == "counter" && !name.ends_with("_total") {
                return Err(fault("a counter that does not end in _total"));
            }
            family = Some((name.to_owned(), kind.to_owned()));
        } else {
            let read = sample(line).ok_or_else(|| fault("no sample"))?;
            let (name, kind) = family
                .as_ref()
                .ok_or_else(|| fault("a sample without a family"))?;
            let of_parts = ["_bucket", "_sum", "_count"]
                .iter()
                .any(|part| read.name.strip_suffix(part) == Some(name));
            if read.name != *name && !(matches!(&**kind, "histogram" | "summary") && of_parts) {
                return Err(fault("a sample of another family"));
            }
            if !seen.insert((read.name.clone(), format!("{:?}", read.labels))) {
                return Err(fault("a sample twice"));
            }
            samples.push(read);
        }
    }
    Ok(samples)
}

fn sample(line: &str) -> Option<Read> {
    let name_end = line.find(['{', ' '])?;
    let name = &line[..name_end];
    let mut rest = &line[name_end..];
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let (text, after) = quoted(after)?;
            labels.push((is_name(label).then_some(label)?.to_owned(), text));
            rest = after;
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = match rest.strip_prefix(' ')? {
        "NaN" => f64::NAN,
        "+Inf" => f64::INFINITY,
        other => other.parse().ok()?,
    };
    Some(Read {
        name: is_name(name).then_some(name)?.to_owned(),
        labels,
        value,
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}
