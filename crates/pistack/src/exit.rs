//! Exit codes, the same for every command.

use std::process::ExitCode;

use pistack_kit::config::ConfigErrors;

/// What the shell gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Done.
    Ok = 0,
    /// Did not work.
    Failed = 1,
    /// The configuration is wrong (2 is clap's, for usage).
    Config = 3,
    /// No supervisor answers.
    Unreachable = 4,
    /// Not allowed.
    Forbidden = 5,
    /// No such program.
    NoSuchProgram = 6,
    /// The wanted state did not come in time.
    TimedOut = 7,
    /// `status`: something is not in its wanted state.
    NotAsWanted = 8,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A command ends because of this.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A sentence for the person, and the code.
    Message(Code, String),
    /// Everything that is wrong in the configuration.
    Config(ConfigErrors),
}

impl Failure {
    /// A failure with code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(Code::Failed, message.into())
    }

    /// Prints it on standard error and gives the code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Message(code, message) => {
                eprintln!("pistack: {message}");
                code.into()
            }
            Self::Config(errors) => {
                for error in errors.0 {
                    eprintln!("{:?}", miette::Report::new(error));
                }
                Code::Config.into()
            }
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}
