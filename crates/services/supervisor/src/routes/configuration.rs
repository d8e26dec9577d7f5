//! What a process is run with, and in which file each value stands.

use axum::Json;
use axum::extract::State;
use pistack_api::right::{ManageProcess, Object, ReadProcess, Right as _};
use pistack_api::written::{Place, Written};
use pistack_api::xmlrpc::Value;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::names::namespec;
use crate::routes::ProcessName;
use crate::state::Supervisor;

/// One value of a process's configuration.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ConfigValue {
    /// supervisord's name for it.
    #[schema(example = "startsecs")]
    key: String,
    /// What is in effect, as text; empty where nothing is set.
    #[schema(example = "1")]
    value: String,
    /// The file it was written in. Absent: its default is in effect, or the supervisor does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/etc/pistack/pistack.toml")]
    file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 12)]
    line: Option<u32>,
}

impl ConfigValue {
    fn at(mut self, place: Option<Place>) -> Self {
        if let Some(place) = place {
            self.file = Some(place.file);
            self.line = Some(place.line);
        }
        self
    }
}

/// One variable of a process's environment.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ConfigVariable {
    /// Its name.
    #[schema(example = "MQTT_HOST")]
    name: String,
    /// Its value; absent for a caller who may not change how the process is run (`process:NAME:manage`), since it may
    /// be a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The file it was written in. Absent: pistack sets it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

/// What a process is run with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    /// Every value in effect, by key.
    values: Vec<ConfigValue>,
    /// Whether the supervisor told in which file each value stands.
    places: bool,
    /// True for pistack's own programs, which no file defines.
    built_in: bool,
    /// What the configuration adds to the environment, by name. Empty where the supervisor does not tell.
    environment: Vec<ConfigVariable>,
}

/// The configuration that is in effect for a process, as `getAllConfigInfo` tells it, each value with the file and
/// line that it comes from.
#[utoipa::path(
    get, path = "/api/supervisor/processes/{name}/config", operation_id = "get_process_config", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses((status = 200, description = "The values", body = ConfigView))
)]
pub(crate) async fn get_process_config(
    caller: MayOn<ReadProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Json<ConfigView>, Problem> {
    let claims = state.permit(&caller, &name).await?;
    let process = state.find(&name).await?;
    let full = namespec(&process);
    let manages = [name.as_str(), &full, &process.name]
        .into_iter()
        .any(|name| claims.may(ManageProcess::INFO, Object::Named(name)).is_ok());
    let members = state.daemon.config(&process.group, &process.name).await?;
    let written = state.daemon.written(&process.group, &process.name).await?;
    Ok(Json(view(&members, written, manages)))
}

/// Both answers of the supervisor as one. `secrets`: the caller sees values of the environment.
fn view(members: &[(String, Value)], written: Option<Written>, secrets: bool) -> ConfigView {
    let places = written.is_some();
    let mut written = written.unwrap_or_default();
    let told = members
        .iter()
        .filter(|(key, _)| !["inuse", "name", "group"].contains(&key.as_str()))
        .map(|(key, value)| ConfigValue {
            key: key.clone(),
            value: text(value),
            ..ConfigValue::default()
        });
    let mut values: Vec<_> = told.collect();
    for one in written.values {
        match (values.iter_mut().find(|value| value.key == one.key), one.value) {
            (Some(value), _) => *value = std::mem::take(value).at(one.place),
            (None, Some(text)) => values.push(
                ConfigValue {
                    key: one.key,
                    value: text,
                    ..ConfigValue::default()
                }
                .at(one.place),
            ),
            (None, None) => {}
        }
    }
    values.sort_by(|one, other| one.key.cmp(&other.key));
    written
        .environment
        .sort_by(|one, other| one.name.cmp(&other.name));
    let environment = written.environment.into_iter().map(|variable| {
        let (file, line) = variable.place.map(|place| (place.file, place.line)).unzip();
        ConfigVariable {
            name: variable.name,
            value: secrets.then_some(variable.value),
            file,
            line,
        }
    });
    ConfigView {
        values,
        places,
        built_in: written.built_in,
        environment: environment.collect(),
    }
}

/// A value as a configuration file would have it.
fn text(value: &Value) -> String {
    match value {
        Value::Bool(yes) => yes.to_string(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Int(number) => number.to_string(),
        other => match other.as_str() {
            None | Some("none") => String::new(),
            Some(text) => text.to_owned(),
        },
    }
}
