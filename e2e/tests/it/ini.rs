//! The INI reader beside supervisor 4.3.0's own (Python's `RawConfigParser` as supervisor sets it up), in this run: on
//! every configuration that lies in the repository, and on thousands of small generated ones. Values are compared one
//! by one, and so are the lines that cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use pistack_e2e::clients::{supervisor_tool, with_input};
use pistack_e2e::{command, root};
use pistack_engine::config::ini::Document;
use pistack_engine::config::options::Value as OptionValue;
use serde_json::{Map, Value, json};

/// Generated texts.
const TEXTS: usize = 4000;

/// What lines are made of: everything that means something to the parser, and what looks as if it did.
const PIECES: [&str; 40] = [
    "\n",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "[a]",
    "[b c]",
    "[DEFAULT]",
    "[ a ]",
    "[]",
    "[a",
    "]",
    "k",
    "K",
    "key two",
    "=",
    "=",
    ":",
    " = ",
    " ",
    "  ",
    "\t",
    ";",
    "#",
    " ;",
    " #",
    "; c",
    "v",
    "value x",
    "%(here)s",
    "\"q ; q\"",
    "é",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "\u{1c}",
    "\u{b}",
    "\u{c}",
    "x=y:z",
];

/// Numbers that are the same in every run (xorshift; any number but 0 begins).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn generated() -> Vec<String> {
    let mut numbers = Numbers(20_261_123);
    let mut text = || {
        // most begin well: what comes after a wrong first line is not looked at by Python
        let begin = ["[a]\n", "[a]\n", "[a]\nk=1\n", "[DEFAULT]\nd=0\n[a]\n", ""][numbers.below(5)];
        let pieces: Vec<&str> = (0..numbers.below(24))
            .map(|_| PIECES[numbers.below(PIECES.len())])
            .collect();
        format!("{begin}{}", pieces.concat())
    };
    (0..TEXTS).map(|_| text()).collect()
}

/// Every configuration in these folders, with the folders below them.
fn written() -> Vec<String> {
    fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if ["conf", "ini"]
                .iter()
                .any(|kind| path.extension().is_some_and(|it| it == *kind))
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in [
        "fuzz/seeds",
        "e2e/tests/data",
        "crates/engine/tests",
        "crates/pistack/src",
    ] {
        visit(&root().join(folder), &mut found);
    }
    found.sort();
    found
        .into_iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// What ours makes of a text, in the words of `ini_compare.py`.
fn ours(text: &str) -> Value {
    let mut document = Document::default();
    if let Err(errors) = document.read(Path::new("x.conf"), text) {
        let headless = errors
            .iter()
            .find(|error| error.message.contains("no section headers"));
        if let Some(error) = headless {
            return json!({ "headless": [error.origin.line, error.text] });
        }
        let lines = errors.iter().map(|error| json!([error.origin.line, error.text]));
        return json!({ "errors": lines.collect::<Vec<_>>() });
    }
    let sections: Map<String, Value> = document
        .sections()
        .map(|section| {
            let options = document.options(section).unwrap();
            let values: Map<String, Value> = options
                .iter()
                .map(|(key, setting)| match &setting.value {
                    OptionValue::Text(text) => (key.to_owned(), json!(text)),
                    other => panic!("no text: {other:?}"),
                })
                .collect();
            (section.to_owned(), Value::Object(values))
        })
        .collect();
    json!({ "sections": sections })
}

#[test]
fn every_text_is_read_as_python_reads_it() {
    let written = written();
    assert!(
        written.len() >= 30,
        "only {} configurations were found",
        written.len()
    );
    let texts: Vec<String> = written.into_iter().chain(generated()).collect();
    let mut python = command(supervisor_tool("4.3.0", "python"));
    python.arg(root().join("e2e/tests/data/ini_compare.py"));
    let output = with_input(python, &serde_json::to_string(&texts).unwrap());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let theirs: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(theirs.len(), texts.len());

    let of_kind = |kind: &str| theirs.iter().filter(|answer| answer.get(kind).is_some()).count();
    for kind in ["sections", "errors", "headless"] {
        assert!(of_kind(kind) > TEXTS / 20, "hardly any {kind}: {}", of_kind(kind));
    }
    let different: Vec<String> = texts
        .iter()
        .zip(&theirs)
        .filter_map(|(text, theirs)| {
            let ours = ours(text);
            (ours != *theirs).then(|| format!("{text:?}\n  python {theirs}\n  ours   {ours}"))
        })
        .collect();
    let some = different.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{some}",
        different.len(),
        texts.len()
    );
}
