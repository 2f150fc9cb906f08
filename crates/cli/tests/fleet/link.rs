//! What is between two parts of a fleet: a way for connections that can be disturbed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Bytes that are taken at once; a slow way lets some of these pass a second.
const PIECE: usize = 4 * 1024;

/// How bytes fare in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Pass,
    /// They wait, as in a network that is parted: later they are there.
    Hold,
    /// They are taken and are gone. Whose bytes are gone is cut when it is over.
    Swallow,
    /// So many bytes a second.
    Slow(u32),
}

#[derive(Debug, Clone, Copy)]
struct State {
    there: Flow,
    back: Flow,
    /// How often its connections were cut.
    cuts: u32,
}

/// A way to one port. Its own port takes any number of connections.
pub(crate) struct Link {
    pub(crate) port: u16,
    state: watch::Sender<State>,
}

impl Link {
    /// Makes a way to a port of this machine.
    pub(crate) fn open(runtime: &Runtime, to: u16) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, watched) = watch::channel(State { there: Flow::Pass, back: Flow::Pass, cuts: 0 });
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, to, watched.clone()));
            }
        });
        Self { port, state }
    }

    /// Sets how bytes fare from who connects, and back to it.
    pub(crate) fn set(&self, there: Flow, back: Flow) {
        self.state.send_modify(|state| (state.there, state.back) = (there, back));
    }

    /// Ends all connections that there are.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

/// Carries one connection until it ends or is cut.
async fn carry(near: TcpStream, to: u16, mut state: watch::Receiver<State>) {
    let cuts = state.borrow_and_update().cuts;
    let mut watched = state.clone();
    let both = async move {
        // Who is behind a parted network is not reached.
        until(&mut watched, |state| state.there != Flow::Hold).await?;
        let far = TcpStream::connect(("127.0.0.1", to)).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        let there = pump(near_read, far_write, watched.clone(), |state| state.there);
        let back = pump(far_read, near_write, watched, |state| state.back);
        tokio::try_join!(there, back)
    };
    tokio::select! {
        _ = both => {}
        _ = until(&mut state, |state| state.cuts != cuts) => {}
    }
}

/// Waits until something is so; returns how it is then.
async fn until(state: &mut watch::Receiver<State>, is_so: impl Fn(&State) -> bool) -> io::Result<State> {
    let found = state.wait_for(|state| is_so(state)).await;
    found.map(|state| *state).map_err(|_| io::ErrorKind::ConnectionAborted.into())
}

/// Carries bytes one way, until there are no more.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    flow: fn(&State) -> Flow,
) -> io::Result<()> {
    let mut piece = [0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        // That it ends is no faster than its bytes are.
        match flow(&until(&mut state, |state| flow(state) != Flow::Hold).await?) {
            Flow::Swallow => return swallow(from, state, flow).await,
            Flow::Slow(rate) => tokio::time::sleep(Duration::from_secs_f64(read as f64 / f64::from(rate))).await,
            Flow::Pass | Flow::Hold => {}
        }
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..read]).await?;
    }
}

/// Takes bytes until they would pass again; then the connection is no use to anybody.
async fn swallow(
    mut from: OwnedReadHalf,
    mut state: watch::Receiver<State>,
    flow: fn(&State) -> Flow,
) -> io::Result<()> {
    let mut piece = [0; PIECE];
    let mut is_open = true;
    let over = until(&mut state, |state| flow(state) != Flow::Swallow);
    tokio::pin!(over);
    loop {
        tokio::select! {
            _ = &mut over => return Err(io::ErrorKind::ConnectionReset.into()),
            read = from.read(&mut piece), if is_open => is_open = matches!(read, Ok(1..)),
        }
    }
}
