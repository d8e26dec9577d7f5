//! Whether the time can be trusted, for one-time codes and the audit record.

use pistack_kit::clock::Clock;

/// 2025-01-01: a board without a battery begins in 1970, or at the time its system image was made.
const BUILT_AFTER: i64 = 1_735_689_600;

/// True unless the clock is known to be wrong.
pub(crate) fn is_trusted(clock: &Clock) -> bool {
    clock.unix() >= BUILT_AFTER
}
