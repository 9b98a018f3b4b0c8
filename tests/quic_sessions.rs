//! Sessions of devices, gateways and subscribers over real QUIC on loopback: what is acknowledged and
//! what is refused. Timeouts only bound failures.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "certificates are kept in a temporary directory")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/quic_client.rs"]
mod quic_client;
#[path = "support/quic_daemon.rs"]
mod quic_daemon;

use std::sync::Arc;

use doorstep::cli::client::frame::{HelloOptions, ServerFrame, Wanted, WireFix};
use doorstep::cli::client::link::Link;
use doorstep::domain::command::Command;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::order::{Initiator, OrderStatus};
use doorstep::ingest::quic::settings::{PACKET_BYTES_MAX, QuicSettings};
use doorstep::runtime::partition::partition_of;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::Value;

use quic_client::{Client, acked, at, framed, heard, now_ms, soon};
use quic_daemon::{COURIERS, Daemon, FOREIGN_COURIER, place};

/// Events until one of them is of that type and about that subject, all included.
async fn events_until(link: &mut Link, kind: &str, subject: &str) -> (Vec<Value>, String) {
    let mut all = Vec::new();
    loop {
        match heard(link).await {
            ServerFrame::Events { cursor, events } => {
                all.extend(events);
                if all.iter().any(|e| e["type"] == kind && e["subject"] == subject) {
                    return (all, cursor);
                }
            }
            other => panic!("expected events, got {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_welcomed_and_what_it_sends_is_acknowledged() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("device-1").await;
    let welcome = link.welcome.clone();
    assert_eq!((welcome.role.as_str(), welcome.company_id), ("device", 1));
    assert_eq!((welcome.courier_id, welcome.acked, welcome.batch_max), (Some(1), 0, 1_000));
    assert!((welcome.server_time - now_ms()).abs() < 60_000 && welcome.time_scale.is_none());
    let t = now_ms();
    link.say(&(2, 1, None::<u64>, [at(1, 2, t - 3_000), at(1, 2, t - 2_000)])).await.unwrap();
    assert_eq!(acked(&mut link, 2).await, []);
    // An empty frame and one with a named route.
    link.say(&(2, 3, Some(1), [at(1, 2, t - 1_000)])).await.unwrap();
    assert_eq!(acked(&mut link, 3).await, []);
    let last = daemon.node.views().last_position(CourierId(1)).await.unwrap().unwrap();
    assert_eq!(last.point, place(1, 2));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_is_too_fast_is_held_back_and_served() {
    let few_frames = QuicSettings { in_flight_frames_max: 2, ..QuicSettings::default() };
    let few_fixes = QuicSettings { in_flight_fixes_max: 30, ..QuicSettings::default() };
    for settings in [few_frames, few_fixes] {
        let daemon = Daemon::start(2, settings).await;
        let client = Client::of(&daemon);
        let mut link = client.open("device-1").await;
        let t = now_ms() - 3_600_000;
        // Far more than a stream's window holds: writing goes on only as the daemon reads.
        for frame in 0..400_i64 {
            let fixes: Vec<_> = (0..20).map(|n| at(1, 1, t + (frame * 20 + n) * 100)).collect();
            link.say(&(2, frame * 20 + 1, None::<u64>, fixes)).await.unwrap();
        }
        assert_eq!(acked(&mut link, 8_000).await, []);
        daemon.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resending_is_harmless_across_sessions_restarts_and_shard_counts() {
    let disk = Arc::new(SimDisk::new());
    let daemon =
        Daemon::start_on(Arc::clone(&disk) as Arc<dyn Disk>, 1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("device-1").await;
    let t = now_ms() - 200_000;
    let fixes: Vec<WireFix> = (0..10).map(|n| at(1, 1, t + n * 10_000)).collect();
    link.say(&(2, 1, None::<u64>, &fixes)).await.unwrap();
    acked(&mut link, 10).await;
    // The same on the same stream, then on another, then after a restart with other shards.
    link.say(&(2, 1, None::<u64>, &fixes)).await.unwrap();
    acked(&mut link, 10).await;
    let mut link = client.open("device-1").await;
    assert_eq!(link.welcome.acked, 10);
    link.say(&(2, 5, None::<u64>, &fixes[4..])).await.unwrap();
    acked(&mut link, 10).await;
    let head = daemon.node.feed().head();
    let told = daemon.node.feed().read(0, 1_000).unwrap().events;
    daemon.stop().await;

    // What is left is what was synced.
    let disk = Arc::new(disk.after_crash(42, 0));
    let daemon = Daemon::start_on(disk, 3, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("device-1").await;
    assert_eq!(link.welcome.acked, 10);
    link.say(&(2, 1, None::<u64>, &fixes)).await.unwrap();
    acked(&mut link, 10).await;
    assert_eq!(daemon.node.feed().head(), head);
    assert_eq!(daemon.node.feed().read(0, 1_000).unwrap().events, told);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_speaks_for_the_couriers_of_its_company_and_no_others() {
    let daemon = Daemon::start(3, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("gateway").await;
    let t = now_ms();
    let couriers = (1..=COURIERS).chain([FOREIGN_COURIER, 4_000_000_000, FOREIGN_COURIER]);
    let fixes: Vec<_> = couriers.map(|id| (id, None::<u64>, at(id % 100, 1, t))).collect();
    link.say(&(6, 1, &fixes)).await.unwrap();
    let refused = acked(&mut link, fixes.len() as u64).await;
    assert_eq!(refused, [("unknown_courier".to_owned(), 3)]);
    let views = daemon.node.views();
    for courier in 1..=COURIERS {
        assert!(views.last_position(CourierId(courier)).await.unwrap().is_some());
    }
    assert!(views.last_position(CourierId(FOREIGN_COURIER)).await.unwrap().is_none());
    // The other company's gateway may speak for it.
    let mut link = client.open("gateway-2").await;
    link.say(&(6, 1, [(FOREIGN_COURIER, None::<u64>, at(1, 1, t))])).await.unwrap();
    assert_eq!(acked(&mut link, 1).await, []);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_of_a_fleet_grow_and_those_of_a_device_stay() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let device = Client::of(&daemon);
    let fleet = Client { endpoint: device.target.wide_endpoint().unwrap(), ..Client::of(&daemon) };
    let (mut gateway, mut phone) = (fleet.open("gateway").await, device.open("device-1").await);
    let t = now_ms() - 3_600_000;
    // Either side tries larger packets as long as there is something to say.
    let has_grown = |gateway: &Link| {
        let stats = gateway.connection.stats();
        stats.path.current_mtu > PACKET_BYTES_MAX - 20 && stats.frame_rx.ping > 0
    };
    let mut frame: u64 = 0;
    while !has_grown(&gateway) {
        assert!(frame < 1_000, "{:?}", gateway.connection.stats().path);
        let t = t + frame as i64 * 1_000;
        let fixes: Vec<_> = (1..=COURIERS).map(|id| (id, None::<u64>, at(1, 1, t))).collect();
        gateway.say(&(6, frame * u64::from(COURIERS) + 1, &fixes)).await.unwrap();
        phone.say(&(2, frame + 1, None::<u64>, [at(1, 2, t + 500)])).await.unwrap();
        frame += 1;
        assert_eq!(acked(&mut gateway, frame * u64::from(COURIERS)).await, []);
        assert_eq!(acked(&mut phone, frame).await, []);
    }
    let path = phone.connection.stats().path;
    assert_eq!((path.current_mtu, path.sent_plpmtud_probes), (1_200, 0));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_once_per_reason_and_acknowledged() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("device-1").await;
    let (t, day) = (now_ms(), 86_400_000);
    let nowhere = WireFix(t, 0, 0, None, None, None, None);
    let beyond = WireFix(t, 1_000_000_000, 0, None, None, None, None);
    let fixes = [
        nowhere,
        at(1, 1, t - 2 * day),
        at(1, 1, t - 2 * day),
        at(1, 1, t),
        at(1, 1, t + day),
        beyond,
    ];
    link.say(&(2, 1, None::<u64>, fixes)).await.unwrap();
    let refused = acked(&mut link, 6).await;
    let refused: Vec<_> = refused.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(refused, [("future", 1), ("invalid", 2), ("too_old", 2)]);
    // A frame of which nothing is left, and one that names another courier's route.
    link.say(&(2, 7, None::<u64>, [nowhere])).await.unwrap();
    assert_eq!(acked(&mut link, 7).await, [("invalid".to_owned(), 1)]);
    link.say(&(2, 8, Some(2), [at(1, 1, t + 1_000)])).await.unwrap();
    assert_eq!(acked(&mut link, 8).await, [("route".to_owned(), 1)]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_hears_what_couriers_do_and_resumes_where_it_was() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut all = client.subscribe(&Wanted::default()).await;
    let types = Some(vec!["doorstep.order.arrival.v1".to_owned()]);
    let mut arrivals = client.subscribe(&Wanted { after: None, types }).await;
    let mut link = client.open("device-1").await;
    let t = now_ms() - 200_000;
    let fixes: Vec<WireFix> = (0..10).map(|n| at(1, 1, t + n * 10_000)).collect();
    link.say(&(2, 1, None::<u64>, &fixes)).await.unwrap();
    acked(&mut link, 10).await;

    let visit = "doorstep.order.order_visit.v1";
    let (events, cursor) = events_until(&mut all, visit, "orders/11").await;
    let event = events.iter().find(|e| e["type"] == visit).unwrap();
    assert_eq!((&event["specversion"], &event["source"]), (&"1.0".into(), &"/doorstep/1".into()));
    assert_eq!(
        (&event["partitionkey"], &event["sequence"].as_str().unwrap().len()),
        (&"1".into(), &20)
    );
    let data = &event["data"];
    assert_eq!(
        (&data["event"], &data["order_number"]),
        (&"ORDER_VISIT".into(), &"number 11".into())
    );
    assert_eq!((&data["order_id"], &data["route_id"]), (&11.into(), &1.into()));
    assert_eq!((&data["courier_id"], &data["company_id"]), (&1.into(), &1.into()));
    assert_eq!(data["used_mark_delivered_radius"], 100.0);
    assert!(data["position"]["time"].as_str().unwrap().ends_with('Z'));
    let kinds: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"doorstep.order.created.v1"), "{kinds:?}");
    let sequences: Vec<_> = events.iter().map(|e| e["sequence"].as_str().unwrap()).collect();
    assert!(sequences.is_sorted());

    let (only, _) = events_until(&mut arrivals, "doorstep.order.arrival.v1", "orders/11").await;
    assert_eq!(only.len(), 1);
    let told = daemon.node.feed().head();
    assert!(daemon.press.packed_count() <= told, "packed once, however many hear it");

    // Another company hears nothing of it; what comes after the cursor comes once.
    let mut resumed = client.subscribe(&Wanted { after: Some(cursor.clone()), types: None }).await;
    // One fix outside is not enough to believe that the courier left.
    let fixes = [at(1, 2, now_ms() - 20_000), at(1, 2, now_ms())];
    link.say(&(2, 11, None::<u64>, fixes)).await.unwrap();
    let departure = "doorstep.order.departure.v1";
    let (events, _) = events_until(&mut resumed, departure, "orders/11").await;
    assert!(events.iter().all(|event| event["sequence"].as_str().unwrap() > cursor.as_str()));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_who_does_not_read_holds_up_nobody_and_loses_nothing() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut sleeps = client.subscribe(&Wanted::default()).await;
    let mut reads = client.subscribe(&Wanted::default()).await;
    // Megabytes of events, more than all windows on the way hold.
    for round in 0..10 {
        let statuses = (0..600).map(|nth| {
            let status =
                if nth % 2 == round % 2 { OrderStatus::Confirmed } else { OrderStatus::New };
            let (courier, route, order) = (CourierId(1), RouteId(1), OrderId(11));
            let command =
                Command::SetStatus { courier, route, order, status, initiator: Initiator::UserApi };
            (partition_of(CompanyId(1), courier), command)
        });
        daemon.node.commands().commit(statuses.collect(), Vec::new()).await.unwrap();
    }
    let head = daemon.node.feed().head();
    assert!(head > 5_000, "{head} events");
    let told = read_to(&mut reads, head).await;
    assert!(told.len() > 5_000);
    // Positions get through all the while, and the sleeper finds everything when it wakes up.
    let mut link = client.open("device-2").await;
    link.say(&(2, 1, None::<u64>, [at(2, 1, now_ms())])).await.unwrap();
    acked(&mut link, 1).await;
    assert_eq!(read_to(&mut sleeps, head).await[..told.len()], told);
    daemon.stop().await;
}

/// Ids of the events up to a place, from the start.
async fn read_to(link: &mut Link, head: u64) -> Vec<Value> {
    let mut ids = Vec::new();
    loop {
        let ServerFrame::Events { cursor, mut events } = heard(link).await else {
            panic!("expected events");
        };
        ids.extend(events.iter_mut().map(|event| event["id"].take()));
        if cursor.parse::<u64>().unwrap() >= head {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_asked_of_admission_and_answered() {
    let mut daemon = Daemon::start(1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("device-1").await;
    link.say(&(5, 71, 11, "finished", Some("at the door"))).await.unwrap();
    let asked = soon(daemon.statuses.recv()).await.unwrap();
    assert_eq!((asked.order, asked.status), (OrderId(11), OrderStatus::Finished));
    assert_eq!(asked.grant.courier, Some(CourierId(1)));
    assert_eq!(asked.comment.as_deref(), Some("at the door"));
    asked.reply.send(Err("not yours".to_owned())).unwrap();
    assert!(matches!(heard(&mut link).await, ServerFrame::Other(7)));
    // One that is none is answered at once.
    link.say(&(5, 72, 11, "eaten")).await.unwrap();
    assert!(matches!(heard(&mut link).await, ServerFrame::Other(7)));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_moves_the_courier_of_the_first_device() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut all = client.subscribe(&Wanted::default()).await;
    let link = client.open("device-3").await;
    let fix = rmp_serde::to_vec(&at(3, 1, now_ms())).unwrap();
    link.connection.send_datagram(vec![0xc1].into()).unwrap();
    link.connection.send_datagram(fix.into()).unwrap();
    events_until(&mut all, "doorstep.order.arrival.v1", "orders/31").await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_boot_of_a_device_is_no_longer_followed() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let boot = |boot| HelloOptions { boot: Some(boot), ..HelloOptions::default() };
    let t = now_ms();
    let mut old = client.open_with("device-1", &boot(1)).await.unwrap();
    old.say(&(2, 1, None::<u64>, [at(1, 1, t - 3_000)])).await.unwrap();
    acked(&mut old, 1).await;
    let mut new = client.open_with("device-1", &boot(2)).await.unwrap();
    assert_eq!(new.welcome.acked, 0);
    new.say(&(2, 1, None::<u64>, [at(1, 1, t - 2_000)])).await.unwrap();
    acked(&mut new, 1).await;
    old.say(&(2, 2, None::<u64>, [at(1, 1, t - 1_000)])).await.unwrap();
    assert!(matches!(heard(&mut old).await, ServerFrame::Error { code: 403, .. }));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn early_data_carries_hello_and_positions() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    // The ticket of the first connection is what the second resumes with.
    let mut first = client.open("device-1").await;
    first.say(&(2, 1, None::<u64>, [at(1, 1, now_ms() - 5_000)])).await.unwrap();
    acked(&mut first, 1).await;
    let connecting = client.endpoint.connect(client.target.address, &client.target.name).unwrap();
    let Ok((connection, accepted)) = connecting.into_0rtt() else {
        panic!("there is a ticket");
    };
    let (mut send, receive) = connection.open_bi().await.unwrap();
    let mut bytes = framed(&(0, 1, "device-1"));
    bytes.extend(framed(&(2, 2, None::<u64>, [at(1, 1, now_ms())])));
    send.write_all(&bytes).await.unwrap();
    assert!(soon(accepted).await, "early data is accepted");
    let mut heard = doorstep::cli::client::link::Heard::new(receive);
    let ServerFrame::Welcome(welcome) = soon(heard.next()).await.unwrap() else {
        panic!("expected a welcome");
    };
    assert_eq!(welcome.acked, 1);
    let acked = loop {
        match soon(heard.next()).await.unwrap() {
            ServerFrame::Route(_) => {}
            frame => break frame,
        }
    };
    assert!(matches!(acked, ServerFrame::Ack(2)));
    daemon.stop().await;
}
