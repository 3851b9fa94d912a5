//! Bytes both ways after 101: WebSockets and whatever else the two agree on.

use super::body::Broken;
use super::body::Source;
use super::session::Session;
use crate::net::buffers::SIZE;
use crate::upstream::Connection;

/// Passes bytes until both sides have ended, or neither has said anything for the idle time.
pub(crate) async fn tunnel(session: &mut Session, connection: &mut Connection) {
    let timeout = session.worker.loaded().policy.timeouts.idle;
    let Session { worker, io: client, buffer, deadline, upstream_deadline, .. } = session;
    let Connection { io: upstream, buffer: received, .. } = connection;
    let deadlines = &worker.deadlines;
    let mut up = Source { io: client, buffer, deadline, deadlines, timeout };
    let mut down = Source { io: upstream, buffer: received, deadline: upstream_deadline, deadlines, timeout };
    // Whichever way fails first ends both; a way that merely ends lets the other go on.
    let one = async { carry(&mut up, upstream).await };
    let two = async { carry(&mut down, client).await };
    let _ = tokio::try_join!(one, two);
}

async fn carry(
    source: &mut Source<'_>,
    to: &crate::net::duplex::Duplex<crate::net::stream::Stream>,
) -> Result<(), Broken> {
    loop {
        if source.buffer.is_empty() && source.more().await? == 0 {
            return to.shutdown().await.map_err(|_| Broken::Write);
        }
        let count = source.buffer.len().min(SIZE);
        to.write_out(source.buffer.filled().get(..count).unwrap_or_default())
            .await
            .map_err(|_| Broken::Write)?;
        source.buffer.consume(count);
    }
}
