//! Options as Python's `getopt` reads them: clustered short ones, abbreviated long ones, an end at the first word
//! that is none.

/// An option of a program: its short and its long name, and whether it takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// `n` of `-n`.
    pub(super) short: Option<char>,
    /// `nodaemon` of `--nodaemon`.
    pub(super) long: Option<&'static str>,
    /// True if a value follows.
    pub(super) value: bool,
}

/// An option as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given<'k> {
    /// Which.
    pub(super) known: &'k Known,
    /// `-n` or `--nodaemon`; an abbreviation is written out.
    pub(super) name: String,
    /// Its value; empty if it has none.
    pub(super) value: String,
}

/// The options in the order in which they were given, and the words after them. The error is `getopt`'s text.
pub(super) fn read<'k>(
    words: &[String],
    known: &'k [Known],
) -> Result<(Vec<Given<'k>>, Vec<String>), String> {
    let mut given = Vec::new();
    let mut rest = words.iter();
    loop {
        let before = rest.clone();
        let Some(word) = rest.next() else { break };
        if word == "--" {
            break;
        }
        if let Some(text) = word.strip_prefix("--") {
            given.push(long(text, known, &mut rest)?);
        } else if let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            short(cluster, known, &mut rest, &mut given)?;
        } else {
            rest = before;
            break;
        }
    }
    Ok((given, rest.cloned().collect()))
}

fn long<'k>(
    text: &str,
    known: &'k [Known],
    rest: &mut std::slice::Iter<'_, String>,
) -> Result<Given<'k>, String> {
    let (name, value) = text
        .split_once('=')
        .map_or((text, None), |(name, value)| (name, Some(value)));
    let mut fitting = known
        .iter()
        .filter_map(|option| Some((option, option.long?)))
        .filter(|(_, long)| long.starts_with(name));
    let Some(first) = fitting
        .clone()
        .find(|(_, long)| *long == name)
        .or_else(|| fitting.next())
    else {
        return Err(format!("option --{name} not recognized"));
    };
    let (option, long) = first;
    if long != name && fitting.next().is_some() {
        return Err(format!("option --{name} not a unique prefix"));
    }
    let value = match (option.value, value) {
        (true, Some(value)) => value.to_owned(),
        (true, None) => rest
            .next()
            .ok_or_else(|| format!("option --{long} requires argument"))?
            .clone(),
        (false, Some(_)) => return Err(format!("option --{long} must not have an argument")),
        (false, None) => String::new(),
    };
    Ok(Given {
        known: option,
        name: format!("--{long}"),
        value,
    })
}

fn short<'k>(
    cluster: &str,
    known: &'k [Known],
    rest: &mut std::slice::Iter<'_, String>,
    given: &mut Vec<Given<'k>>,
) -> Result<(), String> {
    let mut letters = cluster.chars();
    while let Some(letter) = letters.next() {
        let option = known
            .iter()
            .find(|option| option.short == Some(letter))
            .ok_or_else(|| format!("option -{letter} not recognized"))?;
        let value = match (option.value, letters.as_str()) {
            (false, _) => String::new(),
            (true, "") => rest
                .next()
                .ok_or_else(|| format!("option -{letter} requires argument"))?
                .clone(),
            (true, glued) => {
                let value = glued.to_owned();
                letters = "".chars();
                value
            }
        };
        given.push(Given {
            known: option,
            name: format!("-{letter}"),
            value,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 5] = [
        Known {
            short: Some('n'),
            long: Some("nodaemon"),
            value: false,
        },
        Known {
            short: Some('k'),
            long: Some("nocleanup"),
            value: false,
        },
        Known {
            short: Some('c'),
            long: Some("configuration"),
            value: true,
        },
        Known {
            short: None,
            long: Some("conf"),
            value: true,
        },
        Known {
            short: Some('?'),
            long: None,
            value: false,
        },
    ];

    fn shown(words: &[&str]) -> Result<(String, String), String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (given, rest) = read(&words, &KNOWN)?;
        let given: Vec<String> = given
            .iter()
            .map(|one| format!("{}={}", one.name, one.value))
            .collect();
        Ok((given.join(" "), rest.join(" ")))
    }

    #[test]
    fn reads_as_python_does() {
        for (words, options, rest) in [
            (&["-n", "-c", "x"][..], "-n= -c=x", ""),
            (&["-nkcx", "y", "-n"], "-n= -k= -c=x", "y -n"),
            (&["-nc", "x", "-?"], "-n= -c=x -?=", ""),
            (
                &["--nod", "--configuration=a=b"],
                "--nodaemon= --configuration=a=b",
                "",
            ),
            (&["--configuration", "-n", "--", "-k"], "--configuration=-n", "-k"),
            (&["--conf", "x", "--configu="], "--conf=x --configuration=", ""),
            (&["-", "-n"], "", "- -n"),
            (&[], "", ""),
        ] {
            assert_eq!(
                shown(words),
                Ok((options.to_owned(), rest.to_owned())),
                "{words:?}"
            );
        }
    }

    #[test]
    fn says_what_python_says() {
        for (words, error) in [
            (&["-x"][..], "option -x not recognized"),
            (&["-nx"], "option -x not recognized"),
            (&["-c"], "option -c requires argument"),
            (&["-:"], "option -: not recognized"),
            (&["--nope"], "option --nope not recognized"),
            (&["--no"], "option --no not a unique prefix"),
            (&["--configuration"], "option --configuration requires argument"),
            (&["--nod=1"], "option --nodaemon must not have an argument"),
        ] {
            assert_eq!(shown(words), Err(error.to_owned()), "{words:?}");
        }
    }
}
