//! Bytes both ways after 101: WebSockets and whatever else the two agree on.

use std::cell::Cell;
use std::time::Instant;

use super::body::Source;
use super::session::Session;
use crate::failed::Broken;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::upstream::Connection;

/// Passes bytes until both sides have ended, or neither has said anything for the idle time. A side that does not
/// read for that long ends it too.
pub(crate) async fn tunnel(session: &mut Session, connection: &mut Connection) {
    let timeout = session.worker.loaded().policy.timeouts.idle;
    let Session { worker, io: client, buffer, deadline, upstream_deadline, .. } = session;
    let Connection { io: upstream, buffer: received, .. } = connection;
    let deadlines = &worker.deadlines;
    let mut up = Source { io: client, buffer, deadline, deadlines, timeout };
    let mut down = Source { io: upstream, buffer: received, deadline: upstream_deadline, deadlines, timeout };
    let heard = Cell::new(deadlines.now());
    // Whichever way fails first ends both; a way that merely ends lets the other go on.
    let _ = tokio::try_join!(carry(&mut up, upstream, &heard), carry(&mut down, client, &heard));
}

async fn carry(source: &mut Source<'_>, to: &Duplex<Stream>, heard: &Cell<Instant>) -> Result<(), Broken> {
    loop {
        if source.buffer.is_empty() {
            match source.more().await {
                Ok(0) => return to.shutdown().await.map_err(|_| Broken::Write),
                Ok(_) => {}
                // Who listens to the other side for hours need not say anything.
                Err(Broken::Late) if source.deadlines.now() < heard.get() + source.timeout => continue,
                Err(broken) => return Err(broken),
            }
        }
        heard.set(source.deadlines.now());
        source.pass(to).await?;
    }
}
