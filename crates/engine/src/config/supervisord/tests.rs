//! Tests of the front end; `tests/data/configs.json` compares whole configurations with supervisor itself.

use proptest::prelude::*;

use super::*;
use crate::config::model::{AutoRestart, GroupKind, LogTarget, Server, ServerAddress};
use crate::config::surroundings::{Anything, Included, Outside};

const ORIGINAL: &str = include_str!("../../../tests/data/original.conf");

fn with<T>(outside: &dyn Outside, read: impl FnOnce(Surroundings<'_>) -> T) -> T {
    let environment = [("HOME", "/root"), ("VIRTUAL_ENV", "/srv/venv"), ("NAME", "n")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    read(Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/srv/app"),
        outside,
    })
}

fn read_from(text: &str, outside: &dyn Outside) -> Result<Model, Vec<IniError>> {
    with(outside, |around| {
        read(&Request {
            file: Path::new("supervisord.conf"),
            text,
            around,
        })
    })
}

fn model(text: &str) -> Model {
    read_from(text, &Anything).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn errors(text: &str) -> Vec<String> {
    read_from(text, &Anything)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_originals_configuration_is_read_as_it_stands() {
    let model = model(ORIGINAL);
    assert_eq!(
        model.groups.keys().collect::<Vec<_>>(),
        ["event_listener", "RaspberryPiSystem"]
    );
    let group = &model.groups["RaspberryPiSystem"];
    let names: Vec<&str> = group
        .processes
        .iter()
        .map(|process| process.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "supervisor_service",
            "auth_service",
            "email_service",
            "info_service",
            "io_service",
            "control_service"
        ]
    );
    let first = &group.processes[0];
    assert_eq!(first.command, "/srv/venv/bin/python -u -m supervisor_service.app");
    assert_eq!(first.directory.as_deref(), Some(Path::new("/srv/app")));
    assert_eq!(
        (first.startsecs, first.startretries, first.priority),
        (10, 3, 100)
    );
    assert_eq!(
        (first.autorestart, &first.exitcodes),
        (AutoRestart::Unexpected, &vec![0])
    );
    assert!(first.stopasgroup && first.killasgroup && first.autostart);
    assert_eq!(
        first.stdout.logfile,
        LogTarget::File("./logs/supervisor_service.out".into())
    );
    assert_eq!((first.stdout.maxbytes, first.stderr.maxbytes), (0, 0));
    assert_eq!(first.origin.line, 40);
}

#[test]
fn the_originals_listener_and_daemon_are_read_as_they_stand() {
    let model = model(ORIGINAL);
    let last = &model.groups["RaspberryPiSystem"].processes[5];
    assert_eq!(last.autorestart, AutoRestart::Always);
    assert!(
        last.command
            .ends_with("--chdir /srv/app/control_service --workers 2 --bind 127.0.0.1:8080")
    );
    assert_eq!(
        last.environment["GUNICORN_CMD_ARGS"],
        "--access-logfile - --error-logfile - --capture-output --enable-stdio-inheritance"
    );
    let listener = &model.groups["event_listener"];
    let GroupKind::Listeners(pool) = &listener.kind else {
        panic!("{listener:?}")
    };
    assert_eq!(
        (pool.buffer_size, pool.events.len(), listener.priority),
        (Some(1024), 10, -1)
    );
    assert_eq!(listener.processes[0].environment["PYTHONPATH"], "/srv/app");
    assert_eq!(
        listener.processes[0].stdout.logfile,
        LogTarget::File("/dev/null".into())
    );
    assert_eq!(listener.processes[0].stderr.maxbytes, 0);
    assert_eq!(
        model.settings.logfile,
        LogTarget::File("./logs/supervisord.log".into())
    );
    assert_eq!(model.settings.logfile_maxbytes, 50 << 20);
    assert_eq!(model.settings.childlogdir.as_deref(), Some(Path::new("./logs")));
    let path = "/tmp/supervisor.sock".into();
    assert_eq!(
        model.servers[0].address,
        ServerAddress::Unix {
            path,
            mode: 0o700,
            owner: None
        }
    );
    assert_eq!(
        model.ctl.serverurl.as_deref(),
        Some("unix:///tmp/supervisor.sock")
    );
    assert!(model.rpc_enabled);
    assert_eq!(model.warnings, []);
}

#[test]
fn a_missing_variable_is_told_for_every_program() {
    let text = ORIGINAL.replace("VIRTUAL_ENV", "VIRTUALENV");
    let errors = read_from(&text, &Anything).unwrap_err();
    assert_eq!(errors.len(), 7);
    assert_eq!(
        (errors[0].section.as_deref(), errors[0].key.as_deref()),
        (Some("program:supervisor_service"), Some("command"))
    );
    assert_eq!(
        errors[0].help.as_deref(),
        Some("did you mean `%(ENV_VIRTUAL_ENV)s`?")
    );
    assert_eq!(errors[0].origin.line, 41);
}

/// Two included files, one of them in another directory.
struct Files;

impl Outside for Files {
    fn glob(&self, pattern: &Path) -> Vec<Included> {
        let file = |path: &str, text: &str| Included {
            path: path.into(),
            text: Ok(text.to_owned()),
        };
        match pattern.to_str() {
            Some("/srv/app/conf.d/*.conf") => vec![
                file(
                    "/srv/app/conf.d/b.conf",
                    "[program:a]\npriority=2\n[include]\nfiles=more\n",
                ),
                file(
                    "/srv/app/conf.d/a.conf",
                    "[program:a]\npriority=1\ncommand=%(here)s/a\n[bad\n",
                ),
            ],
            Some("/etc/n/pi.conf") => vec![
                file(
                    "/etc/n/pi.conf",
                    "[program:b]\ncommand=%(here)s/b\nstdout_logfile=%(here)s/%%%%\nuser=%(here\n",
                ),
                Included {
                    path: "/etc/n/secret.conf".into(),
                    text: Err("permission denied".to_owned()),
                },
            ],
            _ => Vec::new(),
        }
    }
}

#[test]
fn included_files_merge_in_order_and_have_their_own_here() {
    let text =
        "[supervisord]\n[include]\nfiles = conf.d/*.conf /etc/%(ENV_NAME)s/%(host_node_name)s.conf none\n";
    let errors = read_from(text, &Files).unwrap_err();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.origin.file.to_str().unwrap(), error.origin.line))
        .collect();
    assert_eq!(
        told,
        [("/srv/app/conf.d/a.conf", 4), ("/etc/n/pi.conf", 4)],
        "{errors:#?}"
    );

    struct Mended;
    impl Outside for Mended {
        fn glob(&self, pattern: &Path) -> Vec<Included> {
            let mut files = Files.glob(pattern);
            for file in &mut files {
                file.text = file
                    .text
                    .clone()
                    .map(|text| text.replace("[bad\n", "").replace("user=%(here\n", ""));
            }
            files
        }
    }
    let model = read_from(text, &Mended).unwrap();
    assert_eq!(model.groups["a"].processes[0].command, "/srv/app/conf.d/a");
    assert_eq!(model.groups["a"].priority, 2, "the last file wins");
    assert_eq!(model.groups["b"].processes[0].command, "/etc/n/b");
    assert_eq!(
        model.groups["b"].processes[0].stdout.logfile,
        LogTarget::File("/etc/n/%".into())
    );
    let warnings: Vec<&str> = model
        .warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(
        warnings,
        [
            "[include] in an included file does nothing",
            "cannot read /etc/n/secret.conf: permission denied; it is left out",
            "No file matches via include \"/srv/app/none\"",
        ]
    );
}

/// Checked against supervisor 4.3.0 with the same two files.
#[test]
fn once_there_is_an_include_here_is_known_everywhere() {
    struct One;
    impl Outside for One {
        fn glob(&self, _: &Path) -> Vec<Included> {
            let text = "[program:a]\ncommand=%(here)s/a\n[supervisord]\nidentifier=%(here)s\n".to_owned();
            vec![Included {
                path: "/srv/app/d/a.conf".into(),
                text: Ok(text),
            }]
        }
    }
    let text = "[supervisord]\nenvironment=A=\"%(here)s\"\n[DEFAULT]\nserverurl=%(here)s\n[include]\nfiles=d/*\n\
                [inet_http_server]\nport=9001\nusername=%(here)s\npassword=x\n[program:m]\ncommand=%(here)s/m\n";
    let model = read_from(text, &One).unwrap();
    for (program, command) in [("a", "/srv/app/d/a"), ("m", "/srv/app/m")] {
        let spec = &model.groups[program].processes[0];
        assert_eq!(spec.command, command);
        assert_eq!(
            spec.serverurl.as_deref(),
            command.strip_suffix(&format!("/{program}")),
            "{program}"
        );
    }
    assert_eq!(model.settings.identifier, "/srv/app/d");
    assert_eq!(model.settings.environment["A"], "/srv/app");
    assert_eq!(
        model.servers[0].credentials,
        Some(("/srv/app".to_owned(), "x".to_owned()))
    );
}

#[test]
fn sections_that_must_be_there() {
    assert_eq!(
        errors(""),
        ["supervisord.conf:0: .ini file does not include supervisord section"]
    );
    assert_eq!(
        errors("[supervisord]\n[include]\n"),
        ["supervisord.conf:2: [include] .ini file has [include] section, but no files setting"]
    );
    assert_eq!(
        errors(
            "[supervisord]\nlost\n[rpcinterface:supervisor]\n[program:x]\nnumprocs=x\n[inet_http_server]\n"
        ),
        [
            "supervisord.conf:2: neither `[section]` nor `key=value`",
            "supervisord.conf:3: [rpcinterface:supervisor] section [rpcinterface:supervisor] does not specify a \
             supervisor.rpcinterface_factory",
            "supervisord.conf:5: [program:x] numprocs: invalid literal for int() with base 10: 'x'",
            "supervisord.conf:4: [program:x] program section program:x does not specify a command",
            "supervisord.conf:6: [inet_http_server] section [inet_http_server] has no port value",
        ]
    );
}

#[test]
fn the_daemons_environment_expands_twice() {
    let shared = |text: &str| {
        model(&format!("[supervisord]\nenvironment={text}\n"))
            .settings
            .environment
    };
    assert_eq!(shared("A=\"%%%%\"")["A"], "%");
    assert_eq!(shared("A=\"%(ENV_NAME)s\"")["A"], "n");
    assert_eq!(shared("A=\"%%(host_node_name)s\"")["A"], "pi");
    assert!(
        errors("[supervisord]\nenvironment=A=\"%%\"\n")[0]
            .contains("badly formatted: unsupported format character")
    );
    assert!(errors("[supervisord]\nenvironment=A=\"%(host_node_name)s\"\n")[0].contains("'host_node_name'"));
    let text = "[supervisord]\nenvironment=A=1,B=2\n[program:x]\ncommand=%(ENV_A)s\nenvironment=B=3\n";
    let spec = &model(text).groups["x"].processes[0];
    assert_eq!(spec.command, "1");
    assert_eq!(
        (spec.environment["A"].as_str(), spec.environment["B"].as_str()),
        ("1", "3")
    );
}

#[test]
fn servers_come_with_their_rules() {
    let text = "[supervisord]\n[unix_http_server:a]\nfile=run/../x.sock\nchmod=0770\nchown=pi:gpio\n\
                username=u\npassword={SHA}00\n[inet_http_server]\nport=*:9001\n[unix_http_server]\nfile=%(here)s/y\n";
    let servers: Vec<Server> = model(text).servers;
    assert_eq!(
        servers[0].address,
        ServerAddress::Inet {
            host: String::new(),
            port: 9001
        }
    );
    let owner = Some(("pi".to_owned(), Some("gpio".to_owned())));
    assert_eq!(
        servers[1].address,
        ServerAddress::Unix {
            path: "/srv/app/x.sock".into(),
            mode: 0o770,
            owner
        }
    );
    assert_eq!(
        servers[1].credentials,
        Some(("u".to_owned(), "{SHA}00".to_owned()))
    );
    assert_eq!(servers[1].origin.line, 2);
    let path = "/srv/app/y".into();
    assert_eq!(
        servers[2].address,
        ServerAddress::Unix {
            path,
            mode: 0o700,
            owner: None
        }
    );
    let errors = errors(
        "[supervisord]\n[unix_http_server]\nfile=/x\nusername=%(here)s\n[inet_http_server]\nport=%(here)s\n",
    );
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(errors[0].contains("contains names ('here')"), "{errors:#?}");
    assert!(errors[1].contains("incomplete authentication"), "{errors:#?}");
    assert!(errors[2].contains("contains names ('here')"), "{errors:#?}");
}

#[test]
fn the_clients_section_never_stops_the_daemon() {
    let text = "[supervisord]\n[supervisorctl]\nserverurl=unix://run/x.sock\nprompt=%(here)s\n";
    let model = model(text);
    assert_eq!(model.warnings.len(), 1);
    let ctl = |text: &str| {
        with(&Anything, |around| {
            read_ctl(&Request {
                file: Path::new("x/s.conf"),
                text,
                around,
            })
        })
    };
    assert_eq!(ctl(text).unwrap_err()[0].key.as_deref(), Some("prompt"));
    let ctl = ctl(
        "[supervisorctl]\nserverurl=unix://%(here)s/x.sock\nusername=u\npassword=p\nprompt=pi\n\
               history_file=%(here)s/../h\n",
    )
    .unwrap();
    assert_eq!(ctl.serverurl.as_deref(), Some("unix:///srv/app/x/x.sock"));
    assert_eq!(ctl.history_file.as_deref(), Some(Path::new("/srv/app/h")));
    assert_eq!(
        (ctl.username.as_deref(), ctl.prompt.as_deref()),
        (Some("u"), Some("pi"))
    );
}

#[test]
fn what_is_legal_but_hardly_meant_is_told() {
    let text = "[supervisord]\nlogfiel=x\n[program:x]\ncommand=bash -c 'foo ; bar'\ncomand=y\ndepends_on=z\n\
                [prorgam:y]\n[x-mine]\na=1\n[ctlplugin:z]\na=1\n[rpcinterface:other]\n\
                supervisor.rpcinterface_factory=a:b\nextra=1\n[DEFAULT]\nfree=1\n";
    let model = model(text);
    let told: Vec<(u32, &str)> = model
        .warnings
        .iter()
        .map(|warning| (warning.origin.line, warning.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                13,
                "[rpcinterface:other] `a:b` is Python code and cannot be loaded"
            ),
            (
                4,
                "[program:x] the command is cut off before `; bar'`, which is a comment although it stands in quotes (No \
                 closing quotation): put the command into a script, or write `;` without a space before it"
            ),
            (
                2,
                "[supervisord] unknown option `logfiel`: did you mean `logfile`?"
            ),
            (5, "[program:x] unknown option `comand`: did you mean `command`?"),
            (6, "[program:x] unknown option `depends_on`"),
            (7, "unknown section [prorgam:y]: did you mean `[program:y]`?"),
        ]
    );
    assert!(!model.rpc_enabled);
    assert_eq!(model.groups["x"].processes[0].command, "bash -c 'foo");
    let cut = read_from(
        "[supervisord]\n[program:x]\ncommand=x\nenvironment=A=\"1 ; 2\"\n",
        &Anything,
    )
    .unwrap_err();
    assert_eq!(cut[0].message, "No closing quotation");
    assert!(
        cut[0]
            .help
            .as_deref()
            .is_some_and(|help| help.starts_with("` ; 2\"` is a comment")),
        "{cut:?}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        text in any::<String>(),
        configish in "(\\[(program:[ab]|group:g|supervisord|eventlistener:l|include|fcgi-program:c)\\]|(command|numprocs|process_name|programs|events|environment|files|socket|priority|stdout_logfile)=[ab,%()s0-9=\"' ;-]{0,12}|\n)*",
    ) {
        let _ = read_from(&text, &Files);
        let _ = read_from(&format!("[supervisord]\n{configish}"), &Files);
    }
}
