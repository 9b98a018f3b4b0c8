//! Statuses that couriers' apps set over QUIC, on their way to admission.

use tokio::sync::mpsc;

use crate::domain::order::Initiator;
use crate::ingest::quic::services::StatusRequest;
use crate::runtime::admission::{Admission, Request};

/// Hands each status to admission and its answer back, until no session is left.
pub async fn forward(mut statuses: mpsc::Receiver<StatusRequest>, admission: Admission) {
    while let Some(status) = statuses.recv().await {
        let request = Request::SetStatus {
            company: status.grant.company,
            order: status.order,
            courier: status.grant.courier,
            status: status.status,
            initiator: Initiator::App,
            comment: status.comment,
        };
        let answer = admission.ask(request).await.map(drop).map_err(|refusal| refusal.to_string());
        // A session that is gone needs no answer.
        let _ = status.reply.send(answer);
    }
}
