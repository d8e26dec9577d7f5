//! Edges from the kernel to the board. The descriptor of the request tells when there are any: nobody looks before.

use std::sync::Arc;

use gpiocdev::Request;
use gpiocdev::line::EdgeKind;
use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::AbortHandle;

use super::{EdgeSender, Place, RawEdge};

/// Bytes of the numbers that an edge is made of.
const WORD: usize = size_of::<u64>();
/// Edges read in one call.
const AT_ONCE: usize = 16;

/// Tells the edges of a request until it is aborted or nobody listens. `None` outside a runtime.
pub(super) fn follow(chip: u8, request: Arc<Request>, sender: EdgeSender) -> Option<AbortHandle> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    let task = runtime.spawn(async move {
        if let Err(error) = tell(chip, &request, &sender).await {
            tracing::error!(chip, %error, "edges of a line are not told any more");
        }
    });
    Some(task.abort_handle())
}

async fn tell(chip: u8, request: &Arc<Request>, sender: &EdgeSender) -> std::io::Result<()> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe; a request keeps one descriptor open for as long as it lives"
    )]
    let descriptor = AsyncFd::with_interest(Arc::clone(request), Interest::READABLE)?;
    let flags = rustix::fs::fcntl_getfl(&**request)?;
    rustix::fs::fcntl_setfl(&**request, flags | OFlags::NONBLOCK)?;
    let size = request.edge_event_u64_size();
    let mut bytes = vec![0_u8; size * WORD * AT_ONCE];
    loop {
        let mut ready = descriptor.readable().await?;
        let read = match rustix::io::read(&**request, &mut bytes) {
            Ok(read) => read,
            // They were read with the ones before.
            Err(Errno::AGAIN) => 0,
            Err(error) => return Err(error.into()),
        };
        // What comes from now on is told anew; one call an edge is enough.
        if read < bytes.len() {
            ready.clear_ready();
        }
        for raw in bytes[..read].chunks_exact(size * WORD) {
            // A full queue waits here: the kernel goes on counting, and says by its numbers what it dropped.
            if sender.send(edge(chip, request, raw)?).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// An edge as the kernel writes it.
fn edge(chip: u8, request: &Request, raw: &[u8]) -> std::io::Result<RawEdge> {
    let words: Vec<u64> = raw
        .chunks_exact(WORD)
        .map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()))
        .collect();
    let edge = request
        .edge_event_from_slice(&words)
        .map_err(std::io::Error::other)?;
    Ok(RawEdge {
        place: Place {
            chip,
            offset: edge.offset,
        },
        rising: edge.kind == EdgeKind::Rising,
        mono_ns: edge.timestamp_ns,
        line_seqno: edge.line_seqno,
    })
}
