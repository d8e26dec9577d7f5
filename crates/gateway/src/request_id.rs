//! A name for every request, for logs and for people who report a problem.

use std::sync::atomic::{AtomicU64, Ordering};

use http::header::HeaderValue;

/// Names requests: sixteen digits, different in every run.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let mut start = [0; 8];
        pistack_kit::random::fill(&mut start);
        Self {
            start: u64::from_le_bytes(start),
            count: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self) -> HeaderValue {
        let mut rest = self
            .start
            .wrapping_add(self.count.fetch_add(1, Ordering::Relaxed));
        let mut digits = [0; 16];
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}
