//! What devices are told of their routes over real QUIC on loopback: the next orders after the hello
//! and whenever they change, and nobody else. Timeouts only bound failures.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "certificates are kept in a temporary directory")]

#[path = "support/quic_daemon.rs"]
mod quic_daemon;

use std::time::Duration;

use doorstep::cli::client::frame::{HelloOptions, RouteAhead, ServerFrame, WireFix};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use doorstep::domain::command::Command;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::order::{Initiator, OrderStatus};
use doorstep::ingest::quic::settings::QuicSettings;
use doorstep::runtime::partition::partition_of;
use tokio::time::timeout;

use quic_daemon::{Daemon, place};

async fn open(daemon: &Daemon, token: &str) -> Link {
    let target = Target::pinned(daemon.address, daemon.endpoint.fingerprint()).unwrap();
    let endpoint = target.endpoint().unwrap();
    soon(Link::open(&target, &endpoint, token, &HelloOptions::default())).await.unwrap()
}

/// Bounds how long a failing test takes.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it takes far too long")
}

/// The next route frame.
async fn route(link: &mut Link) -> RouteAhead {
    loop {
        match soon(link.heard.next()).await.unwrap() {
            ServerFrame::Route(route) => return route,
            ServerFrame::Ack(_) => {}
            other => panic!("expected a route, got {other:?}"),
        }
    }
}

/// The orders of the next route frame that has others than `not`.
async fn orders_but(link: &mut Link, not: &[u64]) -> Vec<u64> {
    loop {
        let orders: Vec<u64> = route(link).await.next.iter().map(|order| order.order_id).collect();
        if orders != not {
            return orders;
        }
    }
}

fn often() -> QuicSettings {
    QuicSettings { routes_every: Duration::from_millis(10), ..QuicSettings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_told_of_its_next_orders_and_of_their_change() {
    let daemon = Daemon::start(2, often()).await;
    let mut link = open(&daemon, "device-1").await;
    let first = route(&mut link).await;
    assert_eq!(first.route_id, 1);
    let order = first.next[0];
    assert_eq!((order.order_id, order.radius_m, order.eta_ms), (11, 100.0, None));
    assert_eq!((order.lat_e7, order.lon_e7), (place(1, 1).lat_e7(), place(1, 1).lon_e7()));
    assert_eq!(first.next.len(), 2);

    // A position makes the ETAs known.
    let t = link.welcome.server_time - 200_000;
    let point = place(1, 1);
    let fix = |n: i64| {
        let (lat, lon) = (point.lat_e7(), point.lon_e7());
        WireFix(t + n * 10_000, lat, lon, Some(5.0), None, None, None)
    };
    link.say(&(2, 1, None::<u64>, [fix(0)])).await.unwrap();
    let known = route(&mut link).await;
    assert!(known.next[0].eta_ms.is_some(), "{known:?}");
    // A stay long enough is the visit: one order is left.
    let fixes: Vec<_> = (1..10).map(fix).collect();
    link.say(&(2, 2, None::<u64>, &fixes)).await.unwrap();
    assert_eq!(orders_but(&mut link, &[11, 12]).await, [12]);

    // What is changed by others reaches a device that says nothing; in the end nothing is ahead.
    let (courier, route, order) = (CourierId(1), RouteId(1), OrderId(12));
    let (status, initiator) = (OrderStatus::Finished, Initiator::UserApi);
    let command = Command::SetStatus { courier, route, order, status, initiator };
    let part = (partition_of(CompanyId(1), courier), command);
    daemon.node.commands().commit(vec![part], Vec::new()).await.unwrap();
    assert_eq!(orders_but(&mut link, &[12]).await, [0; 0]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_told_again_and_gateways_are_told_nothing() {
    let daemon = Daemon::start(2, often()).await;
    let mut device = open(&daemon, "device-2").await;
    let mut gateway = open(&daemon, "gateway").await;
    let before = route(&mut device).await;
    let t = device.welcome.server_time - 100_000;
    let point = place(2, 2);
    let mut routes = Vec::new();
    // Many looks' time: a standing courier's ETAs move now and then, not with every look.
    for n in 1..=100_i64 {
        let fix = WireFix(t + n, point.lat_e7(), point.lon_e7(), Some(5.0), None, None, None);
        gateway.say(&(6, n, [(3, None::<u64>, fix)])).await.unwrap();
        assert!(matches!(soon(gateway.heard.next()).await.unwrap(), ServerFrame::Ack(_)));
        device.say(&(2, n, None::<u64>, [fix])).await.unwrap();
        loop {
            match soon(device.heard.next()).await.unwrap() {
                ServerFrame::Ack(seq) if seq == n as u64 => break,
                ServerFrame::Route(route) => routes.push(route),
                ServerFrame::Ack(_) => {}
                other => panic!("expected an ack or a route, got {other:?}"),
            }
        }
    }
    for pair in [&[before][..], &routes].concat().windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    daemon.stop().await;
}
