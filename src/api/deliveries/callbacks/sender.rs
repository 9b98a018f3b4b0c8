//! Sends what waits: of each delivery one after the other, of each company a few at a time, so that
//! one slow endpoint holds up nobody else. What is not taken is sent again, later each time.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{HeaderName, HeaderValue};
use sha2::Sha256;

use super::maker::AGE_MS_MAX;
use super::worker::Worker;
use crate::feed::outbound::{Address, Answered, Outbound, OutboundError, Post};
use crate::runtime::access::hex;
use crate::storage::catalog::callbacks::WaitingCallback;
use crate::storage::catalog::change::{Secret, StoredCallback};
use crate::storage::catalog::error::CatalogError;

/// What came of one attempt.
pub(super) struct Sent {
    callback: WaitingCallback,
    answer: Result<Answered, OutboundError>,
}

impl Worker {
    /// Sends what is due.
    pub(super) fn dispatch(&mut self) -> Result<(), CatalogError> {
        let now_ms = self.api.retry_clock.now().ms();
        for (&company, wanted) in &self.wanted {
            let is_ours = |at: &&(u64, u64)| at.0 == company;
            let under_way: Vec<u64> =
                self.under_way.values().filter(is_ours).map(|at| at.1).collect();
            let free = UNDER_WAY_MAX.saturating_sub(under_way.len());
            if free == 0 {
                continue;
            }
            let count = UNDER_WAY_MAX as u64 * 2;
            let due = self.catalog.due_callbacks(company, now_ms, count)?.into_iter();
            for callback in due.filter(|due| !under_way.contains(&due.order)).take(free) {
                let order = callback.order;
                let attempt = attempt(self.api.outbound.clone(), wanted.clone(), callback);
                let task = self.posts.spawn(attempt);
                self.under_way.insert(task.id(), (company, order));
            }
        }
        Ok(())
    }

    /// Keeps what came of an attempt.
    pub(super) fn settle(&self, sent: &Sent) -> Result<(), CatalogError> {
        let Sent { callback, answer } = sent;
        let now_ms = self.api.retry_clock.now().ms();
        if answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status)) {
            self.api.metrics.called_back("delivered", 1);
            return self.catalog.end_callback(callback.id);
        }
        self.api.metrics.called_back("failed", 1);
        let delay_s = usize::try_from(callback.attempts).ok().and_then(|at| DELAYS_S.get(at));
        let is_too_old = now_ms - callback.made_ms > AGE_MS_MAX;
        let Some(delay_s) = delay_s.filter(|_| !is_too_old) else {
            self.api.metrics.called_back("given_up", 1);
            return self.catalog.end_callback(callback.id);
        };
        let asked = answer.as_ref().ok().and_then(|answer| answer.retry_after_s).unwrap_or(0);
        let delay_s = asked.min(RETRY_AFTER_S_MAX).max(*delay_s);
        self.catalog.put_off_callback(callback.id, now_ms + delay_s as i64 * 1_000)
    }
}

async fn attempt(outbound: Outbound, to: Arc<StoredCallback>, callback: WaitingCallback) -> Sent {
    let answer = match (Address::parse(&to.url), signature(&to.secret, &callback.body)) {
        (Ok(address), Some(signature)) => {
            let headers = vec![(HeaderName::from_static(SIGNATURE_HEADER), signature)];
            let post = Post { headers, body: callback.body.clone() };
            outbound.post(&address, &post).await
        }
        // Neither was accepted when it was set.
        (Err(_), _) | (_, None) => Err(OutboundError::Unwritable),
    };
    Sent { callback, answer }
}

/// Hexadecimal HMAC-SHA256 of the body as it is sent.
fn signature(secret: &Secret, body: &str) -> Option<HeaderValue> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.text().as_bytes()).ok()?;
    mac.update(body.as_bytes());
    HeaderValue::from_str(&hex(&mac.finalize().into_bytes())).ok()
}

/// As the clients of Deliveries know it.
const SIGNATURE_HEADER: &str = "x-hubrise-hmac-sha256";
/// Seconds after each attempt in vain; after the last there is none.
const DELAYS_S: [u64; 9] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800];
/// Longest wait that an endpoint may ask for.
const RETRY_AFTER_S_MAX: u64 = 3_600;
/// Requests of one company at once.
const UNDER_WAY_MAX: usize = 4;
