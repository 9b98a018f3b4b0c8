//! Frames of `doorstep/1`: what is read by hand is what rmp-serde reads, what is written is what
//! rmp-serde reads, and no bytes whatever make the reader panic.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::position::{Accuracy, Source};
use doorstep::domain::time::Time;
use doorstep::engine::upcoming::UpcomingOrder;
use doorstep::ingest::quic::wire::client_frame::{ClientFrame, decode_datagram};
use doorstep::ingest::quic::wire::error::WireError;
use doorstep::ingest::quic::wire::fix::Fix;
use doorstep::ingest::quic::wire::length::{read_length, write_length};
use doorstep::ingest::quic::wire::server_frame::{FrameWriter, Refused, Severity, Welcome};
use doorstep::ingest::quic::wire::{BATCH_MAX, FRAME_BODY_MAX};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// A fix as serde sees it.
type WireFix = (i64, i64, i64, Option<f32>, Option<f32>, Option<f32>, Option<u8>);

fn any_fix() -> impl Strategy<Value = WireFix> {
    (
        any::<i64>(),
        -1_000_000_000_i64..1_000_000_000,
        -2_000_000_000_i64..2_000_000_000,
        option::of(any::<f32>()),
        option::of(any::<f32>()),
        option::of(-10.0_f32..400.0),
        option::of(any::<u8>()),
    )
}

/// What a fix means, written a second time.
fn meaning(fix: WireFix) -> Fix {
    let (t, lat, lon, accuracy, speed, heading, battery) = fix;
    let point = match (i32::try_from(lat), i32::try_from(lon)) {
        (Ok(lat), Ok(lon)) => Point::from_e7(lat, lon).ok(),
        _ => None,
    };
    Fix {
        device_time: Time::from_ms(t),
        point,
        accuracy_m: accuracy.and_then(Accuracy::new),
        speed_mps: speed.filter(|speed| *speed >= 0.0 && speed.is_finite()),
        heading_deg: heading
            .filter(|heading| *heading >= 0.0 && *heading <= 360.0)
            .map(|heading| if heading == 360.0 { 0.0 } else { heading }),
        battery_pct: battery.filter(|battery| *battery <= 100),
    }
}

proptest! {
    #[test]
    fn positions_are_read_as_serde_wrote_them(
        first_seq in 0..1_u64 << 62,
        route in option::of(any::<u64>()),
        fixes in vec(any_fix(), 0..40),
    ) {
        let body = rmp_serde::to_vec(&(2, first_seq, route, &fixes)).unwrap();
        let ClientFrame::Positions(read) = ClientFrame::decode(&body).unwrap() else {
            panic!("kind 2 is positions");
        };
        prop_assert_eq!(read.first_seq, first_seq);
        prop_assert_eq!(read.route, route);
        prop_assert_eq!(read.fixes, fixes.into_iter().map(meaning).collect::<Vec<_>>());
    }

    #[test]
    fn gateway_positions_are_read_as_serde_wrote_them(
        first_seq in 0..1_u64 << 62,
        fixes in vec((any::<u64>(), option::of(any::<u64>()), any_fix()), 0..40),
    ) {
        let body = rmp_serde::to_vec(&(6, first_seq, &fixes)).unwrap();
        let ClientFrame::GatewayPositions(read) = ClientFrame::decode(&body).unwrap() else {
            panic!("kind 6 is gateway positions");
        };
        let read: Vec<_> =
            read.fixes.into_iter().map(|fix| (fix.courier, fix.route, fix.fix)).collect();
        let expected: Vec<_> =
            fixes.into_iter().map(|(courier, route, fix)| (courier, route, meaning(fix))).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn random_bytes_never_panic(body in vec(any::<u8>(), 0..400)) {
        let _ = ClientFrame::decode(&body);
        let _ = decode_datagram(&body);
        let _ = read_length(&body);
    }

    #[test]
    fn damaged_frames_never_panic(
        fixes in vec(any_fix(), 1..5),
        kind in prop_oneof![Just(0_u8), Just(2), Just(5), Just(6), Just(16)],
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut body = rmp_serde::to_vec(&(kind, 1, None::<u64>, &fixes)).unwrap();
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let _ = ClientFrame::decode(&body);
        let _ = ClientFrame::decode(&body[..cut.index(body.len())]);
    }

    #[test]
    fn a_cut_frame_is_refused(fixes in vec(any_fix(), 1..5), cut in any::<prop::sample::Index>()) {
        let body = rmp_serde::to_vec(&(2, 1, None::<u64>, &fixes)).unwrap();
        prop_assert!(ClientFrame::decode(&body[..cut.index(body.len())]).is_err());
    }

    #[test]
    fn lengths_are_read_as_written(body in 0..=FRAME_BODY_MAX, more in vec(any::<u8>(), 0..4)) {
        let mut bytes = Vec::new();
        write_length(body, &mut bytes);
        let prefix = bytes.len();
        for end in 0..prefix {
            prop_assert_eq!(read_length(&bytes[..end]), Ok(None));
        }
        bytes.extend(more);
        let length = read_length(&bytes).unwrap().unwrap();
        prop_assert_eq!((length.body, length.prefix), (body, prefix));
    }
}

#[test]
fn the_lengths_of_rfc_9000_are_read() {
    // RFC 9000, appendix A.1; the two long ones are over our limit.
    assert_eq!(read_length(&[0x25]).unwrap().unwrap().body, 37);
    assert_eq!(read_length(&[0x40, 0x25]).unwrap().unwrap().body, 37);
    assert_eq!(read_length(&[0x7b, 0xbd]).unwrap().unwrap().body, 15_293);
    assert_eq!(read_length(&[0x9d, 0x7f, 0x3e, 0x7d]), Err(WireError::TooLarge(494_878_333)));
    let longest = [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c];
    assert_eq!(read_length(&longest), Err(WireError::TooLarge(151_288_809_941_952_652)));
    assert_eq!(WireError::TooLarge(1).code(), 413);
}

#[test]
fn unknown_trailing_elements_and_keys_are_passed_over() {
    #[derive(Serialize)]
    struct Options {
        source: &'static str,
        later: (u8, Vec<Option<String>>),
        device: &'static str,
        boot: u64,
        silent_when_still: bool,
    }
    let later = (1, vec![None, Some("x".repeat(300))]);
    let options =
        Options { source: "gps_tracker", later, device: "d", boot: 7, silent_when_still: true };
    let body = rmp_serde::to_vec_named(&(0, 1, "token", options, "more", [1, 2])).unwrap();
    let ClientFrame::Hello(hello) = ClientFrame::decode(&body).unwrap() else {
        panic!("kind 0 is a hello");
    };
    assert_eq!((hello.token, hello.device, hello.boot), ("token", "d", 7));
    assert_eq!((hello.source, hello.silent_when_still), (Some(Source::GpsTracker), true));

    let long_fix = (1, 2, 3, None::<f32>, 4.0_f64, 5_u8, 6.0_f32, "more", [0_u8; 3]);
    let body = rmp_serde::to_vec(&(2, 9, Some(8), [long_fix], true)).unwrap();
    let ClientFrame::Positions(read) = ClientFrame::decode(&body).unwrap() else {
        panic!("kind 2 is positions");
    };
    assert_eq!(read.fixes[0].speed_mps, Some(4.0));
    assert_eq!((read.fixes[0].heading_deg, read.fixes[0].battery_pct), (Some(5.0), Some(6)));
}

#[test]
fn short_fixes_and_left_out_options_are_allowed() {
    let body = rmp_serde::to_vec(&(2, 1, None::<u64>, [(1, 2, 3)])).unwrap();
    assert!(ClientFrame::decode(&body).is_ok());
    let body = rmp_serde::to_vec(&(2, 1, None::<u64>, [(1, 2)])).unwrap();
    assert!(ClientFrame::decode(&body).is_err());
    assert!(ClientFrame::decode(&rmp_serde::to_vec(&(0, 1, "token")).unwrap()).is_ok());
    assert!(ClientFrame::decode(&rmp_serde::to_vec(&(5, 1, 2, "finished")).unwrap()).is_ok());
    assert!(ClientFrame::decode(&rmp_serde::to_vec(&(16,)).unwrap()).is_ok());
}

#[test]
fn what_no_client_sends_is_refused_with_its_code() {
    let refused = |body: Vec<u8>| ClientFrame::decode(&body).unwrap_err();
    assert_eq!(refused(rmp_serde::to_vec(&(77, 1)).unwrap()), WireError::UnknownKind(77));
    assert_eq!(refused(rmp_serde::to_vec(&(3, 1)).unwrap()), WireError::UnknownKind(3));
    assert_eq!(refused(vec![0x90]).code(), 422);
    assert_eq!(refused(vec![]).code(), 422);
    assert_eq!(refused(vec![0xc1]).code(), 422);
    // An array that promises 2^32 - 1 fixes costs nothing.
    let promise = [&[0x94, 2, 1, 0xc0, 0xdd][..], &[0xff; 4]].concat();
    assert_eq!(refused(promise).code(), 422);
    let many = vec![(1, 2, 3); BATCH_MAX + 1];
    assert_eq!(refused(rmp_serde::to_vec(&(2, 1, None::<u64>, many)).unwrap()).code(), 422);
    // Arrays in arrays, as deep as the body: no recursion to overflow.
    let deep = [&[0xdc, 0, 9, 16, 0xc0][..], &[0x91; 60_000]].concat();
    assert_eq!(refused(deep), WireError::Truncated);
}

#[test]
fn server_frames_are_what_serde_reads() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct WelcomeBody {
        role: String,
        company_id: u32,
        courier_id: Option<u32>,
        acked: u64,
        server_time: i64,
        batch_max: u32,
        time_scale: Option<f64>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct RouteBody {
        route_id: u64,
        next: Vec<Next>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Next {
        order_id: u64,
        lat_e7: i32,
        lon_e7: i32,
        radius_m: f64,
        eta_ms: Option<i64>,
    }

    let (kind, body): (u8, WelcomeBody) = read(|writer, to| {
        writer.welcome(
            &Welcome {
                role: "device",
                company: CompanyId(3),
                courier: Some(CourierId(70_000)),
                acked: 1 << 40,
                server_time: Time::from_ms(1_700_000_000_123),
                time_scale: Some(20.0),
            },
            to,
        );
    });
    assert_eq!((kind, body.acked, body.courier_id), (1, 1 << 40, Some(70_000)));
    assert_eq!((body.role.as_str(), body.company_id, body.batch_max), ("device", 3, 1_000));
    assert_eq!((body.server_time, body.time_scale), (1_700_000_000_123, Some(20.0)));

    assert_eq!(read::<(u8, u64)>(|writer, to| writer.ack(300, to)), (3, 300));
    let refused = Refused { seq: 4, reason: "invalid", count: 2, courier: None };
    let frame: (u8, u64, String, u64, Option<u64>) =
        read(|writer, to| writer.refused(&refused, to));
    assert_eq!(frame, (4, 4, "invalid".to_owned(), 2, None));
    let frame: (u8, u64, Option<String>) = read(|writer, to| writer.reply(5, Some("no"), to));
    assert_eq!(frame, (7, 5, Some("no".to_owned())));
    let next = UpcomingOrder {
        order: OrderId(9),
        point: Point::from_e7(-5, 170_000_000).unwrap(),
        radius_m: 150.5,
        eta: None,
    };
    let (kind, body): (u8, RouteBody) = read(|writer, to| writer.route(RouteId(1), &[next], to));
    assert_eq!((kind, body.route_id, body.next[0].lat_e7), (8, 1, -5));
    assert_eq!((body.next[0].eta_ms, body.next[0].radius_m), (None, 150.5));
    let frame: (u8, u16, String, String) =
        read(|writer, to| writer.error(422, "why", Severity::Hard, to));
    assert_eq!(frame, (9, 422, "why".to_owned(), "hard".to_owned()));
    let events = ["a", "b"].map(|event| rmp_serde::to_vec(event).unwrap());
    let events = [&events[0][..], &events[1]];
    let frame: (u8, String, Vec<String>) = read(|writer, to| writer.events("12", &events, to));
    assert_eq!(frame, (17, "12".to_owned(), vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(
        read::<(u8, String, String)>(|writer, to| writer.gap("3", "9", to)),
        (18, "3".to_owned(), "9".to_owned())
    );
}

/// What serde reads of the frame that `write` appends.
fn read<T: for<'de> Deserialize<'de>>(write: impl FnOnce(&mut FrameWriter, &mut Vec<u8>)) -> T {
    let mut bytes = Vec::new();
    write(&mut FrameWriter::default(), &mut bytes);
    let length = read_length(&bytes).unwrap().unwrap();
    assert_eq!(bytes.len(), length.prefix + length.body);
    rmp_serde::from_slice(&bytes[length.prefix..]).unwrap()
}
