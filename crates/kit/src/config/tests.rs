//! Documents of several files, and every error with its place.

use std::collections::BTreeMap;

use miette::{Diagnostic as _, GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The gateway.
    gateway: Gateway,
    /// Programs by name.
    program: BTreeMap<String, Program>,
    /// Rules, in their order.
    rule: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Gateway {
    /// TCP port.
    port: u16,
    /// How long to wait.
    timeout: Span,
    names: Vec<String>,
    mode: Mode,
    note: Option<String>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            port: 443,
            timeout: Span::seconds(5),
            names: Vec::new(),
            mode: Mode::Strict,
            note: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Strict,
    Lenient,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Program {
    /// What to run.
    command: String,
    #[serde(default)]
    priority: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    Stop { program: String },
    Mail { to: String, after: Option<Span> },
}

fn parse(texts: &[&str]) -> Result<Document, ConfigErrors> {
    let sources = texts.iter().enumerate().map(|(number, text)| Source {
        name: format!("{number}.toml"),
        text: (*text).to_owned(),
    });
    Document::parse(sources.collect())
}

fn read(texts: &[&str]) -> Result<Config, ConfigErrors> {
    parse(texts)?.read()
}

/// `FILE:LINE: MESSAGE` of every error.
fn errors(texts: &[&str]) -> Vec<String> {
    read(texts)
        .unwrap_err()
        .0
        .iter()
        .map(ConfigError::one_line)
        .collect()
}

#[test]
fn no_text_is_the_default() {
    assert_eq!(read(&[]).unwrap(), Config::default());
    assert_eq!(read(&["", "# nothing\n"]).unwrap(), Config::default());
}

#[test]
fn files_add_up_key_by_key() {
    let config = read(&[
        "[gateway]\nport = 1\n[program.a]\ncommand = 'x'\n[[rule]]\naction = 'stop'\nprogram = 'a'\n",
        "[gateway]\ntimeout = '2m'\nmode = 'lenient'\n[program.b]\ncommand = 'y'\npriority = -3\n\
         [[rule]]\naction = 'mail'\nto = 'me'\nafter = 3\n",
    ])
    .unwrap();
    assert_eq!(
        (config.gateway.port, config.gateway.timeout, config.gateway.mode),
        (1, Span::seconds(120), Mode::Lenient)
    );
    assert_eq!(
        config.program["b"],
        Program {
            command: "y".into(),
            priority: -3
        }
    );
    let rules = [
        Rule::Stop { program: "a".into() },
        Rule::Mail {
            to: "me".into(),
            after: Some(Span::seconds(3)),
        },
    ];
    assert_eq!(config.rule, rules);
}

#[test]
fn a_name_defined_twice_names_both_places() {
    let error = parse(&[
        "\n[program.camera]\ncommand = 'x'",
        "[gateway]\n\n[program.camera]\ncommand = 'y'",
    ])
    .unwrap_err();
    let [error] = &error.0[..] else {
        panic!("{error:?}")
    };
    assert_eq!(error.one_line(), "1.toml:3: [program.camera] is defined twice");
    assert_eq!(error.other, Some(("0.toml".into(), 2)));
    assert_eq!(
        errors(&["gateway.port = 1", "gateway.port = 2"]),
        ["1.toml:1: `port` in [gateway] is defined twice"]
    );
    assert_eq!(
        errors(&["[gateway]", "gateway = 3"]),
        ["1.toml:1: `gateway` is defined twice"]
    );

    let error = parse(&["[gateway]\nport = 1\nmode = 'strict'\nport = 2\n"]).unwrap_err();
    assert_eq!(
        (error.0[0].line, &error.0[0].other),
        (4, &Some(("0.toml".into(), 2))),
        "{error:?}"
    );
    let error = parse(&["[program.a]\ncommand = 'x'\n[gateway]\n[program.a]\n"]).unwrap_err();
    assert_eq!(
        (error.0[0].line, &error.0[0].other),
        (4, &Some(("0.toml".into(), 1))),
        "{error:?}"
    );
}

#[test]
fn a_text_that_is_no_toml_is_told_once_a_file() {
    let found = errors(&["[gateway]\nport = \nmode = x\n", "[gateway]\nport = 3", "a b c"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("0.toml:2: not TOML: "), "{found:?}");
    assert!(found[1].starts_with("2.toml:1: not TOML: "), "{found:?}");
}

#[test]
fn all_errors_come_at_once_each_with_its_line() {
    let text = "\
[gatway]
port = 1
[gateway]
port = 70000
timeout = 'soon'
names = ['a', 7]
mode = 'strickt'
[program.camera]
comand = 'x'
priority = 'high'
[program.door]
command = true
[[rule]]
action = 'explode'
[[rule]]
action = 'stop'
programm = 'x'
";
    let expected = [
        "0.toml:1: unknown key `gatway`; did you mean `gateway`?",
        "0.toml:4: `port` in [gateway] cannot be the number 70000: write a whole number from 0 to 65535",
        "0.toml:5: `timeout` in [gateway]: `soon` is no length of time; write a whole number and its unit, such as \
         \"500ms\", \"30s\", \"5m\", \"12h\" or \"7d\"",
        "0.toml:6: `names` in [gateway] cannot be the number 7: write a text in quotes",
        "0.toml:7: `mode` in [gateway] cannot be `strickt`; did you mean `strict`?",
        "0.toml:8: missing key `command` in [program.camera]",
        "0.toml:9: unknown key `comand` in [program.camera]; did you mean `command`?",
        "0.toml:10: `priority` in [program.camera] cannot be the text \"high\": write a whole number",
        "0.toml:12: `command` in [program.door] cannot be `true`: write a text in quotes",
    ];
    let found = errors(&[text]);
    assert_eq!(found[..expected.len()], expected);
    assert!(
        found
            .iter()
            .any(|error| error.starts_with("0.toml:14: ") && error.contains("explode")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|error| error.starts_with("0.toml:17: unknown key `programm`")),
        "{found:#?}"
    );
    assert!(
        found
            .iter()
            .any(|error| error == "0.toml:15: missing key `program` in [rule]"),
        "{found:#?}"
    );
    assert_eq!(found.len(), 12, "{found:#?}");
}

#[test]
fn help_says_what_to_write() {
    let errors = read(&["[gateway]\nport = 'x'\nwhatever = 1\n[program.a]\n"]).unwrap_err();
    let helps: Vec<&str> = errors
        .0
        .iter()
        .map(|error| error.help.as_deref().unwrap())
        .collect();
    assert_eq!(helps[0], "TCP port.");
    assert!(helps[1].starts_with("known here: `"), "{helps:?}");
    assert_eq!(helps[2], "add `command = ...`. What to run.");
}

#[test]
fn miette_draws_the_line() {
    let errors = read(&["[gateway]\nport = 'x'\n"]).unwrap_err();
    let mut picture = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    handler.render_report(&mut picture, &errors).unwrap();
    for part in ["pistack::config", "0.toml:2:8", "port = 'x'", "here", "TCP port."] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
    assert!(errors.related().is_some());
}

#[test]
fn keys_can_be_found_again() {
    let document = parse(&[
        "[gateway]\nport = 1\n",
        "\n[program.camera]\ncommand = 'x'\n[[rule]]\naction = 'stop'\n",
    ])
    .unwrap();
    assert!(document.contains(&["program", "camera", "command"]));
    assert!(!document.contains(&["program", "door"]));
    assert_eq!(document.locate(&["gateway", "port"]), Some(("0.toml".into(), 2)));
    assert_eq!(
        document.locate(&["program", "camera"]),
        Some(("1.toml".into(), 2))
    );
    assert_eq!(
        document.locate(&["program", "camera", "user"]),
        Some(("1.toml".into(), 2))
    );
    assert_eq!(
        document.locate(&["rule", "0", "action"]),
        Some(("1.toml".into(), 5))
    );
    assert_eq!(document.locate(&["nothing"]), None);
    let error = document.error_at(
        &["program", "camera", "command"],
        "no such file",
        Some("make it".into()),
    );
    assert_eq!(
        (error.one_line(), &error.text[error.span.clone()]),
        ("1.toml:3: no such file".into(), "'x'")
    );
    assert_eq!(document.error_at(&["nothing"], "m", None).line, 0);
}

#[test]
fn suggestions_are_near_or_absent() {
    assert_eq!(suggest("comand", ["command", "priority"]), Some("command"));
    assert_eq!(
        suggest("autostrat", ["autostart", "autorestart"]),
        Some("autostart")
    );
    assert_eq!(suggest("auto-start", ["autostart"]), Some("autostart"));
    assert_eq!(suggest("Port", ["port"]), Some("port"));
    assert_eq!(suggest("zebra", ["command", "priority"]), None);
    assert_eq!(suggest("", ["a", "command"]), None);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}", second in "[a-z\\[\\]=.'\"\n 0-9]{0,60}") {
        let _ = read(&[&text, &second]);
    }

    #[test]
    fn arbitrary_lines_never_panic(
        lines in prop::collection::vec(prop::sample::select(vec![
            "[gateway]", "[program.a]", "[[rule]]", "port = 1", "port = 'x'", "timeout = '1s'", "command = 3",
            "command = 'x'", "action = 'stop'", "action = 7", "program = 'é漢'", "names = [1, 'x', {}]", "x.y.z = 1",
            "mode = []", "rule = 1", "priority = 9223372036854775807", "after = 1e400", "to = 1979-05-27", "[a", "",
        ]), 0..14),
    ) {
        let text = lines.join("\n");
        if let Err(errors) = read(&[&text]) {
            prop_assert!(!errors.0.is_empty());
            for error in errors.0 {
                prop_assert!(error.line as usize <= lines.len().max(1));
                prop_assert!(error.text.get(error.span.clone()).is_some());
            }
        }
    }

    #[test]
    fn what_is_written_reads_back(port in any::<u16>(), name in "[a-z]{1,8}", command in "[ -~é]{0,20}") {
        let mut config = Config::default();
        config.gateway.port = port;
        config.program.insert(name, Program { command, priority: 1 });
        let text = toml::to_string(&config).unwrap();
        prop_assert_eq!(read(&[&text]).unwrap(), config);
    }
}
