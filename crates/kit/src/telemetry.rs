//! Our own logs: `tracing` to standard error, text for people or JSON lines on request.

/// Starts logging for this process. `PISTACK_LOG` filters (`info` unless set), `PISTACK_LOG_FORMAT=json`
/// writes JSON Lines. Calling it twice does nothing.
pub fn init() {
    todo!()
}
