//! A stream of server-sent events of which only this matters: that there was one.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;

/// An open stream.
#[derive(Debug)]
pub(crate) struct Changes {
    body: Body,
    rest: Bytes,
    /// What the line at hand began with; longer beginnings tell nothing more.
    line: [u8; 5],
    length: usize,
    /// The event at hand has data.
    data: bool,
}

impl Changes {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            line: [0; 5],
            length: 0,
            data: false,
        }
    }

    /// Waits for an event with data; `None` when the stream is over. Several that arrived together count as one.
    /// May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Option<()> {
        loop {
            let chunk = std::mem::take(&mut self.rest);
            let mut found = false;
            for byte in chunk {
                found |= self.take(byte);
            }
            if found {
                return Some(());
            }
            let frame = self.body.frame().await?.ok()?;
            self.rest = frame.into_data().unwrap_or_default();
        }
    }

    /// True where the byte ends an event that has data.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            b'\r' => false,
            b'\n' if self.length == 0 => std::mem::take(&mut self.data),
            b'\n' => {
                self.data |= self.length >= 5 && &self.line == b"data:";
                self.length = 0;
                false
            }
            byte => {
                if let Some(place) = self.line.get_mut(self.length) {
                    *place = byte;
                }
                self.length = self.length.saturating_add(1);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn changes(chunks: &[&'static str]) -> Changes {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok::<_, Infallible>(*chunk)).collect();
        Changes::new(Body::from_stream(stream::iter(chunks)))
    }

    #[tokio::test]
    async fn comments_and_empty_events_are_no_change() {
        let mut stream = changes(&[": connected\n\n", "id: 4\n\n", "event: gap\n", "\n"]);
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn an_event_counts_whatever_its_pieces_are() {
        let mut stream = changes(&[
            "id: 1\nda",
            "ta: {}\r\n",
            "\r\n",
            ":\n\ndata: 2\n\ndata: 3\n\n",
            "data: cut off",
        ]);
        assert_eq!(stream.next().await, Some(()));
        assert_eq!(
            stream.next().await,
            Some(()),
            "two that came together are one look"
        );
        assert_eq!(stream.next().await, None);
    }
}
