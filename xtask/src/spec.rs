//! `openapi/*.json`: what the services answer to, committed, so that a change of an interface is seen in review.

use anyhow::{Context as _, bail};

use crate::run;

const SERVICES: [&str; 6] = ["auth", "supervisor", "info", "io", "email", "rules"];

/// Writes the documents, or says which are out of date.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let program = run::pistack()?;
    let program = program.to_str().context("the program's path is not UTF-8")?;
    let folder = run::root().join("openapi");
    let mut documents: Vec<(String, Vec<&str>)> = SERVICES
        .iter()
        .map(|name| (format!("{name}.json"), vec!["openapi", name]))
        .collect();
    documents.push(("pistack.schema.json".to_owned(), vec!["config", "schema"]));
    let mut stale = Vec::new();
    for (file, arguments) in documents {
        let text = run::output(run::command(program).args(arguments))?;
        let path = folder.join(&file);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(file);
        } else {
            std::fs::write(&path, text)?;
            println!("wrote openapi/{file}");
        }
    }
    if !stale.is_empty() {
        bail!(
            "out of date: {}. Run `cargo xtask spec` and look at the difference",
            stale.join(", ")
        );
    }
    println!("spec: openapi/ matches the program");
    Ok(())
}
