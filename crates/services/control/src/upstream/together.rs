//! One answer for all who ask for the same at the same time: twenty open pages hear the same news and look again at
//! the same moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Turn;

/// Questions that are being asked, by what they ask and in whose name.
#[derive(Debug)]
pub(crate) struct Together<T>(Mutex<HashMap<Box<str>, Arc<Question<T>>>>);

#[derive(Debug)]
struct Question<T> {
    /// The number of the asking that began last.
    begun: AtomicU64,
    /// Whoever holds this asks; the others wait. The answer of the asking with this number.
    turn: Turn<(u64, Option<T>)>,
}

impl<T> Default for Together<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Together<T> {
    /// The answer of an `asking` that began no earlier than this call: so nobody is told what was true before he
    /// asked. Nothing is kept when nobody waits any more.
    pub(crate) async fn ask<F: Future<Output = T>>(&self, key: &str, asking: impl FnOnce() -> F) -> T {
        let place = Place {
            together: self,
            key,
            question: self.question(key),
        };
        let begun = place.question.begun.load(Ordering::Acquire);
        let mut turn = place.question.turn.lock().await;
        if let (number, Some(answer)) = &*turn
            && *number > begun
        {
            return answer.clone();
        }
        // Cut off in the middle, it leaves no answer, and the next in turn asks.
        *turn = (place.question.begun.fetch_add(1, Ordering::AcqRel) + 1, None);
        let answer = asking().await;
        turn.1 = Some(answer.clone());
        answer
    }

    fn question(&self, key: &str) -> Arc<Question<T>> {
        let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = questions.get(key) {
            return Arc::clone(question);
        }
        let question = Arc::new(Question {
            begun: AtomicU64::new(0),
            turn: Turn::new((0, None)),
        });
        questions.insert(key.into(), Arc::clone(&question));
        question
    }
}

/// One who waits; the last of them takes the question away.
struct Place<'a, T> {
    together: &'a Together<T>,
    key: &'a str,
    question: Arc<Question<T>>,
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let mut questions = self.together.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours and the table's.
        if Arc::strong_count(&self.question) == 2 {
            questions.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn those_who_ask_while_an_answer_is_on_its_way_share_the_next_one() {
        let (together, go, asked) = (Together::default(), Notify::new(), AtomicUsize::new(0));
        let ask = || {
            together.ask("all", || async {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                number
            })
        };
        let mut first = Box::pin(ask());
        assert_eq!(first.as_mut().now_or_never(), None, "it waits for its answer");
        let mut others = Box::pin(join_all((0..10).map(|_| ask())));
        assert!(others.as_mut().now_or_never().is_none());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        go.notify_one();
        assert_eq!(first.await, 0);
        go.notify_one();
        assert_eq!(others.await, [1; 10], "none of them is told the older answer");
        assert!(together.0.lock().unwrap().is_empty(), "nothing is kept");
    }

    #[tokio::test]
    async fn one_who_goes_away_leaves_the_asking_to_the_next_and_keys_are_apart() {
        let together = Together::default();
        let mut gone = Box::pin(together.ask("mine", std::future::pending::<u8>));
        assert!(gone.as_mut().now_or_never().is_none());
        let mut next = Box::pin(together.ask("mine", || async { 2 }));
        assert!(next.as_mut().now_or_never().is_none(), "it waits for its turn");
        assert_eq!(together.ask("theirs", || async { 3 }).now_or_never(), Some(3));
        drop(gone);
        assert_eq!(next.await, 2);
        assert!(together.0.lock().unwrap().is_empty());
    }
}
