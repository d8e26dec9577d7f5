//! Our own logs: `tracing` to standard error, text for people or JSON lines on request.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging for this process. `PISTACK_LOG` filters (`info` unless set), `PISTACK_LOG_FORMAT=json`
/// writes JSON Lines. Calling it twice does nothing.
///
/// Text is coloured on a terminal only, and carries no time where journald adds its own.
pub fn init() {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .parse_lossy(std::env::var("PISTACK_LOG").unwrap_or_default());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second call finds a subscriber in place and changes nothing: that is the promise.
    let _ = if std::env::var("PISTACK_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        builder.json().flatten_event(true).with_ansi(false).try_init()
    } else if std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal() {
        builder.with_ansi(false).without_time().try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn may_be_called_twice() {
        super::init();
        super::init();
    }
}
