//! What a client says on a QUIC stream, from its first byte on: lengths, frames, datagrams. No
//! bytes panic, and what is taken keeps the limits.

#![no_main]

use doorstep::ingest::quic::wire::client_frame::{ClientFrame, Subscribe, decode_datagram};
use doorstep::ingest::quic::wire::length::{read_length, write_length};
use doorstep::ingest::quic::wire::{BATCH_MAX, FILTER_VALUES_MAX, FRAME_BODY_MAX, TEXT_BYTES_MAX};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A datagram's errors are not told, only counted.
    let _ = decode_datagram(bytes);
    let mut rest = bytes;
    while let Ok(Some(length)) = read_length(rest) {
        assert!(length.body <= FRAME_BODY_MAX);
        let mut written = Vec::new();
        write_length(length.body, &mut written);
        assert_eq!(read_length(&written).map(|found| found.map(|found| found.body)), Ok(Some(length.body)));
        let Some(body) = rest.get(length.prefix..length.prefix + length.body) else { break };
        let Ok(frame) = ClientFrame::decode(body) else { break };
        judge(&frame);
        rest = &rest[length.prefix + length.body..];
    }
});

fn judge(frame: &ClientFrame<'_>) {
    match frame {
        ClientFrame::Hello(hello) => {
            assert!(hello.token.len() <= TEXT_BYTES_MAX && hello.device.len() <= 128);
        }
        ClientFrame::Positions(positions) => {
            assert!(positions.fixes.len() <= BATCH_MAX);
            assert!(positions.first_seq.checked_add(BATCH_MAX as u64).is_some());
        }
        ClientFrame::GatewayPositions(positions) => {
            assert!(positions.fixes.len() <= BATCH_MAX);
            assert!(positions.first_seq.checked_add(BATCH_MAX as u64).is_some());
        }
        ClientFrame::Status(status) => assert!(status.status.len() <= TEXT_BYTES_MAX),
        ClientFrame::Subscribe(wanted) => judge_filters(wanted),
    }
}

fn judge_filters(wanted: &Subscribe<'_>) {
    assert!(wanted.types.as_ref().is_none_or(|types| types.len() <= FILTER_VALUES_MAX));
    for ids in [&wanted.courier_ids, &wanted.route_ids, &wanted.order_ids, &wanted.depot_ids] {
        assert!(ids.as_ref().is_none_or(|ids| ids.len() <= FILTER_VALUES_MAX));
    }
}
