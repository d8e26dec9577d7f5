//! The supervisor goes before its children: when they fight for the processor, at a start of a thousand programs or
//! because one of them spins, a dead one is still started again at once and questions are still answered.
//!
//! Children get the nice value that the supervisor was started with. Nobody but root may go first; then nothing
//! changes.

/// Steps of the nice value by which the supervisor goes before its children.
const STEPS: libc::c_int = 5;

/// A raised priority of this thread, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Raised {
    /// The nice value that the thread had, and that children get.
    before: libc::c_int,
}

impl Raised {
    /// Raises it; `None` where that is not allowed.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: it takes integers; 0 is the calling thread. -1 is a nice value as well as an error, which this call
        // does not know for the own thread.
        let before = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        set(before - STEPS).then_some(Self { before })
    }

    /// The nice value of children.
    pub(crate) const fn for_children(&self) -> libc::c_int {
        self.before
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        set(self.before);
    }
}

/// Sets the nice value of the calling thread. Async-signal-safe.
pub(crate) fn set(nice: libc::c_int) -> bool {
    // SAFETY: it takes integers.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nice() -> libc::c_int {
        // SAFETY: it takes integers.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    }

    #[test]
    fn is_given_back() {
        let before = nice();
        match Raised::new() {
            Some(raised) => {
                assert_eq!(
                    (nice(), raised.for_children()),
                    ((before - STEPS).max(-20), before)
                );
                drop(raised);
            }
            // only root may; SAFETY: it takes nothing
            None => assert_ne!(unsafe { libc::geteuid() }, 0),
        }
        assert_eq!(nice(), before);
    }
}
