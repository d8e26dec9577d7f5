//! Tests of the native front end. JSON stands for TOML: the types are the same.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::lenient::{Command, ExitCodes, Octal, Restart};
use super::*;
use crate::config::model::{AutoRestart, GroupKind, LogTarget, ProcessSpec, ServerAddress};
use crate::config::surroundings::Anything;

#[expect(clippy::unnecessary_wraps, reason = "the callback's shape")]
fn locate(path: &[&str]) -> Option<Origin> {
    Some(Origin {
        file: "pistack.toml".into(),
        line: path.len() as u32,
    })
}

fn build_json(document: Json) -> Result<Model, Vec<TableError>> {
    build_tables(&serde_json::from_value(document).unwrap())
}

fn build_tables(tables: &Tables) -> Result<Model, Vec<TableError>> {
    let environment = [("HOME", "/root"), ("QUOTED", "it's a")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/srv"),
        outside: &Anything,
    };
    build(
        tables,
        &Context {
            here: Path::new("/etc/pistack"),
            around,
            locate: &locate,
        },
    )
}

fn process(program: &Json) -> ProcessSpec {
    let model =
        build_json(json!({ "program": { "x": program } })).unwrap_or_else(|errors| panic!("{errors:#?}"));
    model.groups["x"].processes[0].clone()
}

#[test]
fn a_bare_program_has_the_same_defaults_as_in_ini() {
    let expected = ProcessSpec {
        origin: Origin {
            file: "pistack.toml".into(),
            line: 2,
        },
        ..ProcessSpec::new("x", "/bin/cat")
    };
    let read = process(&json!({ "command": "/bin/cat" }));
    let expected = ProcessSpec {
        places: read.places.clone(),
        ..expected
    };
    assert_eq!(read, expected);
    let nothing = build_json(json!({})).unwrap();
    assert_eq!(
        (nothing.settings, nothing.rpc_enabled),
        (Settings::default(), true)
    );
}

#[test]
fn lenient_forms_mean_the_same() {
    let spec = process(&json!({
        "command": ["python3", "-c", "print(\"a b\")", "%(ENV_QUOTED)s", "%(process_num)02d"],
        "autorestart": true, "stopsignal": 10, "exitcodes": [0, 2], "umask": "027", "stdout_logfile_maxbytes": 4096,
        "stderr_logfile_maxbytes": "1KB", "environment": { "A": "x,y=\"z\" %(here)s", "N": 8080, "B": true },
    }));
    assert_eq!(
        crate::config::shlex::split(&spec.command).unwrap(),
        ["python3", "-c", "print(\"a b\")", "it's a", "00"]
    );
    assert_eq!(
        (spec.autorestart, spec.stopsignal, spec.umask),
        (AutoRestart::Always, 10, Some(0o27))
    );
    assert_eq!(
        (spec.exitcodes, spec.stdout.maxbytes, spec.stderr.maxbytes),
        (vec![0, 2], 4096, 1024)
    );
    let environment: Vec<_> = spec
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        environment,
        [("A", "x,y=\"z\" /etc/pistack"), ("N", "8080"), ("B", "true")],
        "the order of the text"
    );
    let other = process(
        &json!({ "command": "x", "autorestart": "unexpected", "exitcodes": "0,2", "stopsignal": "int" }),
    );
    assert_eq!(
        (other.autorestart, other.exitcodes, other.stopsignal),
        (AutoRestart::Unexpected, vec![0, 2], 2)
    );
    assert_eq!(process(&json!({ "command": "x", "exitcodes": 3 })).exitcodes, [3]);
}

#[test]
fn names_of_logs_expand_once() {
    let spec = process(&json!({ "command": "x", "stdout_logfile": "~/%%.log", "stderr_logfile": "NONE" }));
    assert_eq!(spec.stdout.logfile, LogTarget::File("/root/%.log".into()));
    assert_eq!(spec.stderr.logfile, LogTarget::None);
}

#[test]
fn whole_documents_are_built() {
    let model = build_json(json!({
        "supervisor": {
            "logfile": "/l", "loglevel": "debug", "umask": "077", "environment": { "S": "%(host_node_name)s" },
            "unix": { "file": "s.sock", "chmod": "0770" },
            "inet": { "port": "127.0.0.1:9001", "username": "u", "password": "p" },
        },
        "program": { "a": { "command": "a" }, "b": { "command": "%(ENV_S)s", "numprocs": 2, "process_name": "b%(process_num)d" } },
        "group": { "g": { "programs": ["b"], "priority": 5 } },
        "listener": { "l": { "command": "l", "events": ["PROCESS_STATE", "TICK_5"], "buffer_size": 3 } },
    }))
    .unwrap();
    assert_eq!(model.groups.keys().collect::<Vec<_>>(), ["l", "g", "a"]);
    let names: Vec<&str> = model.groups["g"]
        .processes
        .iter()
        .map(|process| process.name.as_str())
        .collect();
    assert_eq!(names, ["b0", "b1"]);
    assert_eq!(model.groups["g"].processes[0].command, "pi");
    assert_eq!(model.groups["g"].processes[0].environment["S"], "pi");
    let GroupKind::Listeners(pool) = &model.groups["l"].kind else {
        panic!("{:?}", model.groups)
    };
    assert_eq!((pool.buffer_size, pool.events.len()), (Some(3), 9));
    assert_eq!(
        model.servers[0].address,
        ServerAddress::Inet {
            host: "127.0.0.1".to_owned(),
            port: 9001
        }
    );
    let path = "/srv/s.sock".into();
    assert_eq!(
        model.servers[1].address,
        ServerAddress::Unix {
            path,
            mode: 0o770,
            owner: None
        }
    );
    assert_eq!(model.settings.umask, 0o77);
}

#[test]
fn errors_name_the_key() {
    let errors = build_json(json!({
        "supervisor": { "loglevel": "loud", "inet": { "username": "u" } },
        "program": {
            "camera": { "command": "x", "user": "%(nope)s", "stopsignal": "TREM", "environment": { "A": "100%" } },
            "b": {},
        },
        "group": { "g": { "programs": ["camra"] }, "b": { "programs": ["camera"] } },
        "listener": { "l": { "command": "x", "events": "TICKS", "redirect_stderr": true } },
    }))
    .unwrap_err();
    let told: Vec<String> = errors.iter().map(|error| error.path.join("/")).collect();
    assert_eq!(
        told,
        [
            "supervisor/loglevel",
            "supervisor/inet",
            "supervisor/inet",
            "group/g/programs",
            "program/camera/stopsignal",
            "program/camera/user",
            "program/camera/environment/A",
            "program/b",
            "listener/l/events",
            "listener/l/redirect_stderr",
            "program/b",
        ],
        "{errors:#?}"
    );
    let help = |index: usize| errors[index].help.as_deref().unwrap_or_default();
    assert_eq!(errors[3].message, "[group.g] names unknown program camra");
    assert_eq!(help(3), "did you mean `camera`?");
    assert_eq!(help(6), "a percent sign is written `%%`");
    assert_eq!(help(8), "did you mean `TICK`?");
    assert!(
        errors[10].message.contains("two groups are called `b`"),
        "{}",
        errors[10].message
    );
}

#[test]
fn a_wrong_form_says_what_is_expected() {
    let refused = |json: Json| serde_json::from_value::<Tables>(json).unwrap_err().to_string();
    for (key, value, expected) in [
        (
            "umask",
            json!(22),
            "expected octal digits in quotes, such as \"022\"",
        ),
        ("autorestart", json!(1), "expected true, false or \"unexpected\""),
        (
            "stdout_logfile_maxbytes",
            json!(true),
            "expected a number of bytes",
        ),
        ("stopsignal", json!(["TERM"]), "expected a signal such as"),
        (
            "command",
            json!(1),
            "expected a command line, or an array of its words",
        ),
        ("comand", json!("x"), "unknown field `comand`"),
    ] {
        let message = refused(json!({ "program": { "x": { key: value } } }));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn every_key_is_described_and_is_an_option_of_supervisor() {
    let schema = serde_json::to_value(schemars::schema_for!(Tables)).unwrap();
    let known = |table: &str| -> Vec<&'static str> {
        match table {
            "ProgramTable" => program_keys(&[]),
            "ListenerTable" => program_keys(&groups::LISTENER_KEYS),
            "SupervisorTable" => [&settings::KEYS[..], &["unix", "inet"]].concat(),
            "GroupTable" => groups::GROUP_KEYS.to_vec(),
            "UnixServerTable" => servers::UNIX_KEYS.to_vec(),
            "InetServerTable" => servers::INET_KEYS.to_vec(),
            other => panic!("unknown table {other}"),
        }
    };
    let tables = schema["$defs"].as_object().unwrap();
    assert_eq!(tables.len(), 6);
    for (table, definition) in tables {
        assert!(definition["description"].is_string(), "{table}");
        assert_eq!(definition["additionalProperties"], false, "{table}");
        let mut keys: Vec<&str> = Vec::new();
        for (key, property) in definition["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{table}.{key}");
            keys.push(key);
        }
        let mut known = known(table);
        known.sort_unstable();
        keys.sort_unstable();
        assert_eq!(keys, known, "{table}");
    }
}

fn program_keys(further: &[&'static str]) -> Vec<&'static str> {
    [&crate::config::program::KEYS[..], further].concat()
}

#[test]
fn what_is_written_is_read_back() {
    let table = ProgramTable {
        command: Some(Command::Words(vec!["a b".to_owned()])),
        exitcodes: Some(ExitCodes::new("0,2")),
        autorestart: Some(Restart::new("true")),
        umask: Some(Octal::new("022")),
        ..ProgramTable::default()
    };
    let written = serde_json::to_value(&table).unwrap();
    assert_eq!(
        written,
        json!({ "command": ["a b"], "exitcodes": "0,2", "autorestart": "true", "umask": "022" }),
        "keys that are not given are not written"
    );
    assert_eq!(serde_json::from_value::<ProgramTable>(written).unwrap(), table);
}

proptest! {
    #[test]
    fn any_texts_are_built_or_refused(texts in prop::collection::vec("[%()a-z0-9,=\"' /:-]{0,12}", 8), any in any::<String>()) {
        let [command, name, logfile, member, events, user, size, value] = texts.try_into().expect("eight texts");
        let _ = build_json(json!({
            "supervisor": { "environment": { any.clone(): value }, "inet": { "port": size.clone() } },
            "program": {
                name.clone(): { "command": command, "stdout_logfile": logfile, "user": user },
                any: { "command": [member.clone()], "stdout_logfile_maxbytes": size, "process_name": name },
            },
            "group": { "g": { "programs": [member] } },
            "listener": { "l": { "command": "x", "events": [events] } },
        }));
    }
}
