//! Statuses that couriers' apps set over QUIC, on their way to admission: noted in the audit log as
//! what comes by HTTP is.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::api::Api;
use crate::ingest::quic::services::StatusRequest;
use crate::runtime::admission::Admission;

/// Hands each status to admission and its answer back, until no session is left.
pub async fn forward(
    mut statuses: mpsc::Receiver<StatusRequest>,
    admission: Admission,
    api: Arc<Api>,
) {
    while let Some(status) = statuses.recv().await {
        let StatusRequest { grant, order, status, comment, reply } = status;
        let answer = admission.set_status(&grant, order, status, comment).await;
        api.audit_status(&grant, order, &answer);
        let answer = answer.map_err(|refusal| refusal.to_string());
        // A session that is gone needs no answer.
        let _ = reply.send(answer);
    }
}
