//! Templates in the language of Jinja: of the configuration, or written out in a request.
//!
//! A template reaches no file and no other template; a placeholder that the data does not fill is an error, not an
//! empty place; work and result are bounded.

use indexmap::IndexMap;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use pistack_api::mail::TemplateText;
use serde_json::Value;

use crate::config::Template;

/// Instructions of one rendering: a page with some thousand values needs some ten thousand.
const FUEL: u64 = 500_000;
/// Longest template.
const LONGEST: usize = 64 * 1024;
/// Longest result.
const LONGEST_RESULT: usize = 1024 * 1024;

/// A template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`template.{part}`{place}: {reason}")]
pub(crate) struct BadTemplate {
    part: &'static str,
    place: String,
    reason: String,
}

/// The parts that a template made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) subject: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| match name {
        "html" => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment
}

fn failed(part: &'static str, error: &minijinja::Error) -> BadTemplate {
    let reason = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    BadTemplate {
        part,
        place: error
            .line()
            .map_or_else(String::new, |line| format!(" line {line}")),
        reason,
    }
}

/// Fills the template with `data`.
pub(crate) fn render(template: &TemplateText, data: &Value) -> Result<Rendered, BadTemplate> {
    let environment = environment();
    let data = minijinja::Value::from(minijinja::value::Serde(data));
    let part = |part: &'static str, source: &Option<String>| {
        let Some(source) = source else {
            return Ok(None);
        };
        let too_long = |reason: &str| BadTemplate {
            part,
            place: String::new(),
            reason: reason.to_owned(),
        };
        if source.len() > LONGEST {
            return Err(too_long("longer than 64 KiB"));
        }
        let text = environment
            .render_named_str(part, source, data.clone())
            .map_err(|error| failed(part, &error))?;
        if text.len() > LONGEST_RESULT {
            return Err(too_long("makes more than 1 MiB"));
        }
        Ok(Some(text))
    };
    Ok(Rendered {
        subject: part("subject", &template.subject)?,
        text: part("text", &template.text)?,
        html: part("html", &template.html)?,
    })
}

/// Syntax errors in the configuration's templates: name, part, message.
pub(crate) fn check(templates: &IndexMap<String, Template>) -> Vec<(&str, &'static str, String)> {
    let environment = environment();
    let mut found = Vec::new();
    for (name, template) in templates {
        for (part, source) in [
            ("subject", &template.subject),
            ("text", &template.text),
            ("html", &template.html),
        ] {
            let Some(source) = source else { continue };
            if let Err(error) = environment.template_from_named_str(part, source) {
                found.push((name.as_str(), part, failed(part, &error).to_string()));
            }
        }
        if template.text.is_none() && template.html.is_none() {
            found.push((name.as_str(), "text", "neither `text` nor `html`".to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(source: &str, data: &Value) -> Result<String, String> {
        let template = TemplateText {
            text: Some(source.into()),
            ..TemplateText::default()
        };
        Ok(render(&template, data)
            .map_err(|error| error.to_string())?
            .text
            .unwrap())
    }

    #[test]
    fn fills_and_escapes() {
        let template = TemplateText {
            subject: Some("{{ door }} open".into()),
            text: Some("{% for one in log %}- {{ one }}\n{% endfor %}".into()),
            html: Some("<b>{{ door }}</b>".into()),
        };
        let made = render(&template, &json!({ "door": "<Garage>", "log": ["a", "b"] })).unwrap();
        assert_eq!(made.subject.as_deref(), Some("<Garage> open"));
        assert_eq!(made.text.as_deref(), Some("- a\n- b\n"));
        assert_eq!(made.html.as_deref(), Some("<b>&lt;Garage&gt;</b>"));
    }

    #[test]
    fn errors_name_place_and_reason() {
        for (source, place, reason) in [
            ("a\n{{ nobody }}", "line 2", "undefined"),
            ("{% if %}", "line 1", "syntax error"),
            ("a\n\n{{ 1 + }}", "line 3", "syntax error"),
            ("{{ x | nofilter }}", "line 1", "unknown filter"),
            ("{% include 'etc' %}", "line 1", ""),
        ] {
            let error = text(source, &json!({ "x": 1 })).unwrap_err();
            assert!(error.starts_with("`template.text`"), "{error}");
            assert!(
                error.contains(place) && error.contains(reason),
                "{source:?}: {error}"
            );
        }
    }

    #[test]
    fn work_and_result_are_bounded() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        let error = text(endless, &json!({})).unwrap_err();
        assert!(error.contains("fuel"), "{error}");
        let error = text("{{ 'x' * 2000000 }}", &json!({})).unwrap_err();
        assert!(error.contains("1 MiB") || error.contains("too large"), "{error}");
        assert!(text(&"x".repeat(70_000), &json!({})).is_err());
    }

    #[test]
    fn the_configurations_templates_are_checked() {
        let mut templates = IndexMap::new();
        templates.insert(
            "door".to_owned(),
            Template {
                subject: Some("{{ x".into()),
                text: Some("fine".into()),
                html: None,
            },
        );
        templates.insert("empty".to_owned(), Template::default());
        let found = check(&templates);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].0, found[0].1), ("door", "subject"));
        assert_eq!((found[1].0, found[1].1), ("empty", "text"));
    }
}
