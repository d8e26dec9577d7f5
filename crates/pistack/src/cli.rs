//! The command line: one definition gives parser and help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{GenerateCommand, GpioCommand, RoutesOptions};

/// Keeps your programs alive, shows them behind a login, and tells you when one breaks.
#[derive(Debug, Parser)]
#[command(
    name = "pistack",
    version,
    about,
    after_help = "Examples:\n  pistack up                    start everything in the foreground\n  pistack status                what runs\n  pistack restart camera        stop and start one program\n  pistack logs -f camera        follow its output\n  echo SECRET | pistack user passwd root --stdin\n  pistack supervisord -c FILE   run a supervisord.conf alone"
)]
pub(crate) struct Cli {
    /// Which stack.
    #[command(flatten)]
    pub(crate) place: Place,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Which stack a command talks to.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Place {
    /// Configuration: a pistack.toml or a supervisord.conf. Looked for in the working directory and /etc/pistack
    /// if not given; without any, the built-in defaults run the whole stack.
    #[arg(short = 'c', long = "config", global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where logs, databases, keys and sockets live: /var/lib/pistack for the packaged service, else ./state.
    #[arg(long, global = true, env = "PISTACK_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything in the foreground.
    Up(UpOptions),
    /// One line a program: state, pid, uptime.
    #[command(visible_aliases = ["ps", "ls"])]
    Status(StatusOptions),
    /// Show what a program wrote.
    Logs(LogsOptions),
    /// Start programs.
    Start(Targets),
    /// Stop programs.
    Stop(Targets),
    /// Stop programs and start them again.
    Restart(Targets),
    /// Stop everything, the supervisor too.
    Down {
        /// How long to wait for the end.
        #[arg(long, default_value = "30s", value_name = "TIME")]
        timeout: pistack_kit::config::Span,
    },
    /// Look at ports, database, keys and certificates, and name what is wrong with its cure.
    Doctor {
        /// As `up` asks before it starts.
        #[arg(long, hide = true)]
        starting: bool,
    },
    /// Which address leads where: the routes in force, the newest requests, the counters.
    Routes(RoutesOptions),
    /// Print a configuration for another web server, before the gateway or in its place.
    #[command(subcommand)]
    Generate(GenerateCommand),
    /// Certificates: which is shown, how devices come to trust it, and how to use another one.
    #[command(subcommand)]
    Tls(TlsCommand),
    /// Rules: what they are, what they did, what they would do.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Channels: where messages go.
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Figures of the whole stack, as Prometheus reads them.
    Metrics,
    /// The lines of the board: read, drive, watch.
    #[command(subcommand)]
    Gpio(GpioCommand),
    /// GPIO lines, past the service.
    #[command(subcommand)]
    Io(IoCommand),
    /// Accounts, on this machine's console: works with the services up or down.
    #[command(subcommand)]
    User(UserCommand),
    /// The keys that sign logins.
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Take over what another system left.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run one service in the foreground (how the supervisor starts it): auth, supervisor, control, info, io,
    /// email, gateway or rules.
    Serve {
        /// Which.
        name: String,
    },
    /// Print a service's OpenAPI document.
    #[command(hide = true)]
    Openapi {
        /// Which service.
        name: String,
    },
}

/// `pistack io`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum IoCommand {
    /// Bring every output to its safe level (`on_crash`) and hold it until io_service is back and takes over. The
    /// supervisor runs this whenever io_service has ended. Ends with its standard input.
    Safe,
}

/// `pistack rules`.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Every rule: on, off or active, what it waits for, what it does, when it fired last.
    List {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// What a rule would do with an event, without doing it. Exit code 8: it does not fire.
    Test {
        /// The rule.
        name: String,
        /// File with the event as JSON, or with a line of `pistack rules log --json`; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        event: PathBuf,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// What fired, and why; newest first.
    Log {
        /// How many.
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: u32,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Switch a rule on again.
    Enable {
        /// The rule.
        name: String,
    },
    /// Switch a rule off; it stays off over restarts (`pistack.d/90-ui.toml`).
    Disable {
        /// The rule.
        name: String,
    },
    /// Read rules and channels again; a configuration that is wrong changes nothing.
    Reload,
}

/// `pistack notify`.
#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCommand {
    /// Every channel, and what its last message came to.
    List {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Send a test message now, past limits and quiet hours.
    Test {
        /// The channel.
        channel: String,
    },
    /// Send a message.
    Send {
        /// The channel.
        channel: String,
        /// The text.
        #[arg(required = true)]
        text: Vec<String>,
    },
}

/// `pistack up`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UpOptions {
    /// Address of the dashboard and the API, such as 0.0.0.0:8443.
    #[arg(long, env = "PISTACK_HTTPS", value_name = "ADDR:PORT")]
    pub(crate) https: Option<SocketAddr>,
    /// Address of the redirect to https, such as 0.0.0.0:8000.
    #[arg(long, env = "PISTACK_HTTP", value_name = "ADDR:PORT")]
    pub(crate) http: Option<SocketAddr>,
    /// Start what can be started, even where a port, a key or the database is unusable: your own programs come up
    /// in any case. Without it such a start is refused as a whole.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Say nothing but errors on the terminal (the log file has it all).
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// `pistack status`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StatusOptions {
    /// Programs, `group:name`, `@group`; all if none is named.
    pub(crate) names: Vec<String>,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `pistack logs`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsOptions {
    /// The program; the supervisor's own log if none is named.
    pub(crate) name: Option<String>,
    /// Go on with what is written from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines from the end.
    #[arg(short = 'n', long, default_value_t = 100, value_name = "LINES")]
    pub(crate) lines: usize,
    /// out or err.
    #[arg(long, value_enum, default_value_t = Stream::Out)]
    pub(crate) stream: Stream,
}

/// An output stream of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Programs to act on.
#[derive(Debug, Clone, Args)]
pub(crate) struct Targets {
    /// Programs, `group:name`, or `@group` for all of a group.
    #[arg(required_unless_present = "all")]
    pub(crate) names: Vec<String>,
    /// Every program.
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// How long to wait for the wanted state.
    #[arg(long, default_value = "60s", value_name = "TIME")]
    pub(crate) timeout: pistack_kit::config::Span,
}

/// `pistack tls`.
#[derive(Debug, Subcommand)]
pub(crate) enum TlsCommand {
    /// Every certificate with its names, its end and its fingerprint.
    Status {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// How devices come to trust this board: fingerprint, page with QR code, steps for each system.
    Trust,
    /// Use the local authority's certificate (the default), and put an imported one aside.
    #[command(name = "self")]
    Local,
    /// Use a certificate of your own: checks that key and certificate belong together and are valid, and takes both
    /// over.
    Import {
        /// The certificate (PEM), the board's first, then its chain.
        certificate: PathBuf,
        /// Its private key (PEM).
        key: PathBuf,
    },
    /// Ask the public authority of `[gateway.acme]` for a certificate now. The gateway does so by itself, too.
    Acme,
}

/// `pistack user`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Set a password. Makes `root` (level Root) where there is no account yet.
    Passwd {
        /// Login name.
        name: String,
        /// Read the password from standard input instead of asking for it.
        #[arg(long)]
        stdin: bool,
    },
    /// Add an account.
    Add {
        /// Login name.
        name: String,
        /// Root, Admin or User.
        #[arg(long, default_value = "User")]
        level: pistack_api::token::Level,
        /// Read the password from standard input instead of asking for it.
        #[arg(long)]
        stdin: bool,
    },
    /// Remove an account and end its sessions.
    Remove {
        /// Login name.
        name: String,
    },
    /// Close an account and end its sessions.
    Disable {
        /// Login name.
        name: String,
    },
    /// Open an account that was closed.
    Enable {
        /// Login name.
        name: String,
    },
    /// Forget the failed logins of an account, which make the next ones wait.
    Unlock {
        /// Login name.
        name: String,
    },
    /// Take the second factor and its recovery codes away from an account.
    #[command(name = "reset-2fa")]
    ResetSecondFactor {
        /// Login name.
        name: String,
    },
    /// Say where the person is told of what happens to the account; without an address, nowhere.
    Email {
        /// Login name.
        name: String,
        /// Mail address.
        address: Option<String>,
    },
    /// List the accounts.
    List {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// `pistack auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Sign with a new key from now on. Nobody is logged out: what the old one signed lives out its quarter of an hour.
    RotateKeys {
        /// End every access token at once, because the old key may be known to others. Sessions go on: they get new
        /// tokens.
        #[arg(long)]
        at_once: bool,
    },
}

/// `pistack import`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Users of a `users.json` of the original, with their passwords. A second run changes nothing.
    Users {
        /// The file. It is only read.
        file: PathBuf,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// `pistack config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the configuration as `up` would and print every error.
    Check,
    /// Print the JSON Schema of pistack.toml, for editors.
    Schema,
    /// Print which files are read.
    Path,
}
