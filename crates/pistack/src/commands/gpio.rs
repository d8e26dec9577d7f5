//! `pistack gpio`: the lines of the board through the running io service, as whoever may open its socket.

use std::time::Duration;

use bytes::Bytes;
use clap::Subcommand;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_kit::client::{Client, ClientError};
use pistack_kit::config::Span;
use serde_json::{Value, json};

use super::peer::block_on;
use crate::cli::Place;
use crate::exit::{Code, Failure};
use crate::output;
use crate::state;

/// The io service answers at once or not at all.
const DEADLINE: Duration = Duration::from_secs(5);

/// `pistack gpio`. A line is a name, 17, bcm:17, pin:11 or chip:LABEL/17.
#[derive(Debug, Subcommand)]
pub(crate) enum GpioCommand {
    /// The 40-pin header: what each pin is, and who uses it.
    Pinout,
    /// The lines in use.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a line's level, 0 or 1.
    Get {
        /// Which line.
        line: String,
    },
    /// Drive a line.
    Set {
        /// Which line.
        line: String,
        /// `on` or `off`, 1 or 0.
        #[arg(value_parser = level, action = clap::ArgAction::Set)]
        level: bool,
        /// For so long, such as 500ms; then the opposite.
        #[arg(long = "for", value_name = "TIME")]
        time: Option<Span>,
    },
    /// Drive a line to the opposite level, and print that.
    Toggle {
        /// Which line.
        line: String,
    },
    /// Print each change of lines, until Ctrl-C.
    Watch {
        /// Which lines.
        #[arg(required = true)]
        lines: Vec<String>,
        /// End after so many changes.
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
    /// Set a line's PWM.
    Pwm {
        /// Which line.
        line: String,
        /// Share of the time that it is on, 0 to 1.
        duty: f64,
        /// Times a second.
        #[arg(long, value_name = "HZ")]
        freq: Option<f64>,
    },
    /// Let a line blink by itself; any write ends it.
    Blink {
        /// Which line.
        line: String,
        /// Time on.
        #[arg(long, default_value = "500ms", value_name = "TIME")]
        on: Span,
        /// Time off.
        #[arg(long, default_value = "500ms", value_name = "TIME")]
        off: Span,
        /// How often; for ever if not given.
        #[arg(long, value_name = "N")]
        count: Option<u32>,
    },
}

fn level(text: &str) -> Result<bool, String> {
    match text {
        "1" | "on" | "true" => Ok(true),
        "0" | "off" | "false" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

/// Runs it.
pub(crate) fn gpio(place: &Place, command: &GpioCommand) -> Result<Code, Failure> {
    let client = Client::unix(state::paths(place)?.service_socket(Service::Io));
    block_on(run(&client, command))
}

async fn run(client: &Client, command: &GpioCommand) -> Result<Code, Failure> {
    match command {
        GpioCommand::Pinout => pinout(&ask(client, "board", None).await?),
        GpioCommand::List { json } => list(&ask(client, "board", None).await?, *json),
        GpioCommand::Get { line } => {
            let answer = ask(client, "read", Some(json!({ "pin": line }))).await?;
            println!("{}", answer["value"]);
        }
        GpioCommand::Set { line, level, time } => {
            let body = json!({ "pin": line, "value": level, "for_ms": time.map(millis) });
            ask(client, "set", Some(body)).await?;
        }
        GpioCommand::Toggle { line } => {
            let answer = ask(client, "toggle", Some(json!({ "pin": line }))).await?;
            println!("{}", answer["value"]);
        }
        GpioCommand::Pwm { line, duty, freq } => {
            let body = json!({ "pin": line, "duty": duty, "freq_hz": freq });
            let answer = ask(client, "pwm", Some(body)).await?;
            let pwm = &answer["pwm"];
            println!(
                "{} at {} Hz ({})",
                pwm["duty"],
                pwm["freq_hz"],
                text(&pwm["backend"])
            );
        }
        GpioCommand::Blink { line, on, off, count } => {
            let action =
                json!({ "do": "blink", "on_ms": millis(*on), "off_ms": millis(*off), "count": count });
            ask(client, "act", Some(json!({ "pin": line, "action": action }))).await?;
        }
        GpioCommand::Watch { lines, count } => watch(client, lines, *count).await?,
    }
    Ok(Code::Ok)
}

fn millis(span: Span) -> u64 {
    u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Bool(level) => u8::from(*level).to_string(),
        other => other.to_string(),
    }
}

fn tell_of_simulation(answer: &Value) {
    if answer["warning"] == "no_gpio_backend" {
        eprintln!("pistack: there is no GPIO chip: these lines are simulated");
    }
}

/// The header as it lies on the board: odd pins left, even ones right.
fn pinout(answer: &Value) {
    tell_of_simulation(answer);
    if let Some(model) = answer["board"]["model"].as_str() {
        println!("{model}");
    }
    let pins = answer["board"]["header"].as_array().cloned().unwrap_or_default();
    let rows = pins
        .chunks(2)
        .map(|pair| {
            let cell = |pin: &Value| {
                let used = pin["used_by"]
                    .as_str()
                    .map(|by| format!("[{by}]"))
                    .unwrap_or_default();
                [used, text(&pin["name"]), text(&pin["pin"])]
            };
            let (left, right) = (cell(&pair[0]), cell(pair.get(1).unwrap_or(&Value::Null)));
            left.into_iter().chain(right.into_iter().rev()).collect()
        })
        .collect();
    output::rows(&["USED BY", "NAME", "PIN", "PIN", "NAME", "USED BY"], rows);
}

fn list(answer: &Value, as_json: bool) {
    if as_json {
        output::json(&json!({ "schema_version": 1, "lines": answer["lines"], "warning": answer["warning"] }));
        return;
    }
    tell_of_simulation(answer);
    let lines = answer["lines"].as_array().cloned().unwrap_or_default();
    let rows = lines
        .iter()
        .map(|line| {
            let does = match (&line["action"]["do"], &line["pwm"]["duty"], &line["holder"]) {
                (Value::String(action), _, _) => action.clone(),
                (_, Value::Number(duty), _) => format!("pwm {duty}"),
                (_, _, Value::String(holder)) => format!("held by {holder}"),
                _ => text(&line["label"]),
            };
            vec![
                text(&line["name"]),
                text(&line["bcm"]),
                text(&line["pin"]),
                text(&line["direction"]),
                text(&line["value"]),
                does,
            ]
        })
        .collect();
    output::rows(&["NAME", "BCM", "PIN", "DIRECTION", "LEVEL", ""], rows);
}

/// One line a change: the line as it was called, and its level.
async fn watch(client: &Client, lines: &[String], count: Option<u64>) -> Result<(), Failure> {
    let body = json!({ "lines": lines }).to_string();
    let request = http::Request::post("/internal/gpio/edges")
        .body(Bytes::from(body))
        .map_err(|error| Failure::new(error.to_string()))?;
    let answer = client
        .stream(request, DEADLINE)
        .await
        .map_err(|error| unreachable(&error))?;
    let status = answer.status();
    let mut body = answer.into_body();
    let (mut rest, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::new(error.to_string()))?;
        rest.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        if !status.is_success() {
            continue;
        }
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let Ok(edge) = serde_json::from_slice::<Value>(&line) else {
                continue;
            };
            println!("{} {}", text(&edge["line"]), edge["level"]);
            seen += 1;
            if count.is_some_and(|count| seen >= count) {
                return Ok(());
            }
        }
    }
    if !status.is_success() {
        return Err(refused(
            status,
            &serde_json::from_slice(&rest).unwrap_or_default(),
        ));
    }
    Err(Failure::Message(
        Code::Unreachable,
        "the io service has ended".to_owned(),
    ))
}

/// One call; GET without a body.
async fn ask(client: &Client, what: &str, body: Option<Value>) -> Result<Value, Failure> {
    let path = format!("/internal/gpio/{what}");
    let request = match &body {
        Some(_) => http::Request::post(path),
        None => http::Request::get(path),
    };
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = request
        .body(Bytes::from(body))
        .map_err(|error| Failure::new(error.to_string()))?;
    let answer = client
        .send(request, DEADLINE)
        .await
        .map_err(|error| unreachable(&error))?;
    let value: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().is_success() {
        return Ok(value);
    }
    Err(refused(answer.status(), &value))
}

fn refused(status: http::StatusCode, problem: &Value) -> Failure {
    let message = problem["message"].as_str().unwrap_or("refused");
    let detail = problem["detail"]
        .as_str()
        .map(|detail| format!(". {detail}"))
        .unwrap_or_default();
    let code = match status.as_u16() {
        403 => Code::Forbidden,
        404 => Code::NoSuchProgram,
        _ if problem["code"] == "bad_line" => Code::NoSuchProgram,
        _ => Code::Failed,
    };
    Failure::Message(code, format!("{message}{detail}"))
}

fn unreachable(error: &ClientError) -> Failure {
    match error {
        ClientError::Unreachable { source, .. } if source.to_string().contains("ermission denied") => {
            Failure::Message(Code::Forbidden, "the io service is not yours to use. Try again with sudo".to_owned())
        }
        ClientError::Unreachable { .. } => Failure::Message(
            Code::Unreachable,
            "no io service answers. Start the stack with `pistack up`, or name its directory with --state-dir".to_owned(),
        ),
        ClientError::TimedOut { .. } => Failure::Message(Code::TimedOut, error.to_string()),
        other @ ClientError::Broken { .. } => Failure::new(other.to_string()),
    }
}
