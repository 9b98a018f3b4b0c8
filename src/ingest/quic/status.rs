//! A courier's app sets an order's status: asked of admission, answered by a reply frame.

use tokio::sync::oneshot;

use super::connection::Peer;
use super::services::StatusRequest;
use super::speech::{End, Speech};
use super::wire::client_frame::Status;
use crate::domain::ids::OrderId;
use crate::domain::order::OrderStatus;
use crate::runtime::access::Grant;

/// Waits for the handshake, asks, and replies. The stream is not read meanwhile.
pub(super) async fn serve_status(
    speech: &mut Speech,
    peer: &Peer,
    grant: &Grant,
    status: &Status<'_>,
) -> Result<(), End> {
    handshake_done(peer).await?;
    let refused = ask(peer, grant, status).await.err();
    speech.frames.reply(status.request, refused.as_deref(), &mut speech.buffer);
    speech.flush().await
}

/// What is not idempotent waits for the handshake: 0-RTT can be replayed by others.
pub(super) async fn handshake_done(peer: &Peer) -> Result<(), End> {
    let mut standing = peer.standing.subscribe();
    standing.wait_for(|standing| standing.has_shaken_hands).await.map(drop).map_err(|_| End::Quiet)
}

async fn ask(peer: &Peer, grant: &Grant, asked: &Status<'_>) -> Result<(), String> {
    let status = OrderStatus::from_name(asked.status)
        .ok_or_else(|| format!("\"{}\" is not a status", asked.status))?;
    let stopped = || "statuses cannot be set now: try again".to_owned();
    let statuses = peer.services.statuses.as_ref().ok_or_else(stopped)?;
    let (reply, answer) = oneshot::channel();
    let comment = asked.comment.map(str::to_owned);
    let request =
        StatusRequest { grant: *grant, order: OrderId(asked.order), status, comment, reply };
    statuses.send(request).await.map_err(|_| stopped())?;
    answer.await.map_err(|_| stopped())?
}
