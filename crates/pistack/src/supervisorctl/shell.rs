//! The interactive mode: lines that can be edited where there is a terminal, plain lines from a pipe.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::rc::Rc;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};
use tokio::runtime::Runtime;

use super::completion::Completion;
use super::controller::{Controller, Next};

/// What came from the keyboard.
enum Typed {
    Line(String),
    EndOfInput,
    Interrupt,
}

/// Where lines come from.
enum Lines {
    Edited(Box<Editor<Completion, DefaultHistory>>),
    Plain,
}

/// Runs lines until one says to end. What was typed is kept in `history`, if given.
pub(super) fn run(
    controller: &mut Controller,
    runtime: &Rc<Runtime>,
    prompt: &str,
    history: Option<&Path>,
) -> io::Result<()> {
    let prompt = format!("{prompt}> ");
    let mut lines = open(controller, runtime, history);
    let mut line = "status".to_owned();
    loop {
        let next = runtime.block_on(async {
            tokio::select! {
                // A command that has its own use for Ctrl-C comes first.
                biased;
                next = controller.command(&line) => next,
                _ = tokio::signal::ctrl_c() => {
                    println!();
                    Next::Quit
                }
            }
        });
        if next == Next::Quit {
            break;
        }
        line = match lines.next(controller, runtime, &prompt)? {
            Typed::Line(line) => line,
            Typed::EndOfInput => "EOF".to_owned(),
            Typed::Interrupt => {
                println!();
                break;
            }
        };
    }
    if let (Lines::Edited(editor), Some(path)) = (&mut lines, history) {
        // As in the original, a history that cannot be kept is not worth a word.
        let _ = editor.save_history(path);
    }
    Ok(())
}

fn open(controller: &Controller, runtime: &Rc<Runtime>, history: Option<&Path>) -> Lines {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Lines::Plain;
    }
    let config = Config::builder().completion_type(CompletionType::List).build();
    let Ok(mut editor) = Editor::with_config(config) else {
        return Lines::Plain;
    };
    editor.set_helper(Some(Completion::new(
        controller.server.clone(),
        Rc::clone(runtime),
    )));
    if let Some(path) = history {
        let _ = editor.load_history(path);
    }
    Lines::Edited(Box::new(editor))
}

impl Lines {
    fn next(&mut self, controller: &mut Controller, runtime: &Runtime, prompt: &str) -> io::Result<Typed> {
        let editor = match self {
            Self::Plain => {
                return runtime.block_on(async {
                    tokio::select! {
                        line = controller.input.ask(prompt) => {
                            Ok(line?.map_or(Typed::EndOfInput, Typed::Line))
                        }
                        _ = tokio::signal::ctrl_c() => Ok(Typed::Interrupt),
                    }
                });
            }
            Self::Edited(editor) => editor,
        };
        if let Some(completion) = editor.helper_mut() {
            completion.renew(controller.server.clone());
        }
        match editor.readline(prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    let _ = editor.add_history_entry(&line);
                }
                Ok(Typed::Line(line))
            }
            Err(ReadlineError::Eof) => Ok(Typed::EndOfInput),
            Err(ReadlineError::Interrupted) => Ok(Typed::Interrupt),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}
