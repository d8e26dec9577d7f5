//! One lifecycle for every process: run, soft stop, deadline, exit code.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Handle on the process's life. Cheap to clone; hand it to every task that runs on.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// A fresh one, not bound to signals; for tests and for parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Resolves when the process should stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// True once the process should stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks everything to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Runs `task` in the background; it is waited for at the end. It should end soon after
    /// [`Lifecycle::stopped`].
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Stops on SIGTERM, SIGINT or SIGQUIT.
    pub fn stop_on_signals(&self) -> std::io::Result<()> {
        todo!()
    }

    /// Waits for all background tasks, `grace` at most. True if all ended.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.is_ok()
    }
}
