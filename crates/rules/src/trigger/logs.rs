//! The log of a program that a rule names, followed through the supervisor's own calls.
//!
//! Asked is how long the log is, and what is new is read. That survives rotation, restarts of the program and of the
//! supervisor, and starts at the end: old lines fire nothing. Reading is bounded: a program that floods its log is
//! skipped forward, and the log says how much was skipped.

use std::time::Duration;

use pistack_api::xmlrpc::{Value, fault};
use pistack_kit::client::Client;
use pistack_kit::rpc::{Rpc, RpcError};

use super::Follower;
use crate::decide::event::{self, LOG_LINE};

/// How often a log is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often while there is no such log, or no supervisor.
const SELDOM: Duration = Duration::from_secs(10);
/// Bytes that are read at a time.
const AT_A_TIME: i64 = 64 * 1024;
/// More than this behind, and the rest is skipped.
const BEHIND: i64 = 512 * 1024;
/// A line takes part with so many characters.
const LONGEST_LINE: usize = 4096;
/// The supervisor answers at once or not at all.
const DEADLINE: Duration = Duration::from_secs(5);

/// Follows one output of one program.
pub(super) async fn follow(follower: Follower, program: String, stderr: bool) {
    let rpc = Rpc::new(Client::unix(follower.paths.supervisor_socket()), DEADLINE);
    let mut tail = Tail {
        rpc,
        program,
        stderr,
        offset: None,
        rest: String::new(),
    };
    let mut told = false;
    loop {
        let wait = match tail.lines().await {
            Ok(lines) => {
                told = false;
                for line in lines {
                    let event = event::make(
                        LOG_LINE,
                        follower.clock.unix(),
                        &[
                            ("processname", tail.name()),
                            ("groupname", tail.group()),
                            ("stream", if stderr { "stderr" } else { "stdout" }),
                            ("line", &line),
                        ],
                    );
                    if follower.events.send(event).await.is_err() {
                        return;
                    }
                }
                EVERY
            }
            Err(error) => {
                if !told {
                    let no_log = matches!(&error, RpcError::Fault(fault) if fault.code == fault::NO_FILE);
                    // Standard error usually goes to standard output's log.
                    if !(no_log && stderr) {
                        tracing::warn!(
                            program = tail.program,
                            stderr,
                            "its log cannot be followed: {error}"
                        );
                    }
                    told = true;
                }
                SELDOM
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Where reading stands.
#[derive(Debug)]
struct Tail {
    rpc: Rpc,
    program: String,
    stderr: bool,
    /// Bytes of the log that have been read; `None` before the first look.
    offset: Option<i64>,
    /// The beginning of a line whose end has not been written yet.
    rest: String,
}

impl Tail {
    fn name(&self) -> &str {
        self.program
            .split_once(':')
            .map_or(&*self.program, |(_, name)| name)
    }

    fn group(&self) -> &str {
        self.program
            .split_once(':')
            .map_or(&*self.program, |(group, _)| group)
    }

    /// The whole lines that came since the last call.
    async fn lines(&mut self) -> Result<Vec<String>, RpcError> {
        let length = self.length().await?;
        let Some(mut offset) = self.offset.filter(|offset| *offset <= length) else {
            // The first look begins at the end; after a rotation the new file is read from its beginning.
            let rotated = self.offset.is_some();
            self.rest.clear();
            self.offset = Some(if rotated { 0 } else { length });
            return Ok(Vec::new());
        };
        if length - offset > BEHIND {
            let skipped = length - offset - AT_A_TIME;
            tracing::warn!(
                program = self.program,
                skipped,
                "its log grows too fast to be followed: bytes skipped"
            );
            offset = length - AT_A_TIME;
            self.rest.clear();
        }
        let mut lines = Vec::new();
        while offset < length {
            let take = (length - offset).min(AT_A_TIME);
            let text = self.read(offset, take).await?;
            offset += take;
            self.offset = Some(offset);
            self.take(&text, &mut lines);
        }
        self.offset = Some(offset);
        Ok(lines)
    }

    /// Cuts a text into lines; what has no end yet stays.
    fn take(&mut self, text: &str, lines: &mut Vec<String>) {
        self.rest.push_str(text);
        while let Some(end) = self.rest.find('\n') {
            let line: String = self.rest.drain(..=end).collect();
            lines.push(shortened(line.trim_end_matches(['\n', '\r'])));
        }
        if self.rest.chars().count() > LONGEST_LINE {
            lines.push(shortened(&self.rest));
            self.rest.clear();
        }
    }

    async fn length(&self) -> Result<i64, RpcError> {
        let method = if self.stderr {
            "supervisor.tailProcessStderrLog"
        } else {
            "supervisor.tailProcessStdoutLog"
        };
        let answer = self
            .rpc
            .call(
                method,
                vec![self.program.as_str().into(), Value::Int(0), Value::Int(0)],
            )
            .await?;
        answer
            .as_array()
            .and_then(|parts| parts.get(1)?.as_int())
            .ok_or_else(|| RpcError::Broken("no length of the log".to_owned()))
    }

    async fn read(&self, offset: i64, length: i64) -> Result<String, RpcError> {
        let method = if self.stderr {
            "supervisor.readProcessStderrLog"
        } else {
            "supervisor.readProcessStdoutLog"
        };
        let answer = self
            .rpc
            .call(
                method,
                vec![
                    self.program.as_str().into(),
                    Value::Int(offset),
                    Value::Int(length),
                ],
            )
            .await?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }
}

fn shortened(line: &str) -> String {
    line.chars().take(LONGEST_LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_of_bounded_length() {
        let mut tail = Tail {
            rpc: Rpc::new(Client::unix("/nowhere"), DEADLINE),
            program: "g:cam".into(),
            stderr: false,
            offset: Some(0),
            rest: String::new(),
        };
        let mut lines = Vec::new();
        tail.take("one\r\ntw", &mut lines);
        assert_eq!(lines, ["one"]);
        tail.take("o\n\nthree", &mut lines);
        assert_eq!(lines, ["one", "two", ""]);
        tail.take(&"x".repeat(10_000), &mut lines);
        assert_eq!(lines[3].chars().count(), LONGEST_LINE);
        assert!(tail.rest.is_empty());
        assert_eq!((tail.name(), tail.group()), ("cam", "g"));
    }
}
