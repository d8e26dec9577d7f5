//! Edges from the kernel to the board. The descriptor of the request tells when there are any: nobody looks before.

use std::sync::Arc;

use gpiocdev::Request;
use gpiocdev::line::EdgeKind;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::AbortHandle;

use super::{EdgeSender, Place, RawEdge};

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
    let size = request.edge_event_u64_size();
    let mut buffer = vec![0_u64; size * AT_ONCE];
    loop {
        let mut ready = descriptor.readable().await?;
        while request.has_edge_event().map_err(std::io::Error::other)? {
            let read = request
                .read_edge_events_into_slice(&mut buffer)
                .map_err(std::io::Error::other)?;
            for raw in buffer[..read].chunks_exact(size) {
                let edge = request
                    .edge_event_from_slice(raw)
                    .map_err(std::io::Error::other)?;
                let edge = RawEdge {
                    place: Place {
                        chip,
                        offset: edge.offset,
                    },
                    rising: edge.kind == EdgeKind::Rising,
                    mono_ns: edge.timestamp_ns,
                    line_seqno: edge.line_seqno,
                };
                // A full queue waits here: the kernel goes on counting, and says by its numbers what it dropped.
                if sender.send(edge).await.is_err() {
                    return Ok(());
                }
            }
        }
        ready.clear_ready();
    }
}
