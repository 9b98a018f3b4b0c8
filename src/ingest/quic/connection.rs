//! One connection: its streams, its datagrams, and the limits on a peer that does not say who it
//! is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quinn::{Connection, ZeroRttAccepted};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::services::QuicServices;
use super::session::{Session, serve_stream};
use super::settings::{HELLOS_REFUSED_MAX, QuicSettings};
use super::wire::client_frame::decode_datagram;
use super::wire::fix::Origin;
use crate::domain::ids::{CompanyId, CourierId};
use crate::runtime::intake::{Delivery, PartDone, SentFix};

/// What the streams of a connection share.
pub(super) struct Peer {
    pub(super) connection: Connection,
    pub(super) services: Arc<QuicServices>,
    pub(super) settings: Arc<QuicSettings>,
    /// What is known of the peer by now. One channel for all of it: a connection has one each.
    pub(super) standing: watch::Sender<Standing>,
    hellos_refused: AtomicU32,
}

/// What is known of a peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// The handshake is done.
    pub(super) has_shaken_hands: bool,
    /// Some stream was welcomed.
    pub(super) is_welcome: bool,
    /// The first device that was welcomed: whose datagrams they are.
    pub(super) device: Option<DatagramSender>,
}

/// Whose fixes come in datagrams.
#[derive(Clone, Copy, Debug)]
pub(super) struct DatagramSender {
    pub(super) company: CompanyId,
    pub(super) courier: CourierId,
    pub(super) origin: Origin,
}

impl Peer {
    /// A hello was refused: whoever tries on and on is shown out.
    pub(super) fn refuse_hello(&self) {
        if self.hellos_refused.fetch_add(1, Ordering::Relaxed) + 1 >= HELLOS_REFUSED_MAX {
            self.connection.close(CLOSE_UNAUTHORIZED.into(), b"unauthorized");
        }
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve_connection(
    connection: Connection,
    handshake: ZeroRttAccepted,
    permit: OwnedSemaphorePermit,
    services: &Arc<QuicServices>,
    settings: &Arc<QuicSettings>,
) {
    let peer = Arc::new(Peer {
        connection: connection.clone(),
        services: Arc::clone(services),
        settings: Arc::clone(settings),
        standing: watch::Sender::new(Standing::default()),
        hellos_refused: AtomicU32::new(0),
    });
    let mut streams = JoinSet::new();
    let shaking = Arc::clone(&peer);
    let began = async move {
        handshake.await;
        drop(permit);
        shaking.standing.send_modify(|standing| standing.has_shaken_hands = true);
    };
    let hello_by = Instant::now() + settings.hello_within;
    let mut seen = peer.standing.subscribe();
    tokio::pin!(began);
    let (mut has_begun, mut standing) = (false, Standing::default());
    loop {
        tokio::select! {
            () = &mut began, if !has_begun => has_begun = true,
            stream = connection.accept_bi() => {
                let Ok((send, receive)) = stream else { break };
                while streams.try_join_next().is_some() {}
                streams.spawn(serve_stream(Session::new(Arc::clone(&peer), send, receive)));
            }
            _ = seen.changed(), if standing.device.is_none() => standing = *seen.borrow_and_update(),
            () = sleep_until(hello_by), if !standing.is_welcome => {
                connection.close(CLOSE_NO_HELLO.into(), b"no hello in time");
                break;
            }
            datagram = connection.read_datagram(), if standing.device.is_some() => {
                let Ok(datagram) = datagram else { break };
                standing.device.iter().for_each(|sender| take_datagram(&peer, sender, &datagram));
            }
        }
    }
    streams.shutdown().await;
}

/// Takes the fix of a datagram as long as the shard has room: what does not fit is dropped, for the
/// next one is better.
fn take_datagram(peer: &Peer, sender: &DatagramSender, datagram: &[u8]) {
    let fix = decode_datagram(datagram).ok();
    let Some(position) = fix.and_then(|fix| fix.position(sender.origin)) else { return };
    let (company, courier) = (sender.company, sender.courier);
    let fix = SentFix { seq: 0, courier, company, route: None, position };
    // Nobody waits for the answer.
    let (reply, _) = mpsc::unbounded_channel::<PartDone>();
    peer.services.intake.offer(Delivery { sender: None, frame: 0, fixes: vec![fix], reply });
}

/// Application code of a connection that never said who it is.
const CLOSE_NO_HELLO: u16 = 408;
/// Application code of a connection that had no token.
const CLOSE_UNAUTHORIZED: u16 = 401;
