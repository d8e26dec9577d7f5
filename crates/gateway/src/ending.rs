//! The end of the gateway, as connections hear of it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio_util::sync::CancellationToken;

/// A signal that all connections wait for beside their work. They wake up for a request thousands of times a second and
/// for the signal once, so it is asked once, and then only looked at.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    token: CancellationToken,
}

impl Signal {
    /// Raised together with `token`.
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self {
            raised: AtomicBool::new(false),
            token,
        }
    }

    /// Tells everybody.
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// Does `work` in this task until it is done, or until the signal: then `None`.
    pub(crate) async fn cut<F: Future>(&self, mut work: Pin<&mut F>) -> Option<F::Output> {
        let mut told = pin!(self.token.cancelled());
        let mut listens = false;
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            if listens && !self.raised.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            listens = true;
            told.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn work_ends_by_itself_or_with_the_signal() {
        let signal = Arc::new(Signal::default());
        assert_eq!(signal.cut(pin!(async { 7 })).await, Some(7));
        let (steps, mut counted) = tokio::sync::mpsc::channel(1);
        let heard = signal.clone();
        let working = tokio::spawn(async move {
            let endless = pin!(async {
                loop {
                    let _ = steps.send(()).await;
                }
            });
            heard.cut::<_>(endless).await.is_none()
        });
        for _ in 0..3 {
            counted.recv().await.unwrap();
        }
        signal.raise();
        assert!(working.await.unwrap());
        assert!(
            signal.cut(pin!(std::future::pending::<()>())).await.is_none(),
            "raised before"
        );
    }
}
