//! What bad peers are told over real QUIC on loopback, each as documented, and that the daemon serves
//! on. Timeouts only bound failures.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "certificates are kept in a temporary directory")]
#![expect(clippy::disallowed_types, reason = "noise comes from a socket of its own")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/quic_client.rs"]
mod quic_client;
#[path = "support/quic_daemon.rs"]
mod quic_daemon;

use std::net::UdpSocket;
use std::time::Duration;

use doorstep::cli::client::error::ClientError;
use doorstep::cli::client::frame::{HelloOptions, ServerFrame, Wanted};
use doorstep::ingest::quic::settings::QuicSettings;
use quinn::{Connection, ConnectionError};

use quic_client::{Client, acked, at, framed, now_ms, soon};
use quic_daemon::{Daemon, FOREIGN_COURIER};

/// What a raw stream gets in answer to these bytes: an error frame's code, then a reset.
async fn told(connection: &Connection, bytes: &[u8]) -> u16 {
    let (mut send, mut receive) = soon(connection.open_bi()).await.unwrap();
    // The server may stop reading before it has all.
    let _ = send.write_all(bytes).await;
    let mut answer = Vec::new();
    let reset = loop {
        match soon(receive.read_chunk(1_000, true)).await {
            Ok(Some(chunk)) => answer.extend_from_slice(&chunk.bytes),
            Ok(None) => panic!("the stream ended without a reset"),
            Err(quinn::ReadError::Reset(code)) => break code,
            Err(error) => panic!("{error}"),
        }
    };
    // Welcomes may come before the error; it is the last frame.
    let mut code = 0;
    while let Some((body, width)) = doorstep::cli::client::frame::length(&answer) {
        let frame: ServerFrame = rmp_serde::from_slice(&answer[width..width + body]).unwrap();
        if let ServerFrame::Error { code: told, .. } = frame {
            code = told;
        }
        answer.drain(..width + body);
    }
    assert_eq!(u64::from(code), reset.into_inner(), "code and reset agree");
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_frame_is_answered_and_resets_its_stream_only() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut good = client.open("device-1").await;
    let connection = good.connection.clone();
    let after_hello = |token: &str, rest: &[u8]| {
        let mut bytes = framed(&(0, 1, token, HelloOptions::default()));
        bytes.extend_from_slice(rest);
        bytes
    };
    let cases = [
        (422, after_hello("device-1", &framed(&(99, 1)))),
        (422, after_hello("device-1", &[4, 0xc1, 0xc1, 0xc1, 0xc1])),
        (422, after_hello("device-1", &framed(&(0, 1, "device-1")))),
        (422, after_hello("device-1", &framed(&(2, 0, None::<u64>, [at(1, 1, 1)])))),
        (413, after_hello("device-1", &[0x80, 0x01, 0x00, 0x01])),
        (413, after_hello("device-1", &[0xff; 8])),
        (422, after_hello("device-1", &framed(&(2, 1, None::<u64>, vec![at(1, 1, 1); 1_001])))),
        (422, after_hello("gateway", &framed(&(6, 1, vec![(1, None::<u64>, at(1, 1, 1)); 1_001])))),
        (413, after_hello("device-1", &framed(&(5, 1, 1, "x".repeat(70_000))))),
        (422, after_hello("device-1", &framed(&[0; 0]))),
        (422, after_hello("device-1", &framed(&"text"))),
        (422, framed(&(0, 2, "device-1"))),
        (422, framed(&(2, 1, None::<u64>, [at(1, 1, 1)]))),
        (403, after_hello("device-1", &framed(&(6, 1, [(1, None::<u64>, at(1, 1, 1))])))),
        (403, after_hello("gateway", &framed(&(5, 1, 11, "finished")))),
        (403, after_hello("device-1", &framed(&(16,)))),
        (403, after_hello("gateway", &framed(&(2, 1, None::<u64>, [at(1, 1, 1)])))),
        (403, after_hello("read", &framed(&(16,)))),
        (
            422,
            after_hello(
                "subscriber",
                &framed(&(16, Wanted { after: Some("x".into()), types: None })),
            ),
        ),
        (
            422,
            after_hello(
                "subscriber",
                &framed(&(16, Wanted { after: None, types: Some(vec!["x".into()]) })),
            ),
        ),
    ];
    for (code, bytes) in cases {
        assert_eq!(told(&connection, &bytes).await, code, "{bytes:x?}");
    }
    good.say(&(2, 1, None::<u64>, [at(1, 1, now_ms())])).await.unwrap();
    acked(&mut good, 1).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_is_told_and_soon_shown_out() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let refused = client.open_with("nobody", &HelloOptions::default()).await.unwrap_err();
    assert!(matches!(refused, ClientError::Refused { code: 401, .. }), "{refused}");
    let connection = client.connect().await;
    assert_eq!(told(&connection, &framed(&(0, 1, "nobody"))).await, 401);
    assert_eq!(told(&connection, &framed(&(2, 1, None::<u64>, [at(1, 1, 1)]))).await, 422);
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(&framed(&(0, 1, "nobody"))).await.unwrap();
    let ConnectionError::ApplicationClosed(close) = soon(connection.closed()).await else {
        panic!("the daemon closes it");
    };
    assert_eq!(close.error_code, 401_u32.into());
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_shown_out() {
    let settings =
        QuicSettings { hello_within: Duration::from_millis(200), ..QuicSettings::default() };
    let daemon = Daemon::start(1, settings).await;
    let client = Client::of(&daemon);
    // One without a stream, one with half a hello.
    let (idle, half) = (client.connect().await, client.connect().await);
    let (mut send, _receive) = half.open_bi().await.unwrap();
    send.write_all(&framed(&(0, 1, "device-1"))[..5]).await.unwrap();
    for connection in [idle, half] {
        let ConnectionError::ApplicationClosed(close) = soon(connection.closed()).await else {
            panic!("the daemon closes it");
        };
        assert_eq!(close.error_code, 408_u32.into());
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_a_hello_is_told_and_its_connection_lives() {
    let settings =
        QuicSettings { hello_within: Duration::from_millis(200), ..QuicSettings::default() };
    let daemon = Daemon::start(1, settings).await;
    let client = Client::of(&daemon);
    let mut good = client.open("device-1").await;
    assert_eq!(told(&good.connection, &framed(&(0, 1, "device-1"))[..5]).await, 422);
    good.say(&(2, 1, None::<u64>, [at(1, 1, now_ms())])).await.unwrap();
    acked(&mut good, 1).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_the_socket_is_passed_over() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut good = client.open("device-1").await;
    let noise = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut dice = 42_u64;
    for size in 1..=1_400 {
        let packet: Vec<u8> = (0..size)
            .map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (dice >> 56) as u8
            })
            .collect();
        noise.send_to(&packet, daemon.address).unwrap();
    }
    good.say(&(2, 1, None::<u64>, [at(1, 1, now_ms())])).await.unwrap();
    acked(&mut good, 1).await;
    client.open("device-2").await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_gets_nothing_done_for_another_company_and_goes_on() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    let client = Client::of(&daemon);
    let mut link = client.open("gateway").await;
    let fix = at(1, 1, now_ms());
    // Another company's courier, and one of its own on another company's route.
    link.say(&(6, 1, [(FOREIGN_COURIER, None::<u64>, fix)])).await.unwrap();
    assert_eq!(acked(&mut link, 1).await, [("unknown_courier".to_owned(), 1)]);
    link.say(&(6, 2, [(1, Some(FOREIGN_COURIER), fix)])).await.unwrap();
    assert_eq!(acked(&mut link, 2).await, [("route".to_owned(), 1)]);
    link.say(&(6, 3, [(1, Some(1), fix)])).await.unwrap();
    assert_eq!(acked(&mut link, 3).await, []);
    daemon.stop().await;
}
