//! Whether the time can be trusted, for one-time codes and the audit record.

use pistack_kit::clock::Clock;

/// True unless the clock is known to be wrong.
pub(crate) fn is_trusted(clock: &Clock) -> bool {
    clock.trust().is_trusted()
}
