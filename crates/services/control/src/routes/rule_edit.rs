//! Making, changing and removing a rule: a form beside its TOML. Both are looked at by the rules service before anything
//! is written.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::right::{ManageRule, Right as _};
use pistack_api::service::Service;
use serde_json::{Value, json};

use super::Name;
use crate::error::Failure;
use crate::identity::Person;
use crate::inert;
use crate::logs::query::{encode, pairs};
use crate::rule_form::{self, RuleForm, field_of};
use crate::state::Dashboard;
use crate::upstream::account;
use crate::upstream::rules::{Fault, Names, Rules};
use crate::view;
use crate::visit::Visit;

/// Asks for the password within the form.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    pub(crate) asked: bool,
    pub(crate) wants_code: bool,
    pub(crate) problem: Option<String>,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "rule_edit.html")]
pub(crate) struct EditPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) form: RuleForm,
    /// The rule as text.
    pub(crate) toml: String,
    /// The form cannot show all of it.
    pub(crate) beyond: bool,
    /// By field; what belongs to none has the empty name.
    pub(crate) faults: BTreeMap<String, Vec<String>>,
    pub(crate) checked: bool,
    pub(crate) names: Names,
    /// The rule that is changed; empty for a new one.
    pub(crate) old: String,
    /// What the last button belonged to.
    pub(crate) mode: Mode,
    pub(crate) proof: Proof,
}

/// By form or by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Form,
    Text,
}

impl Mode {
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text)
    }
}

impl EditPage<'_> {
    /// What is wrong with a field.
    pub(crate) fn faults_of(&self, field: &str) -> &[String] {
        self.faults.get(field).map_or(&[], Vec::as_slice)
    }

    /// What is wrong with an action.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "a template hands in what it loops over"
    )]
    pub(crate) fn faults_of_action(&self, number: &usize) -> &[String] {
        self.faults_of(&format!("a{number}_to"))
    }
}

fn may(person: &Person) -> Result<(), Failure> {
    if person.may(ManageRule::INFO) {
        Ok(())
    } else {
        Err(Failure::Forbidden)
    }
}

async fn names(asked: Rules<'_>) -> Result<Names, Failure> {
    let mut names = match asked.names().await {
        // A right to one rule alone does not list everything; the form works without suggestions.
        Err(Failure::Forbidden) => Names::default(),
        other => other?,
    };
    // What cannot be shown as it is cannot be chosen either.
    for list in [&mut names.programs, &mut names.lines, &mut names.channels] {
        list.retain(|name| inert::line(name) == *name);
    }
    Ok(names)
}

/// `GET /rules/new`
pub(crate) async fn new(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    may(&person)?;
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let page = EditPage {
        v: &person.visit,
        form: RuleForm::fresh(),
        toml: String::new(),
        beyond: false,
        faults: BTreeMap::new(),
        checked: false,
        names: names(asked).await?,
        old: String::new(),
        mode: Mode::Form,
        proof: Proof::default(),
    };
    view::page(StatusCode::OK, &page)
}

/// `GET /rules/edit/{name}`
pub(crate) async fn edit(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    may(&person)?;
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let text = asked.text(&name).await?;
    if !text.editable {
        return Ok(person.visit.redirect(&format!("/rules/rule/{}", encode(&name))));
    }
    let form = RuleForm::of(&name, &text.rule);
    let page = EditPage {
        v: &person.visit,
        beyond: form.is_none(),
        mode: if form.is_none() { Mode::Text } else { Mode::Form },
        form: form.unwrap_or_else(|| named(&name)),
        toml: inert::log(&text.toml),
        faults: BTreeMap::new(),
        checked: false,
        names: names(asked).await?,
        old: name,
        proof: Proof::default(),
    };
    view::page(StatusCode::OK, &page)
}

fn named(name: &str) -> RuleForm {
    RuleForm::read(&[("name".to_owned(), name.to_owned())])
}

/// A form that was posted.
struct Posted {
    pairs: Vec<(String, String)>,
    form: RuleForm,
    mode: Mode,
    save: bool,
}

impl Posted {
    fn read(body: &str) -> Self {
        let pairs = pairs(body);
        let form = RuleForm::read(&pairs);
        Self {
            mode: if form.is("mode", "text") {
                Mode::Text
            } else {
                Mode::Form
            },
            save: form.is("do", "save"),
            form,
            pairs,
        }
    }

    /// A field as it came, line ends and spaces as well.
    fn raw(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The rule for the service.
    fn written(&self) -> Value {
        match self.mode {
            Mode::Form => json!({ "rule": self.form.json() }),
            Mode::Text => json!({ "toml": self.raw("toml") }),
        }
    }
}

/// `POST /rules/save`: looks at the rule, and writes it if that is wanted and nothing is wrong.
pub(crate) async fn save(
    State(dashboard): State<Dashboard>,
    person: Person,
    body: String,
) -> Result<Response, Failure> {
    may(&person)?;
    let posted = Posted::read(&body);
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let old = posted.form.get("old").to_owned();
    let name = if old.is_empty() {
        posted.form.get("name").to_owned()
    } else {
        old.clone()
    };
    let written = posted.written();
    let mut page = EditPage {
        v: &person.visit,
        form: posted.form.clone(),
        toml: inert::log(posted.raw("toml")),
        beyond: false,
        faults: BTreeMap::new(),
        checked: false,
        names: names(asked).await?,
        old,
        mode: posted.mode,
        proof: Proof::default(),
    };
    let checked = match asked.check(&name, &written).await {
        Ok(checked) => checked,
        Err(failure @ Failure::Refused(_)) => {
            page.fault("", failure.words(person.visit.t).1);
            return view::page(failure.status(), &page);
        }
        Err(failure) => return Err(failure),
    };
    page.take(&checked.faults);
    page.checked = true;
    if posted.mode == Mode::Form {
        page.toml = inert::log(&checked.toml);
    } else if let Some(form) = RuleForm::of(&name, &checked.rule) {
        page.form = form;
    } else {
        page.form = named(&name);
        page.beyond = !checked.rule.is_empty();
    }
    if !page.faults.is_empty() {
        return view::page(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    if !posted.save {
        return view::page(StatusCode::OK, &page);
    }
    let outcome = match prove(&dashboard, &person, &posted).await {
        Ok(()) => asked.write(&name, &written).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => Ok(person
            .visit
            .redirect(&format!("/rules/rule/{}?done=saved", encode(&name)))),
        Err(failure) => page.refused(&dashboard, &person, failure).await,
    }
}

/// Proves who it is, where the password came along.
async fn prove(dashboard: &Dashboard, person: &Person, posted: &Posted) -> Result<(), Failure> {
    let password = posted.raw("password");
    if password.is_empty() {
        return Ok(());
    }
    account::reauth(dashboard, &person.token, password, posted.form.get("otp")).await
}

impl EditPage<'_> {
    fn fault(&mut self, field: &str, text: String) {
        self.faults.entry(field.to_owned()).or_default().push(text);
    }

    fn take(&mut self, faults: &[Fault]) {
        for fault in faults {
            let mut text = inert::line(&fault.message);
            if let Some(help) = &fault.help {
                text = format!("{text}. {}", inert::line(help));
            }
            match (&fault.place, fault.line, self.mode) {
                (Some(place), ..) => text = format!("{}: {text}", inert::line(place)),
                (None, Some(number), Mode::Text) => text = format!("{}: {text}", self.v.t.rules_line(number)),
                _ => {}
            }
            let field = if self.mode == Mode::Text && fault.path != "name" {
                "toml".to_owned()
            } else {
                field_of(fault)
            };
            self.fault(&field, text);
        }
    }

    /// What the service said to writing: ask for the password, or tell.
    async fn refused(
        mut self,
        dashboard: &Dashboard,
        person: &Person,
        failure: Failure,
    ) -> Result<Response, Failure> {
        let t = person.visit.t;
        let wrong = match &failure {
            Failure::Refused(body) if body.code == "reauthentication-required" => None,
            // The session is good, or nothing would have been checked: it is the password that is wrong.
            Failure::SignIn => Some(t.wrong_password.to_owned()),
            Failure::Refused(body) if body.code.contains("second-factor") || body.code == "throttled" => {
                Some(failure.words(t).1)
            }
            Failure::Refused(_) | Failure::Down(Service::Rules) => {
                let text = failure.words(t).1;
                self.fault("", text);
                return view::page(failure.status(), &self);
            }
            _ => return Err(failure),
        };
        let factor = account::factor(dashboard, &person.token).await?;
        let status = if wrong.is_some() {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        };
        self.proof = Proof {
            asked: true,
            wants_code: factor.enabled,
            problem: wrong,
        };
        view::page(status, &self)
    }
}

/// Asks before a rule goes.
#[derive(Debug, Template)]
#[template(path = "rule_remove.html")]
pub(crate) struct RemovePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) problem: Option<String>,
    pub(crate) proof: Proof,
}

/// `POST /rules/rule/{name}/remove`: asks first, and for the password where that is needed.
pub(crate) async fn remove(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    body: String,
) -> Result<Response, Failure> {
    may(&person)?;
    let posted = Posted::read(&body);
    let mut page = RemovePage {
        v: &person.visit,
        name: inert::line(&name),
        address: encode(&name),
        problem: None,
        proof: Proof::default(),
    };
    if !posted.form.is("sure", "yes") {
        return view::page(StatusCode::OK, &page);
    }
    let asked = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let outcome = match prove(&dashboard, &person, &posted).await {
        Ok(()) => asked.remove(&name).await,
        Err(failure) => Err(failure),
    };
    let failure = match outcome {
        Ok(()) => return Ok(person.visit.redirect("/rules?done=removed")),
        Err(failure) => failure,
    };
    let t = person.visit.t;
    let status = match &failure {
        Failure::Refused(body) if body.code == "reauthentication-required" => StatusCode::OK,
        Failure::SignIn => {
            page.proof.problem = Some(t.wrong_password.to_owned());
            StatusCode::UNAUTHORIZED
        }
        Failure::Refused(body) if body.code.contains("second-factor") || body.code == "throttled" => {
            page.proof.problem = Some(failure.words(t).1);
            StatusCode::UNAUTHORIZED
        }
        Failure::Refused(_) => {
            page.problem = Some(failure.words(t).1);
            return view::page(failure.status(), &page);
        }
        _ => return Err(failure),
    };
    page.proof.asked = true;
    page.proof.wants_code = account::factor(&dashboard, &person.token).await?.enabled;
    view::page(status, &page)
}

/// Numbers of the form's actions.
pub(crate) const ACTIONS: std::ops::Range<usize> = 0..rule_form::ACTIONS;
