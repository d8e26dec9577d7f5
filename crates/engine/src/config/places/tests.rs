//! Tests of where options stand: both front ends, with included files and overlays.

use super::*;
use crate::config::model::{Model, ProcessSpec};
use crate::config::supervisord::{Request, read};
use crate::config::surroundings::{Anything, Included, Outside, Surroundings};
use crate::config::tables::{Context, Tables, build};

struct Files;

impl Outside for Files {
    fn glob(&self, _: &Path) -> Vec<Included> {
        vec![Included {
            path: "/srv/conf.d/cat.ini".into(),
            text: Ok("[program:cat]\nautostart=false\nenvironment=OWN=1,\n  TWO=2\n\
                      [group:zoo]\nprograms=dog\npriority=7\n[program:dog]\ncommand=dog\nunheard_of=1"
                .into()),
        }]
    }
}

fn around<'a>(environment: &'a IndexMap<String, String>, outside: &'a dyn Outside) -> Surroundings<'a> {
    Surroundings {
        environment,
        host: "pi",
        cwd: Path::new("/srv"),
        outside,
    }
}

fn ini() -> Model {
    let text = "[supervisord]\nenvironment=ALL=x,OWN=y\n[DEFAULT]\nstartsecs=5\n\
                [program:cat]\ncommand=cat\npriority=3\nautostart=true\n[include]\nfiles=conf.d/*.ini\n";
    let environment = IndexMap::new();
    let request = Request {
        file: Path::new("/srv/supervisord.conf"),
        text,
        around: around(&environment, &Files),
    };
    read(&request).unwrap()
}

fn process<'a>(model: &'a Model, group: &str) -> &'a ProcessSpec {
    &model.groups[group].processes[0]
}

#[test]
fn an_included_file_and_the_main_one_each_own_their_lines() {
    let model = ini();
    let cat = &process(&model, "cat").places;
    let (main, included) = (
        Path::new("/srv/supervisord.conf"),
        Path::new("/srv/conf.d/cat.ini"),
    );
    for (option, place) in [
        ("command", Some((main, 6))),
        ("priority", Some((main, 7))),
        (GROUP_PRIORITY, Some((main, 7))),
        // the last one wins, and it is the included one
        ("autostart", Some((included, 2))),
        // inherited from [DEFAULT]
        ("startsecs", Some((main, 4))),
        ("stopsignal", None),
    ] {
        assert_eq!(cat.option(option), place, "{option}");
    }
    assert_eq!(cat.variable("ALL"), Some((main, 2)));
    assert_eq!(cat.variable("OWN"), Some((included, 3)));
    assert_eq!(cat.variable("TWO"), Some((included, 3)));
    let dog = &process(&model, "zoo").places;
    assert_eq!(dog.option(GROUP_PRIORITY), Some((included, 7)));
    assert_eq!(dog.option("priority"), None);
    assert_eq!(dog.option("unheard_of"), None);
}

#[test]
fn a_table_and_its_overlay_each_own_their_lines() {
    let tables: Tables = serde_json::from_value(serde_json::json!({
        "supervisor": { "environment": { "ALL": "x" } },
        "program": { "cat": { "command": "cat %(process_num)d", "numprocs": 2, "startsecs": 3,
            "process_name": "cat_%(process_num)d", "environment": { "OWN": "1" } } },
    }))
    .unwrap();
    let locate = |path: &[&str]| {
        let (file, line) = match path {
            ["supervisor", "environment", "ALL"] => ("pistack.toml", 3),
            ["program", "cat", "startsecs"] => ("pistack.d/10-cat.toml", 2),
            ["program", "cat", "environment", "OWN"] => ("pistack.d/10-cat.toml", 5),
            ["program", "cat", ..] => ("pistack.toml", 10),
            _ => return None,
        };
        Some(Origin {
            file: file.into(),
            line,
        })
    };
    let environment = IndexMap::new();
    let context = Context {
        here: Path::new("/etc/pistack"),
        around: around(&environment, &Anything),
        locate: &locate,
    };
    let model = build(&tables, &context).unwrap();
    let processes = &model.groups["cat"].processes;
    let places = &processes[0].places;
    let (main, overlay) = (Path::new("pistack.toml"), Path::new("pistack.d/10-cat.toml"));
    assert_eq!(places.option("command"), Some((main, 10)));
    assert_eq!(places.option("startsecs"), Some((overlay, 2)));
    assert_eq!(places.option("user"), None);
    assert_eq!(places.variable("OWN"), Some((overlay, 5)));
    assert_eq!(places.variable("ALL"), Some((main, 3)));
    assert!(
        std::sync::Arc::ptr_eq(places, &processes[1].places),
        "one copy a program"
    );
}

#[test]
fn moved_lines_are_no_change_of_a_program() {
    let mut old = ProcessSpec::new("cat", "cat");
    let moved = process(&ini(), "cat").places.clone();
    let new = ProcessSpec {
        places: moved,
        ..old.clone()
    };
    assert!(crate::config::diff::same_process(&old, &new));
    old.command = "dog".into();
    assert!(!crate::config::diff::same_process(&old, &new));
}
