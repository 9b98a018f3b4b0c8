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
    /// True once the handshake is done.
    pub(super) handshake: watch::Receiver<bool>,
    /// The first device that was welcomed: whose datagrams they are.
    pub(super) device: watch::Sender<Option<DatagramSender>>,
    /// True once any stream was welcomed.
    pub(super) welcomed: watch::Sender<bool>,
    hellos_refused: AtomicU32,
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
    let (handshake_done, handshake_seen) = watch::channel(false);
    let peer = Arc::new(Peer {
        connection: connection.clone(),
        services: Arc::clone(services),
        settings: Arc::clone(settings),
        handshake: handshake_seen,
        device: watch::Sender::new(None),
        welcomed: watch::Sender::new(false),
        hellos_refused: AtomicU32::new(0),
    });
    let mut streams = JoinSet::new();
    let began = async move {
        handshake.await;
        drop(permit);
        // The receiver is in `peer`.
        let _ = handshake_done.send(true);
    };
    let hello_by = Instant::now() + settings.hello_within;
    let mut welcomed = peer.welcomed.subscribe();
    tokio::pin!(began);
    let (mut has_begun, mut is_welcome, mut has_datagrams) = (false, false, false);
    loop {
        tokio::select! {
            () = &mut began, if !has_begun => has_begun = true,
            stream = connection.accept_bi() => {
                let Ok((send, receive)) = stream else { break };
                while streams.try_join_next().is_some() {}
                streams.spawn(serve_stream(Session::new(Arc::clone(&peer), send, receive)));
            }
            _ = welcomed.wait_for(|&welcomed| welcomed), if !is_welcome => is_welcome = true,
            () = sleep_until(hello_by), if !is_welcome => {
                connection.close(CLOSE_NO_HELLO.into(), b"no hello in time");
                break;
            }
            () = async {}, if is_welcome && !has_datagrams => {
                has_datagrams = true;
                streams.spawn(serve_datagrams(Arc::clone(&peer)));
            }
        }
    }
    streams.shutdown().await;
}

/// Takes the fixes that come in datagrams, one by one, as long as the shard has room: what does
/// not fit is dropped, for the next one is better.
async fn serve_datagrams(peer: Arc<Peer>) {
    let mut device = peer.device.subscribe();
    let Ok(sender) = device.wait_for(Option::is_some).await.map(|sender| *sender) else { return };
    let Some(sender) = sender else { return };
    // Nobody waits for these answers; the channel ends with each delivery.
    while let Ok(datagram) = peer.connection.read_datagram().await {
        let fix = decode_datagram(&datagram).ok();
        let Some(position) = fix.and_then(|fix| fix.position(sender.origin)) else { continue };
        let (company, courier) = (sender.company, sender.courier);
        let fix = SentFix { seq: 0, courier, company, route: None, position };
        let (reply, _) = mpsc::unbounded_channel::<PartDone>();
        let delivery = Delivery { sender: None, frame: 0, fixes: vec![fix], reply };
        peer.services.intake.offer(delivery);
    }
}

/// Application code of a connection that never said who it is.
const CLOSE_NO_HELLO: u16 = 408;
/// Application code of a connection that had no token.
const CLOSE_UNAUTHORIZED: u16 = 401;
