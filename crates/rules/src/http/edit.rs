//! Rules made and changed over HTTP: `/api/rules/rule/{name}`, `/api/rules/check`, `/api/rules/names`.
//!
//! They go into `pistack.d/90-ui.toml` and nowhere else. Before anything is written the whole configuration is checked
//! as it would be then, by the same check as `pistack config check`.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use pistack_api::right::{ManageRule, ReadRule};
use pistack_kit::config::{ConfigError, ConfigErrors};
use pistack_kit::extract;
use pistack_kit::guard::{May, MayOn};
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::fresh::require_recent;
use super::front::{Front, unknown_rule};
use crate::check::{EVENTS, METRICS};
use crate::overlay::{Overlay, rule_text};
use crate::written::{keys_at, to_json, to_toml};

/// Longest text of a rule.
const LONGEST: usize = 16 * 1024;

/// A rule to write: as TOML, or as JSON with the same keys.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WriteRequest {
    /// What stands below `[rule.NAME]`.
    #[schema(example = "when = { event = \"crashed\" }\nthen = [{ log = \"{program} crashed\" }]\n")]
    toml: Option<String>,
    /// The same as JSON.
    #[schema(value_type = Option<Object>)]
    rule: Option<Map<String, Value>>,
}

/// A rule to look at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CheckRequest {
    /// Its name.
    #[schema(example = "camera-down")]
    name: String,
    /// What stands below `[rule.NAME]`.
    toml: Option<String>,
    /// The same as JSON.
    #[schema(value_type = Option<Object>)]
    rule: Option<Map<String, Value>>,
}

/// A rule as it is written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleText {
    /// Name of its table.
    name: String,
    /// The file that it stands in.
    file: String,
    /// The line there, from 1.
    line: u32,
    /// Whether it stands in the file that pistack writes, so that it can be changed here.
    editable: bool,
    /// What stands below `[rule.NAME]`, with its comments.
    toml: String,
    /// The same as JSON, as it is written.
    #[schema(value_type = Object)]
    rule: Map<String, Value>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Fault {
    /// The key within the rule, such as `when.program` or `then.0`; empty for the rule as a whole.
    #[schema(example = "when.program")]
    path: String,
    /// The line of the rule's own text, from 1; `null` where that is not known.
    line: Option<u32>,
    /// What is wrong.
    message: String,
    /// What to write instead.
    help: Option<String>,
    /// The file and line, for what is wrong elsewhere.
    place: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckAnswer {
    /// Nothing, if the rule can be written so.
    faults: Vec<Fault>,
    /// The rule as TOML.
    toml: String,
    /// The rule as JSON, as it is written; empty where it is no TOML.
    #[schema(value_type = Object)]
    rule: Map<String, Value>,
}

/// What a rule may name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NamesAnswer {
    /// Processes, as `name` and as `group:name`.
    programs: Vec<String>,
    /// `[line.NAME]`.
    lines: Vec<String>,
    /// `[channel.NAME]`.
    channels: Vec<String>,
    /// Other rules.
    rules: Vec<String>,
    /// Event types of the supervisor.
    events: Vec<String>,
    /// Figures of the board.
    metrics: Vec<String>,
}

/// The rule was written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Written {
    /// Its name.
    rule: String,
    /// The file.
    file: String,
}

/// The rule was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleRemoved {
    /// Always true.
    removed: bool,
}

/// A rule as it is written.
#[utoipa::path(
    get, path = "/api/rules/rule/{name}", operation_id = "read_rule", tag = "rules",
    params(("name" = String, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = RuleText))
)]
pub(super) async fn read_rule(
    caller: MayOn<ReadRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<RuleText>, Problem> {
    caller.on(&name)?;
    let tables = front.tables();
    let (Some(rule), Some(place)) = (tables.rules.get(&name), tables.places.get(&name)) else {
        return Err(unknown_rule(&name));
    };
    let text = std::fs::read_to_string(&place.file).unwrap_or_default();
    // A file that was changed since: what is in force is shown, without its comments.
    let toml = match rule_text(&text, &name) {
        Ok(Some(toml)) => toml,
        _ => match serde_json::to_value(rule) {
            Ok(Value::Object(members)) => to_toml(&members).unwrap_or_default(),
            _ => String::new(),
        },
    };
    Ok(Json(RuleText {
        file: place.file.display().to_string(),
        line: place.line,
        editable: front.desk().is_ours(&place.file),
        rule: to_json(&toml).unwrap_or_default(),
        toml,
        name,
    }))
}

/// Make or change a rule.
///
/// It is written to `pistack.d/90-ui.toml` and in force at once. A rule of another file is never changed: 409 with its
/// place. 422 with `faults` when something is wrong with it; then nothing is written. Takes a login not older than ten
/// minutes.
#[utoipa::path(
    put, path = "/api/rules/rule/{name}", operation_id = "write_rule", tag = "rules",
    params(("name" = String, Path, description = "Letters, digits, `-` and `_`, 64 at most")),
    request_body = WriteRequest,
    responses(
        (status = 200, description = "It is in force", body = Written),
        (status = 409, description = "It stands in a file of the person's own, or there is no file to write beside"),
        (status = 422, description = "Something is wrong with it; `faults` tells what and where"),
    )
)]
pub(super) async fn write_rule(
    caller: MayOn<ManageRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
    extract::Json(request): extract::Json<WriteRequest>,
) -> Result<Json<Written>, Problem> {
    let claims = caller.on(&name)?;
    require_recent(claims, front.now(), front.desk().auth()).await?;
    let toml = text_of(request.toml, request.rule.as_ref())?;
    let overlay = front.desk().overlay()?;
    let _turn = front.desk().turn();
    may_stand_here(&front, &name)?;
    let text = overlay.with(&name, &toml)?;
    match front.reloader().look(&text) {
        Ok(tables) if tables.rules.contains_key(&name) => front.go_over(&text)?,
        Ok(_) => return Err(not_read(overlay)),
        Err(errors) => {
            let faults = faults(&errors, overlay, &name);
            return Err(
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_rule", "the rule is wrong")
                    .detail(crate::reload::in_one_line(&errors))
                    .with("faults", serde_json::to_value(faults).unwrap_or_default()),
            );
        }
    }
    tracing::info!(by = claims.nam, rule = name, "rule written");
    Ok(Json(Written {
        rule: name,
        file: overlay.path().display().to_string(),
    }))
}

/// Remove a rule that was made here.
///
/// Takes a login not older than ten minutes. 409 for a rule of the person's own files, and while another rule names it.
#[utoipa::path(
    delete, path = "/api/rules/rule/{name}", operation_id = "delete_rule", tag = "rules",
    params(("name" = String, Path, description = "The rule")),
    responses(
        (status = 200, description = "It is gone", body = RuleRemoved),
        (status = 409, description = "It stands in a file of the person's own, or is needed"),
    )
)]
pub(super) async fn delete_rule(
    caller: MayOn<ManageRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<RuleRemoved>, Problem> {
    let claims = caller.on(&name)?;
    require_recent(claims, front.now(), front.desk().auth()).await?;
    if !front.tables().rules.contains_key(&name) {
        return Err(unknown_rule(&name));
    }
    let overlay = front.desk().overlay()?;
    let _turn = front.desk().turn();
    may_stand_here(&front, &name)?;
    let text = overlay.without(&name)?;
    front
        .reloader()
        .look(&text)
        .map_err(|errors| super::front::bad_configuration(&errors))?;
    front.go_over(&text)?;
    tracing::info!(by = claims.nam, rule = name, "rule removed");
    Ok(Json(RuleRemoved { removed: true }))
}

/// Look whether a rule could be written so.
///
/// By the same check as `pistack config check`. Nothing is written. The answer is 200 whether it is right or not;
/// `faults` tells.
#[utoipa::path(
    post, path = "/api/rules/check", operation_id = "check_rule", tag = "rules",
    request_body = CheckRequest,
    responses((status = 200, description = "What was found", body = CheckAnswer))
)]
pub(super) async fn check_rule(
    _: May<ManageRule>,
    State(front): State<Front>,
    extract::Json(request): extract::Json<CheckRequest>,
) -> Result<Json<CheckAnswer>, Problem> {
    let toml = text_of(request.toml, request.rule.as_ref())?;
    let overlay = front.desk().overlay()?;
    let name = request.name.trim();
    let rule = to_json(&toml);
    let found = match (may_stand_here(&front, name), &rule) {
        (Err(problem), _) => vec![Fault::whole(&problem)],
        (Ok(()), None) => vec![Fault::of_text(&toml)],
        (Ok(()), Some(_)) => match front.reloader().look(&overlay.with(name, &toml)?) {
            Ok(tables) if tables.rules.contains_key(name) => Vec::new(),
            Ok(_) => vec![Fault::whole(&not_read(overlay))],
            Err(errors) => faults(&errors, overlay, name),
        },
    };
    Ok(Json(CheckAnswer {
        faults: found,
        toml,
        rule: rule.unwrap_or_default(),
    }))
}

/// What a rule may name.
#[utoipa::path(
    get, path = "/api/rules/names", operation_id = "list_names", tag = "rules",
    responses((status = 200, description = "Names", body = NamesAnswer))
)]
pub(super) async fn list_names(_: May<ReadRule>, State(front): State<Front>) -> Json<NamesAnswer> {
    let tables = front.tables();
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Json(NamesAnswer {
        programs: tables.names.programs.clone(),
        lines: tables.names.lines.clone(),
        channels: tables.channels.keys().cloned().collect(),
        rules: tables.rules.keys().cloned().collect(),
        events: all(&EVENTS),
        metrics: all(&METRICS),
    })
}

fn text_of(toml: Option<String>, rule: Option<&Map<String, Value>>) -> Result<String, Problem> {
    let text = match (toml, rule) {
        (Some(toml), None) => toml,
        (None, Some(rule)) => to_toml(rule).map_err(Problem::bad_request)?,
        _ => return Err(Problem::bad_request("give `toml`, or `rule`")),
    };
    if text.len() > LONGEST {
        return Err(Problem::bad_request("the rule is longer than 16 KB"));
    }
    // Windows browsers send forms with their own line ends.
    Ok(text.replace("\r\n", "\n"))
}

/// A name that can be written here: a plain one, and not one of another file.
fn may_stand_here(front: &Front, name: &str) -> Result<(), Problem> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(Problem::bad_request("this cannot be a rule's name")
            .detail("Use letters, digits, `-` and `_`, 64 at most."));
    }
    let tables = front.tables();
    match tables.places.get(name) {
        Some(place) if !front.desk().is_ours(&place.file) => Err(Problem::new(
            StatusCode::CONFLICT,
            "rule_elsewhere",
            "this rule stands in a file of your own",
        )
        .detail(format!(
            "It stands at {}:{}; change it there, or choose another name.",
            place.file.display(),
            place.line
        ))
        .with("file", place.file.display().to_string())
        .with("line", place.line)),
        _ => Ok(()),
    }
}

fn not_read(overlay: &Overlay) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "overlay_not_read",
        "rules made here would not be read",
    )
    .detail(format!(
        "{} is read only beside a pistack.toml; make one, empty if you like.",
        overlay.path().display()
    ))
}

/// The configuration's errors as seen from the rule.
fn faults(errors: &ConfigErrors, overlay: &Overlay, name: &str) -> Vec<Fault> {
    let file = overlay.path().display().to_string();
    errors.0.iter().map(|error| fault(error, &file, name)).collect()
}

fn fault(error: &ConfigError, file: &str, name: &str) -> Fault {
    let keys = if error.file == file {
        keys_at(&error.text, error.span.start)
    } else {
        Vec::new()
    };
    let message = error
        .message
        .strip_prefix(&format!("rule `{name}`: "))
        .unwrap_or(&error.message)
        .to_owned();
    match keys.as_slice() {
        [rule, this, path @ ..] if rule == "rule" && this == name => Fault {
            path: path.join("."),
            line: head_of(&error.text, name).and_then(|head| error.line.checked_sub(head)),
            message,
            help: error.help.clone(),
            place: None,
        },
        _ => Fault {
            path: String::new(),
            line: None,
            message,
            help: error.help.clone(),
            place: Some(format!("{}:{}", error.file, error.line)),
        },
    }
}

/// The line of a rule's head, from 1.
fn head_of(text: &str, name: &str) -> Option<u32> {
    let heads = [format!("[rule.{name}]"), format!("[rule.\"{name}\"]")];
    let found = text.lines().position(|line| {
        let line = line.trim();
        heads.iter().any(|head| line.starts_with(head.as_str()))
    });
    found.and_then(|line| u32::try_from(line + 1).ok())
}

impl Fault {
    fn whole(problem: &Problem) -> Self {
        Self {
            path: "name".to_owned(),
            line: None,
            message: problem.body().message.clone(),
            help: problem.body().detail.clone(),
            place: None,
        }
    }

    /// Of a text that is no TOML.
    fn of_text(toml: &str) -> Self {
        let error = toml.parse::<toml_edit::DocumentMut>().err();
        let start = error.as_ref().and_then(toml_edit::TomlError::span);
        let line = start.map(|span| {
            let before = toml.get(..span.start).unwrap_or_default();
            before.matches('\n').count() as u32 + 1
        });
        Self {
            path: String::new(),
            line,
            message: error.map_or_else(String::new, |error| error.message().to_owned()),
            help: None,
            place: None,
        }
    }
}

#[cfg(test)]
mod tests;
