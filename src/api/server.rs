//! The connections: how many, how long each may take, with TLS or without, and their end. What is
//! asked on them is the router's business.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::native::health::recovering;
use super::state::Api;
use super::timed_io::TimedIo;
use super::{limits::Limits, router};
use crate::runtime::progress::Progress;

/// Serves until [`Api::stop`], then lets requests under way end, for at most `DRAIN_MS_MAX`.
pub async fn serve(listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>, api: Arc<Api>) {
    let room = Arc::new(Semaphore::new(api.limits.connections_max));
    let server = Arc::new(Server {
        limits: api.limits.clone(),
        tls: tls.map(TlsAcceptor::from),
        stopping: api.stopping.subscribe(),
        router: router(Arc::clone(&api)),
    });
    let mut connections = JoinSet::new();
    let mut noting = interval(Duration::from_secs(NOTED_EACH_S));
    let mut stopping = api.stopping.subscribe();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next() => continue,
            _ = noting.tick() => {
                note_uses(&api);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // No file is left, most likely: connections that end make room.
            sleep(Duration::from_millis(ACCEPT_AGAIN_MS)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            api.metrics.turned_away();
            continue;
        };
        let server = Arc::clone(&server);
        connections.spawn(async move {
            server.accept(stream).await;
            drop(place);
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    // Who is still there then is cut off with the set.
    let _ = timeout(Duration::from_millis(DRAIN_MS_MAX), drained).await;
    // A panic there has been reported already.
    let _ = note_uses(&api).await;
}

/// Answers how far the start is, on the connections of a listener that will serve, until dropped.
pub async fn serve_progress(
    listener: &TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    limits: &Limits,
    progress: Arc<Progress>,
) {
    // Whoever holds the other end is this future: it ends when it is dropped.
    let (_held, stopping) = watch::channel(false);
    let server = Arc::new(Server {
        limits: limits.clone(),
        tls: tls.map(TlsAcceptor::from),
        stopping,
        router: recovering(progress),
    });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if connections.len() < EARLY_CONNECTIONS_MAX => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(Duration::from_millis(ACCEPT_AGAIN_MS)).await;
            continue;
        };
        let server = Arc::clone(&server);
        connections.spawn(async move { server.accept(stream).await });
    }
}

fn note_uses(api: &Arc<Api>) -> JoinHandle<()> {
    let api = Arc::clone(api);
    tokio::task::spawn_blocking(move || api.note_uses())
}

/// What every connection is served from.
struct Server {
    limits: Limits,
    tls: Option<TlsAcceptor>,
    stopping: watch::Receiver<bool>,
    router: Router,
}

impl Server {
    async fn accept(&self, stream: TcpStream) {
        // Answers are small; a socket that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        let stream = TimedIo::new(stream, self.limits.write_timeout);
        let Some(tls) = &self.tls else { return self.connection(stream).await };
        let shaken = timeout(self.limits.head_timeout, tls.accept(stream)).await;
        if let Ok(Ok(stream)) = shaken {
            self.connection(stream).await;
        }
    }

    async fn connection(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = TowerToHyperService::new(self.router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut stopping = self.stopping.clone();
        // A peer that breaks off or takes too long has nothing to be told.
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// Most bytes of a request's head, and of an answer that waits to be sent.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// Connections while the daemon recovers.
const EARLY_CONNECTIONS_MAX: usize = 64;
/// Seconds between two notes of when tokens were used.
const NOTED_EACH_S: u64 = 60;
/// After a failed accept the next comes so many milliseconds later.
const ACCEPT_AGAIN_MS: u64 = 50;
/// Milliseconds that requests under way may take when the daemon stops.
const DRAIN_MS_MAX: u64 = 1_500;
