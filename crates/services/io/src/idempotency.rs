//! Answers kept for a while by their `Idempotency-Key`, so that a call that is sent again (the answer was lost on its
//! way) is answered again and not done again.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_mins(10);
/// How many are.
const MOST: usize = 256;
/// Longest key that is listened to.
pub(crate) const LONGEST_KEY: usize = 255;

/// The answers, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    caller: String,
    key: String,
    call: String,
    answer: Value,
    until: Duration,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    /// Nothing: do it.
    New,
    /// It was done; this was the answer.
    Done(Value),
    /// It was used for another call.
    Other,
}

impl Answers {
    /// Looks a key up. Keys belong to their callers.
    pub(crate) fn find(&mut self, caller: &str, key: &str, call: &str, now: Duration) -> Known {
        while self.kept.front().is_some_and(|kept| kept.until <= now) {
            self.kept.pop_front();
        }
        match self
            .kept
            .iter()
            .find(|kept| kept.caller == caller && kept.key == key)
        {
            None => Known::New,
            Some(kept) if kept.call == call => Known::Done(kept.answer.clone()),
            Some(_) => Known::Other,
        }
    }

    /// Keeps an answer.
    pub(crate) fn keep(&mut self, caller: &str, key: &str, call: &str, answer: Value, now: Duration) {
        if self.kept.len() == MOST {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            caller: caller.to_owned(),
            key: key.to_owned(),
            call: call.to_owned(),
            answer,
            until: now + KEPT,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_call_is_answered_again_for_ten_minutes() {
        let mut answers = Answers::default();
        let at = Duration::from_secs;
        assert_eq!(answers.find("anna", "k", "set 1", at(0)), Known::New);
        answers.keep("anna", "k", "set 1", json!(7), at(0));
        assert_eq!(answers.find("anna", "k", "set 1", at(599)), Known::Done(json!(7)));
        assert_eq!(answers.find("anna", "k", "set 0", at(599)), Known::Other);
        assert_eq!(answers.find("ben", "k", "set 1", at(599)), Known::New);
        assert_eq!(answers.find("anna", "k", "set 1", at(600)), Known::New);
    }

    #[test]
    fn no_more_than_some_are_kept() {
        let mut answers = Answers::default();
        for key in 0..1000 {
            answers.keep("anna", &key.to_string(), "x", json!(key), Duration::ZERO);
        }
        assert_eq!(answers.kept.len(), MOST);
        assert_eq!(
            answers.find("anna", "999", "x", Duration::ZERO),
            Known::Done(json!(999))
        );
    }
}
