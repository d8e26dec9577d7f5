//! One lifecycle for every process: run, soft stop, deadline, exit code.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
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

    /// Stops on SIGTERM, SIGINT or SIGQUIT. The handlers are in place when this returns.
    pub fn stop_on_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut quit = signal(SignalKind::quit())?;
        let stop = self.stop.clone();
        self.spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
                _ = quit.recv() => "SIGQUIT",
                () = stop.cancelled() => return,
            };
            tracing::info!(signal = name, "stopping");
            stop.cancel();
        });
        Ok(())
    }

    /// Waits for all background tasks, `grace` at most. True if all ended.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_wakes_every_task_and_finish_waits_for_them() {
        let lifecycle = Lifecycle::new();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let task = lifecycle.clone();
        lifecycle.spawn(async move {
            task.stopped().await;
            let _ = sender.send(());
        });
        assert!(!lifecycle.is_stopping());
        lifecycle.stop();
        assert!(lifecycle.finish(Duration::from_secs(10)).await);
        receiver.await.unwrap();
    }

    #[tokio::test]
    async fn finish_gives_up_on_a_task_that_hangs() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn(std::future::pending());
        lifecycle.stop();
        assert!(!lifecycle.finish(Duration::from_millis(30)).await);
    }

    #[tokio::test]
    async fn signal_handlers_end_with_the_process_part_that_asked_for_them() {
        let lifecycle = Lifecycle::new();
        lifecycle.stop_on_signals().unwrap();
        lifecycle.stop();
        assert!(lifecycle.finish(Duration::from_secs(10)).await);
    }
}
