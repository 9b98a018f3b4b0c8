//! A client of the tests of the protocol: the commands' own link, and what the tests expect of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use doorstep::cli::client::error::ClientError;
use doorstep::cli::client::frame::{HelloOptions, ServerFrame, Wanted, WireFix};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use quinn::{Connection, Endpoint};
use tokio::time::timeout;

use super::quic_daemon::{Daemon, place};

/// A client's socket and the daemon it talks to.
pub struct Client {
    pub target: Target,
    pub endpoint: Endpoint,
}

impl Client {
    pub fn of(daemon: &Daemon) -> Self {
        let target = Target::pinned(daemon.address, daemon.endpoint.fingerprint()).unwrap();
        let endpoint = target.endpoint().unwrap();
        Self { target, endpoint }
    }

    pub async fn open(&self, token: &str) -> Link {
        self.open_with(token, &HelloOptions::default()).await.unwrap()
    }

    pub async fn open_with(
        &self,
        token: &str,
        options: &HelloOptions,
    ) -> Result<Link, ClientError> {
        soon(Link::open(&self.target, &self.endpoint, token, options)).await
    }

    pub async fn connect(&self) -> Connection {
        let connecting = self.endpoint.connect(self.target.address, &self.target.name).unwrap();
        soon(connecting).await.unwrap()
    }

    pub async fn subscribe(&self, wanted: &Wanted) -> Link {
        let mut link = self.open("subscriber").await;
        link.say(&(16, wanted)).await.unwrap();
        link
    }
}
/// Bounds how long a failing test takes.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it takes far too long")
}
/// The next frame that is not about routes: those come when they come.
pub async fn heard(link: &mut Link) -> ServerFrame {
    loop {
        match soon(link.heard.next()).await.unwrap() {
            ServerFrame::Route(_) => {}
            frame => return frame,
        }
    }
}

/// Frames up to the ack of `seq`; the refusals among them by reason.
pub async fn acked(link: &mut Link, seq: u64) -> Vec<(String, u64)> {
    let mut refusals = Vec::new();
    loop {
        match heard(link).await {
            ServerFrame::Ack(to) if to == seq => return refusals,
            ServerFrame::Ack(to) => assert!(to < seq, "acked {to}, sent {seq}"),
            ServerFrame::Refused { reason, count, .. } => refusals.push((reason, count)),
            other => panic!("expected an ack, got {other:?}"),
        }
    }
}

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A fix at the nth order of a courier.
pub fn at(courier: u32, nth: u32, t_ms: i64) -> WireFix {
    let point = place(courier, nth);
    WireFix(t_ms, point.lat_e7(), point.lon_e7(), Some(5.0), None, None, None)
}

/// A frame with its length.
pub fn framed(body: &impl serde::Serialize) -> Vec<u8> {
    doorstep::cli::client::frame::encode(body).unwrap()
}
