//! Rules: the list with its channels, and one rule with what it did and what it would do. Making them is in
//! `rule_edit`.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::right::{ManageRule, ReadChannel, ReadRule, Right as _, RunRule, SendChannel};
use pistack_api::service::Service;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Form, Lenient, Name};
use crate::error::Failure;
use crate::identity::Person;
use crate::inert::line;
use crate::logs::query::encode;
use crate::moment::Moment;
use crate::reason_words;
use crate::rule_words;
use crate::state::Dashboard;
use crate::timeline::Item;
use crate::upstream::rules::{Channel, Firing, Outcome, Rule, RuleText, Rules};
use crate::view;
use crate::visit::Visit;
use crate::words::{Words, length};

/// Firings on a rule's page, and events to try it with.
const SHOWN: usize = 20;
/// Events that a rule may be tried with.
const TRIABLE: &str =
    "PROCESS_STATE_EXITED,PROCESS_STATE_FATAL,PROCESS_STATE_BACKOFF,STACK,GPIO_EDGE,WEBHOOK";

/// A rule of the list.
#[derive(Debug)]
pub(crate) struct RuleRow {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) when: String,
    pub(crate) then: String,
    pub(crate) state: RuleState,
    pub(crate) last: Option<Moment>,
    pub(crate) next: Option<String>,
    pub(crate) place: String,
    pub(crate) editable: bool,
    pub(crate) may_switch: bool,
    pub(crate) may_run: bool,
    pub(crate) enabled: bool,
    pub(crate) active: bool,
}

/// How a rule stands.
#[derive(Debug)]
pub(crate) struct RuleState {
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) detail: String,
}

impl RuleRow {
    fn new(rule: &Rule, person: &Person) -> Self {
        let t = person.visit.t;
        let place = match (&rule.file, rule.line) {
            (Some(file), Some(number)) => {
                let short = std::path::Path::new(file)
                    .file_name()
                    .map_or(file.as_str(), |name| name.to_str().unwrap_or(file));
                format!("{}:{number}", line(short))
            }
            _ => String::new(),
        };
        Self {
            name: line(&rule.name),
            address: encode(&rule.name),
            when: rule_words::when(&rule.definition, t),
            then: rule_words::then(&rule.definition, t),
            state: RuleState::of(rule, t),
            last: rule.last_fired.map(|at| Moment::at(at, person.visit.lang)),
            next: rule
                .next_allowed_in
                .map(|seconds| length(i64::try_from(seconds).unwrap_or(i64::MAX))),
            place,
            editable: rule.editable,
            may_switch: person.may_on(ManageRule::INFO, &rule.name),
            may_run: person.may_on(RunRule::INFO, &rule.name),
            enabled: rule.enabled,
            active: !rule.active.is_empty(),
        }
    }
}

impl RuleState {
    fn of(rule: &Rule, t: &'static Words) -> Self {
        let (class, icon, word, detail) = match (&rule.problem, rule.enabled, rule.active.is_empty()) {
            (Some(problem), ..) => ("bad", "circle-alert", t.rules_broken, line(problem)),
            (None, false, _) => ("", "circle-pause", t.rules_off, String::new()),
            (None, true, false) => {
                let about: Vec<_> = rule
                    .active
                    .iter()
                    .filter(|key| !key.is_empty())
                    .map(|key| line(key))
                    .collect();
                ("warn", "zap", t.rules_active, about.join(", "))
            }
            (None, true, true) => ("ok", "circle-check", t.rules_on, String::new()),
        };
        Self {
            class,
            icon,
            word,
            detail,
        }
    }
}

/// A channel of the list.
#[derive(Debug)]
pub(crate) struct ChannelRow {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) fallback: Option<String>,
    pub(crate) waiting: i64,
    pub(crate) last: Option<Moment>,
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) detail: String,
    pub(crate) may_test: bool,
}

impl ChannelRow {
    fn new(channel: &Channel, person: &Person) -> Self {
        let t = person.visit.t;
        let (class, icon, word) = match channel.last_state.as_deref() {
            Some("sent") => ("ok", "circle-check", t.rules_channel_sent),
            Some("failed") => ("bad", "circle-x", t.rules_channel_failed),
            Some("handed_over") => ("warn", "arrow-right", t.rules_channel_handed),
            Some("waiting") => ("busy", "clock", t.rules_channel_waiting),
            _ => ("", "circle-dashed", t.rules_channel_unused),
        };
        Self {
            name: line(&channel.name),
            address: encode(&channel.name),
            kind: line(&channel.kind),
            to: line(&channel.to),
            fallback: channel.fallback.as_deref().map(line),
            waiting: channel.waiting,
            last: channel.last_at.map(|at| Moment::at(at, person.visit.lang)),
            class,
            icon,
            word,
            detail: channel.last_detail.as_deref().map(line).unwrap_or_default(),
            may_test: person.may_on(SendChannel::INFO, &channel.name),
        }
    }
}

/// The list.
#[derive(Debug, Template)]
#[template(path = "rules.html")]
pub(crate) struct RulesPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) rules: Result<Vec<RuleRow>, String>,
    /// `None` where the person may see none.
    pub(crate) channels: Option<Vec<ChannelRow>>,
    pub(crate) may_make: bool,
}

/// What was done just now.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    pub(crate) done: String,
}

fn told(t: &Words, done: &str) -> Option<String> {
    Some(
        match done {
            "saved" => t.rules_did_save,
            "removed" => t.rules_did_remove,
            "on" => t.rules_did_on,
            "off" => t.rules_did_off,
            "fire" => t.rules_did_fire,
            "resolve" => t.rules_did_resolve,
            _ => return None,
        }
        .to_owned(),
    )
}

/// `GET /rules`
pub(crate) async fn rules(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let told = told(person.visit.t, &query.done);
    list(&dashboard, &person, StatusCode::OK, told, None).await
}

async fn list(
    dashboard: &Dashboard,
    person: &Person,
    status: StatusCode,
    told: Option<String>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    if !person.may(ReadRule::INFO) {
        return Err(Failure::Forbidden);
    }
    let asked = Rules {
        dashboard,
        token: &person.token,
    };
    let sees_channels = person.may(ReadChannel::INFO);
    let (rules, channels) = tokio::join!(asked.list(), async {
        if sees_channels {
            asked.channels().await
        } else {
            Ok(Vec::new())
        }
    });
    let rules = match rules {
        Ok(rules) => Ok(rules.iter().map(|rule| RuleRow::new(rule, person)).collect()),
        Err(Failure::Down(_)) => Err(person.visit.t.rules_down.to_owned()),
        Err(failure) => return Err(failure),
    };
    let channels = channels.ok().filter(|_| sees_channels);
    let page = RulesPage {
        v: &person.visit,
        told,
        problem,
        rules,
        channels: channels.map(|all| all.iter().map(|one| ChannelRow::new(one, person)).collect()),
        may_make: person.may(ManageRule::INFO),
    };
    view::page(status, &page)
}

/// An event to try a rule with.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) value: String,
    pub(crate) word: String,
    pub(crate) at: Moment,
}

/// A firing on a rule's page.
#[derive(Debug)]
pub(crate) struct FiringRow {
    pub(crate) at: Moment,
    pub(crate) item: Item,
    pub(crate) why: String,
}

/// One rule.
#[derive(Debug, Template)]
#[template(path = "rule.html")]
pub(crate) struct RulePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) row: RuleRow,
    pub(crate) file: String,
    pub(crate) toml: String,
    pub(crate) held: u64,
    pub(crate) last_held: Option<String>,
    pub(crate) firings: Vec<FiringRow>,
    pub(crate) trials: Vec<Trial>,
    pub(crate) tried: String,
    pub(crate) outcome: Option<Outcome>,
}

/// `GET /rules/rule/{name}`
pub(crate) async fn rule(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let shown = Shown {
        told: told(person.visit.t, &query.done),
        ..Shown::default()
    };
    show(&dashboard, &person, &name, StatusCode::OK, shown).await
}

/// What a rule's page shows beside the rule.
#[derive(Debug, Default)]
struct Shown {
    told: Option<String>,
    problem: Option<String>,
    tried: String,
    outcome: Option<Outcome>,
}

async fn show(
    dashboard: &Dashboard,
    person: &Person,
    name: &str,
    status: StatusCode,
    shown: Shown,
) -> Result<Response, Failure> {
    if !person.may_on(ReadRule::INFO, name) {
        return Err(Failure::Forbidden);
    }
    let asked = Rules {
        dashboard,
        token: &person.token,
    };
    let rule = asked.find(name).await?;
    let (text, firings, trials) = tokio::join!(
        asked.text(name),
        asked.log(Some(name), SHOWN),
        trials(asked, person, name)
    );
    let RuleText {
        file,
        line: number,
        toml,
        ..
    } = text.unwrap_or_default();
    let t = person.visit.t;
    let firings = firings.unwrap_or_default();
    let page = RulePage {
        v: &person.visit,
        told: shown.told,
        problem: shown.problem,
        row: RuleRow::new(&rule, person),
        file: if file.is_empty() {
            String::new()
        } else {
            format!("{}:{number}", line(&file))
        },
        toml: crate::inert::log(&toml),
        held: rule.held,
        last_held: rule
            .last_held
            .as_deref()
            .map(|why| reason_words::tell(&rule.last_held_reasons, why, t)),
        firings: firings
            .iter()
            .map(|firing| FiringRow {
                at: Moment::at(firing.at, person.visit.lang),
                item: Item::fired(firing, t),
                why: reason_words::tell(&firing.reasons, &firing.why, t),
            })
            .collect(),
        trials,
        tried: shown.tried,
        outcome: shown.outcome,
    };
    view::page(status, &page)
}

/// The events that a rule may be tried with: those of its own firings, then what happened lately.
async fn trials(asked: Rules<'_>, person: &Person, name: &str) -> Vec<Trial> {
    let (t, lang) = (person.visit.t, person.visit.lang);
    let (fired, happened) = tokio::join!(asked.log(Some(name), 5), asked.events(TRIABLE, None, None, SHOWN));
    let of_firing = |firing: &Firing| Trial {
        value: format!("f{}", firing.id),
        word: t.rules_trial_fired(line(&firing.key)),
        at: Moment::at(firing.at, lang),
    };
    let fired = fired.unwrap_or_default();
    let happened = happened.unwrap_or_default();
    let events = happened.iter().filter_map(|entry| {
        let item = Item::happened(entry, t)?;
        Some(Trial {
            value: format!("e{}", entry.id),
            word: format!("{} {}", item.subject, item.text),
            at: Moment::at(entry.at, lang),
        })
    });
    fired.iter().map(of_firing).chain(events).collect()
}

/// The event that was chosen.
#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    #[serde(default)]
    event: String,
    /// Of an event that is made up.
    #[serde(default)]
    program: String,
}

/// `POST /rules/rule/{name}/test`
pub(crate) async fn test(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Failure> {
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let mut shown = Shown {
        tried: chosen.event.clone(),
        ..Shown::default()
    };
    let outcome = match event_of(asked, &chosen).await? {
        Some(event) => asked.test(&name, event).await,
        None => Err(Failure::Form),
    };
    let status = match outcome {
        Ok(outcome) => {
            shown.outcome = Some(Outcome {
                fires: outcome.fires,
                why: reason_words::tell(&outcome.reasons, &outcome.why, person.visit.t),
                reasons: Vec::new(),
                actions: outcome.actions.iter().map(|action| line(action)).collect(),
            });
            StatusCode::OK
        }
        Err(failure @ (Failure::Refused(_) | Failure::Form)) => {
            shown.problem = Some(failure.words(person.visit.t).1);
            failure.status()
        }
        Err(failure) => return Err(failure),
    };
    show(&dashboard, &person, &name, status, shown).await
}

async fn event_of(asked: Rules<'_>, chosen: &Chosen) -> Result<Option<Value>, Failure> {
    let number = |prefix: char| chosen.event.strip_prefix(prefix)?.parse::<u64>().ok();
    if let Some(id) = number('f') {
        return Ok(Some(json!({ "firing": id })));
    }
    if let Some(id) = number('e') {
        let events = asked.events(TRIABLE, None, None, 500).await?;
        let found = events.into_iter().find(|entry| entry.id == id);
        return Ok(found.map(
            |entry| json!({ "event": { "name": entry.name, "fields": entry.fields, "at": entry.at } }),
        ));
    }
    let program = chosen.program.trim();
    if program.is_empty() {
        return Ok(None);
    }
    let (group, process) = program.split_once(':').unwrap_or((program, program));
    let fields = json!({ "processname": process, "groupname": group, "from_state": "RUNNING", "expected": "0", "pid": "1" });
    Ok(Some(
        json!({ "event": { "name": "PROCESS_STATE_EXITED", "fields": fields } }),
    ))
}

/// What a button says.
#[derive(Debug, Deserialize)]
pub(crate) struct Switch {
    #[serde(rename = "do")]
    what: String,
    #[serde(default)]
    back: String,
}

/// `POST /rules/rule/{name}/set`
pub(crate) async fn set(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Form(switch): Form<Switch>,
) -> Result<Response, Failure> {
    let (what, done) = match switch.what.as_str() {
        "on" => ("enable", "on"),
        "off" => ("disable", "off"),
        "fire" => ("fire", "fire"),
        "resolve" => ("resolve", "resolve"),
        _ => return Err(Failure::Form),
    };
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    match asked.set(&name, what).await {
        Ok(()) if switch.back == "list" => Ok(person.visit.redirect(&format!("/rules?done={done}"))),
        Ok(()) => Ok(person
            .visit
            .redirect(&format!("/rules/rule/{}?done={done}", encode(&name)))),
        Err(failure @ Failure::Refused(_)) => {
            let problem = Some(failure.words(person.visit.t).1);
            list(&dashboard, &person, failure.status(), None, problem).await
        }
        Err(failure) => Err(failure),
    }
}

/// `POST /rules/channel/{name}/test`
pub(crate) async fn test_channel(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let t = person.visit.t;
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let shown = line(&name);
    match asked.test_channel(&name).await {
        Ok(tested) if tested.ok => {
            let told = t.rules_test_sent(&shown, line(&tested.detail));
            list(&dashboard, &person, StatusCode::OK, Some(told), None).await
        }
        Ok(tested) => {
            let problem = t.rules_test_failed(&shown, line(&tested.detail));
            list(&dashboard, &person, StatusCode::OK, None, Some(problem)).await
        }
        Err(failure @ (Failure::Refused(_) | Failure::Down(Service::Rules))) => {
            let problem = t.rules_test_failed(&shown, &failure.words(t).1);
            list(&dashboard, &person, failure.status(), None, Some(problem)).await
        }
        Err(failure) => Err(failure),
    }
}
