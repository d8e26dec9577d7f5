//! The command line, read as Python's `getopt` does: options up to the first word, long ones by a unique beginning.

use super::url;

/// One option that is known.
struct Known {
    short: Option<char>,
    long: Option<&'static str>,
    takes_value: bool,
    option: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Help,
    Configuration,
    Interactive,
    ServerUrl,
    Username,
    Password,
    History,
    Json,
}

const fn known(short: Option<char>, long: Option<&'static str>, takes_value: bool, option: Name) -> Known {
    Known {
        short,
        long,
        takes_value,
        option,
    }
}

/// supervisorctl's options; `--json` is ours.
const KNOWN: [Known; 9] = [
    known(Some('h'), Some("help"), false, Name::Help),
    known(Some('?'), None, false, Name::Help),
    known(Some('c'), Some("configuration"), true, Name::Configuration),
    known(Some('i'), Some("interactive"), false, Name::Interactive),
    known(Some('s'), Some("serverurl"), true, Name::ServerUrl),
    known(Some('u'), Some("username"), true, Name::Username),
    known(Some('p'), Some("password"), true, Name::Password),
    known(Some('r'), Some("history_file"), true, Name::History),
    known(None, Some("json"), false, Name::Json),
];

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// `-h`: the usage is all that is wanted.
    pub(super) help: bool,
    /// `-c`.
    pub(super) configuration: Option<String>,
    /// `-i`.
    pub(super) interactive: bool,
    /// `-s`.
    pub(super) serverurl: Option<String>,
    /// `-u`.
    pub(super) username: Option<String>,
    /// `-p`.
    pub(super) password: Option<String>,
    /// `-r`.
    pub(super) history: Option<String>,
    /// `--json`.
    pub(super) json: bool,
    /// The action and its arguments.
    pub(super) words: Vec<String>,
}

/// Reads the arguments. The error is the sentence after `Error: `.
pub(super) fn parse(arguments: &[String]) -> Result<CommandLine, String> {
    let (given, words) = split(arguments)?;
    let mut line = CommandLine {
        words,
        ..CommandLine::default()
    };
    for (spelling, option, value) in given {
        match option {
            Name::Help => {
                line.help = true;
                return Ok(line);
            }
            Name::Interactive => once_flag(&mut line.interactive, &spelling)?,
            Name::Json => line.json = true,
            Name::ServerUrl => {
                if !url::is_url(&value) {
                    let value = url::python_repr(&value);
                    return Err(format!(
                        "invalid value for {spelling} {value}: value {value} is not a URL"
                    ));
                }
                once(&mut line.serverurl, value, &spelling)?;
            }
            Name::Configuration => once(&mut line.configuration, value, &spelling)?,
            Name::Username => once(&mut line.username, value, &spelling)?,
            Name::Password => once(&mut line.password, value, &spelling)?,
            Name::History => once(&mut line.history, value, &spelling)?,
        }
    }
    Ok(line)
}

fn once(place: &mut Option<String>, value: String, spelling: &str) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(conflict(spelling)),
    }
}

fn once_flag(place: &mut bool, spelling: &str) -> Result<(), String> {
    if std::mem::replace(place, true) {
        return Err(conflict(spelling));
    }
    Ok(())
}

fn conflict(spelling: &str) -> String {
    format!("conflicting command line option '{spelling}'")
}

type Given = Vec<(String, Name, String)>;

/// Options with their full spelling and value, and the words after them.
fn split(arguments: &[String]) -> Result<(Given, Vec<String>), String> {
    let mut given = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.as_slice().first() {
        if !argument.starts_with('-') || argument == "-" {
            break;
        }
        rest.next();
        if argument == "--" {
            break;
        }
        if let Some(long) = argument.strip_prefix("--") {
            given.push(long_option(long, &mut rest)?);
        } else {
            short_options(&argument[1..], &mut rest, &mut given)?;
        }
    }
    Ok((given, rest.cloned().collect()))
}

fn long_option(
    text: &str,
    rest: &mut std::slice::Iter<'_, String>,
) -> Result<(String, Name, String), String> {
    let (start, value) = text.split_once('=').map_or((text, None), |(a, b)| (a, Some(b)));
    let fits: Vec<(&'static str, &Known)> = KNOWN
        .iter()
        .filter_map(|known| Some((known.long?, known)))
        .filter(|(long, _)| long.starts_with(start))
        .collect();
    let exact = fits.iter().find(|(long, _)| *long == start);
    let (long, known) = match (exact, fits.as_slice()) {
        (Some(one), _) | (None, [one]) => one,
        (None, []) => return Err(format!("option --{start} not recognized")),
        (None, _) => return Err(format!("option --{start} not a unique prefix")),
    };
    let value = match (known.takes_value, value) {
        (true, Some(value)) => value.to_owned(),
        (true, None) => rest
            .next()
            .cloned()
            .ok_or_else(|| format!("option --{long} requires argument"))?,
        (false, Some(_)) => return Err(format!("option --{long} must not have an argument")),
        (false, None) => String::new(),
    };
    Ok((format!("--{long}"), known.option, value))
}

fn short_options(
    letters: &str,
    rest: &mut std::slice::Iter<'_, String>,
    given: &mut Given,
) -> Result<(), String> {
    let mut letters = letters.chars();
    while let Some(letter) = letters.next() {
        let known = KNOWN
            .iter()
            .find(|known| known.short == Some(letter))
            .ok_or_else(|| format!("option -{letter} not recognized"))?;
        let spelling = format!("-{letter}");
        if !known.takes_value {
            given.push((spelling, known.option, String::new()));
            continue;
        }
        let attached = letters.as_str();
        let value = if attached.is_empty() {
            rest.next()
                .cloned()
                .ok_or_else(|| format!("option -{letter} requires argument"))?
        } else {
            attached.to_owned()
        };
        given.push((spelling, known.option, value));
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<CommandLine, String> {
        parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_end_at_the_first_word() {
        let line = parsed(&["-ia", "status"]);
        assert_eq!(line, Err("option -a not recognized".into()));
        let line = parsed(&["-icx.conf", "--user=me", "-p", "-x", "status", "-c", "y"]).unwrap();
        assert!(line.interactive);
        assert_eq!(line.configuration.as_deref(), Some("x.conf"));
        assert_eq!(line.username.as_deref(), Some("me"));
        assert_eq!(line.password.as_deref(), Some("-x"));
        assert_eq!(line.words, ["status", "-c", "y"]);
        assert_eq!(parsed(&["--", "-c"]).unwrap().words, ["-c"]);
        assert_eq!(parsed(&["-", "-c"]).unwrap().words, ["-", "-c"]);
        assert!(parsed(&["-?"]).unwrap().help);
    }

    #[test]
    fn errors_are_getopts() {
        for (words, error) in [
            (&["--h"][..], "option --h not a unique prefix"),
            (&["--foo"], "option --foo not recognized"),
            (&["--ser"], "option --serverurl requires argument"),
            (&["-c"], "option -c requires argument"),
            (&["--int=3"], "option --interactive must not have an argument"),
            (&["-i", "-i"], "conflicting command line option '-i'"),
            (
                &["-u", "a", "--username=b"],
                "conflicting command line option '--username'",
            ),
            (&["-s", ""], "invalid value for -s '': value '' is not a URL"),
        ] {
            assert_eq!(parsed(words), Err(error.to_owned()), "{words:?}");
        }
    }
}
