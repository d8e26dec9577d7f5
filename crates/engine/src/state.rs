//! States of a process and of the supervisor, with supervisord's codes and names.

/// State of a process (supervisord's documentation, "Process States").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are supervisord's own")]
pub enum ProcessState {
    Stopped = 0,
    Starting = 10,
    Running = 20,
    Backoff = 30,
    Stopping = 40,
    Exited = 100,
    Fatal = 200,
    Unknown = 1000,
}

impl ProcessState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Starting,
        Self::Running,
        Self::Backoff,
        Self::Stopping,
        Self::Exited,
        Self::Fatal,
        Self::Unknown,
    ];

    /// supervisord's code.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// supervisord's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// STOPPED, EXITED, FATAL, UNKNOWN.
    pub const fn is_stopped(self) -> bool {
        matches!(self, Self::Stopped | Self::Exited | Self::Fatal | Self::Unknown)
    }

    /// STARTING, RUNNING, BACKOFF.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Backoff | Self::Starting)
    }

    /// STARTING, RUNNING, STOPPING.
    pub const fn is_signallable(self) -> bool {
        matches!(self, Self::Running | Self::Starting | Self::Stopping)
    }
}

/// State of the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are supervisord's own")]
pub enum SupervisorState {
    Shutdown = -1,
    Restarting = 0,
    Running = 1,
    Fatal = 2,
}

impl SupervisorState {
    /// supervisord's code.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// supervisord's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shutdown => "SHUTDOWN",
            Self::Restarting => "RESTARTING",
            Self::Running => "RUNNING",
            Self::Fatal => "FATAL",
        }
    }
}
