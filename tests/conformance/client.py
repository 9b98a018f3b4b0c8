"""A client of doorstep/1 written from the wire page alone: another language, another QUIC stack.

It is told where a daemon is and which tokens it knows, says what the page says a client may say,
and fails where an answer is not what the page says. Knows nothing of the daemon's sources.
"""

import argparse
import asyncio
import hashlib
import ssl
import time

import msgpack
from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    HandshakeCompleted,
    StopSendingReceived,
    StreamDataReceived,
    StreamReset,
)
from cryptography.hazmat.primitives.serialization import Encoding

ANSWER_WITHIN_S = 20


def length(n):
    """A QUIC variable-length integer (RFC 9000 section 16)."""
    if n < 1 << 6:
        return bytes([n])
    if n < 1 << 14:
        return (0x4000 | n).to_bytes(2, "big")
    if n < 1 << 30:
        return (0x8000_0000 | n).to_bytes(4, "big")
    return (0xC000_0000_0000_0000 | n).to_bytes(8, "big")


def frame(body):
    packed = msgpack.packb(body)
    return length(len(packed)) + packed


class Stream:
    """One bidirectional stream: frames out, frames in, and how it ended."""

    def __init__(self, protocol, number):
        self.protocol, self.number = protocol, number
        self.bytes = b""
        self.frames = asyncio.Queue()
        self.reset = asyncio.get_running_loop().create_future()

    def send(self, *frames):
        self.raw(b"".join(frame(body) for body in frames))

    def raw(self, data):
        self.protocol._quic.send_stream_data(self.number, data)
        self.protocol.transmit()

    def heard(self, data):
        self.bytes += data
        while self.bytes:
            width = 1 << (self.bytes[0] >> 6)
            if len(self.bytes) < width:
                return
            size = int.from_bytes(self.bytes[:width], "big") & ((1 << (8 * width - 2)) - 1)
            assert size <= 65_536, f"a body of {size} bytes"
            if len(self.bytes) < width + size:
                return
            body = msgpack.unpackb(self.bytes[width : width + size])
            self.bytes = self.bytes[width + size :]
            assert isinstance(body, list) and isinstance(body[0], int), body
            self.frames.put_nowait(body)

    async def next(self):
        return await asyncio.wait_for(self.frames.get(), ANSWER_WITHIN_S)

    async def was_reset(self):
        return await asyncio.wait_for(self.reset, ANSWER_WITHIN_S)


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.streams = {}
        self.ended = asyncio.get_running_loop().create_future()
        self.alpn = None

    def quic_event_received(self, event):
        if isinstance(event, HandshakeCompleted):
            self.alpn = event.alpn_protocol
        elif isinstance(event, StreamDataReceived):
            self.streams[event.stream_id].heard(event.data)
        elif isinstance(event, StreamReset):
            stream = self.streams[event.stream_id]
            if not stream.reset.done():
                stream.reset.set_result(event.error_code)
        elif isinstance(event, StopSendingReceived):
            pass
        elif isinstance(event, ConnectionTerminated):
            if not self.ended.done():
                self.ended.set_result(event.error_code)

    def open(self):
        number = self._quic.get_next_available_stream_id()
        self.streams[number] = Stream(self, number)
        return self.streams[number]

    async def hello(self, token, options=None):
        stream = self.open()
        stream.send([0, 1, token, options or {}])
        welcome = await stream.next()
        assert welcome[0] == 1, welcome
        return stream, welcome[1]


def connection(arguments):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["doorstep/1"])
    configuration.verify_mode = ssl.CERT_NONE
    return connect(arguments.host, arguments.port, configuration=configuration, create_protocol=Client)


def now_ms():
    return int(time.time() * 1000)


def near(arguments, nth, t):
    """A fix at the nth order of courier 1."""
    return [t, arguments.lat_e7 + nth * 100_000, arguments.lon_e7, 5.0, None, None, 80]


async def acked(stream, seq):
    """Frames up to the ack of seq; the refusals among them."""
    refused = []
    while True:
        body = await stream.next()
        if body[0] == 4:
            refused.append(body)
        elif body[0] == 3:
            assert body[1] <= seq, body
            if body[1] == seq:
                return refused
        else:
            assert body[0] == 8, body


async def certificate(arguments):
    async with connection(arguments) as client:
        await client.ping()
        assert client.alpn == "doorstep/1", client.alpn
        der = client._quic.tls._peer_certificate.public_bytes(Encoding.DER)
        assert hashlib.sha256(der).hexdigest() == arguments.fingerprint


async def welcome(arguments):
    async with connection(arguments) as client:
        options = {"source": "app", "silent_when_still": False, "sent_at": now_ms(), "later": [1]}
        _, told = await client.hello("device-2", options)
        assert told["role"] == "device" and told["company_id"] == 1, told
        assert told["courier_id"] == 2 and told["acked"] == 0, told
        assert abs(told["server_time"] - now_ms()) < 60_000 and told["batch_max"] == 1000, told
        _, told = await client.hello("gateway")
        assert told["role"] == "gateway" and told["courier_id"] is None, told
        _, told = await client.hello("subscriber")
        assert told["role"] == "subscriber", told


async def positions(arguments):
    async with connection(arguments) as client:
        stream, _ = await client.hello("device-1", {"device": "phone", "boot": 7})
        begin = now_ms() - 200_000
        fixes = [near(arguments, 1, begin + n * 10_000) for n in range(10)]
        # Elements that are not known yet are no reason to refuse.
        stream.send([2, 1, None, fixes[:4], "later"], [2, 5, None, [fix[:3] for fix in fixes[4:]]])
        assert await acked(stream, 10) == []
        stream.send([2, 3, None, fixes[2:]])
        assert await acked(stream, 10) == []
        # Another stream of the same sender, then another boot of it.
        again, told = await client.hello("device-1", {"device": "phone", "boot": 7})
        assert told["acked"] == 10, told
        again.send([2, 1, None, fixes])
        assert await acked(again, 10) == []
        _, told = await client.hello("device-1", {"device": "phone", "boot": 8})
        assert told["acked"] == 0, told


async def routes(arguments):
    """Courier 4 has two orders ahead; its route is told after the hello."""
    async with connection(arguments) as client:
        stream, _ = await client.hello("device-4")
        kind, told = await stream.next()
        assert kind == 8 and told["route_id"] == 4, told
        assert [order["order_id"] for order in told["next"]] == [41, 42], told
        for nth, order in enumerate(told["next"], 1):
            lat = arguments.lat_e7 + 30_000 + nth * 100_000
            assert (order["lat_e7"], order["lon_e7"]) == (lat, arguments.lon_e7), order
            assert order["radius_m"] == 100 and order["eta_ms"] is None, order


async def refusals(arguments):
    async with connection(arguments) as client:
        stream, _ = await client.hello("device-2")
        day, t = 86_400_000, now_ms()
        bad = [t, 0, 0]
        stream.send([2, 1, None, [bad, near(arguments, 1, t - 2 * day), near(arguments, 1, t + day)]])
        refused = {body[2]: body for body in await acked(stream, 3)}
        assert set(refused) == {"invalid", "too_old", "future"}, refused
        assert all(body[3] == 1 for body in refused.values()), refused
        assert refused["invalid"][1] == 1 and refused["too_old"][1] == 2, refused
        gateway, _ = await client.hello("gateway")
        fix = near(arguments, 1, t)
        gateway.send([6, 1, [[5, None, fix], [arguments.foreign_courier, None, fix], [77_777, None, fix]]])
        refused = await acked(gateway, 3)
        assert sum(body[3] for body in refused) == 2, refused
        assert {body[2] for body in refused} <= {"unknown_courier", "forbidden"}, refused


async def bad_frames(arguments):
    hello = frame([0, 1, "device-3", {}])
    cases = [
        (413, hello + length(65_537)),
        (422, hello + length(3) + b"\xc1\xc1\xc1"),
        (422, hello + frame([55, 1])),
        (422, hello + frame([2, 1, None, [[1, 2]]])),
        (403, hello + frame([6, 1, []])),
        (422, frame([2, 1, None, []])),
        (401, frame([0, 1, "wrong", {}])),
    ]
    async with connection(arguments) as client:
        good, _ = await client.hello("device-3")
        for code, data in cases:
            stream = client.open()
            stream.raw(data)
            body = await stream.next()
            while body[0] in (1, 8):
                body = await stream.next()
            assert body[0] == 9 and body[1] == code, (code, body)
            assert isinstance(body[2], str) and body[3] in ("transient", "hard"), body
            await stream.was_reset()
        good.send([2, 1, None, [near(arguments, 1, now_ms())]])
        assert await acked(good, 1) == []


async def silence(arguments):
    async with connection(arguments) as client:
        await asyncio.wait_for(client.ended, ANSWER_WITHIN_S)


async def events(arguments):
    """Courier 1 stood at its first order in `positions`."""
    async with connection(arguments) as client:
        stream, _ = await client.hello("subscriber")
        stream.send([16, {"after": None, "types": None, "courier_ids": [1], "order_ids": None}])
        told, cursors = [], []
        while not any(event["type"] == "doorstep.order.order_visit.v1" for event in told):
            body = await stream.next()
            assert body[0] == 17 and isinstance(body[1], str), body
            cursors.append(body[1])
            told += body[2]
        for event in told:
            assert event["specversion"] == "1.0" and event["source"] == "/doorstep/1", event
            assert event["type"].startswith("doorstep.") and event["type"].endswith(".v1"), event
            assert len(event["sequence"]) == 20 and event["sequence"].isdigit(), event
            assert event["partitionkey"] == "1" and event["datacontenttype"], event
            assert event["time"].endswith("Z") and event["recordedtime"].endswith("Z"), event
            assert event["data"]["courier_id"] == 1 and event["data"]["company_id"] == 1, event
        assert len({event["id"] for event in told}) == len(told)
        sequences = [event["sequence"] for event in told]
        assert sequences == sorted(sequences)
        visit = next(event for event in told if event["type"] == "doorstep.order.order_visit.v1")
        assert visit["subject"] == "orders/11" and visit["data"]["order_id"] == 11, visit
        kinds = {event["type"].split(".")[2] for event in told}
        assert {"created", "start", "arrival", "order_visit"} <= kinds, kinds
        # From a cursor on, only what came after it.
        late, _ = await client.hello("subscriber")
        late.send([16, {"after": cursors[-1], "types": ["doorstep.order.departure.v1"]}])
        device, acked_to = await client.hello("device-1", {"device": "other"})
        gone = [near(arguments, 2, now_ms() - 20_000), near(arguments, 2, now_ms())]
        device.send([2, acked_to["acked"] + 1, None, gone])
        body = await late.next()
        assert body[0] == 17 and body[2][0]["type"] == "doorstep.order.departure.v1", body
        assert body[2][0]["sequence"] > cursors[-1] and body[2][0]["data"]["visited"] is True, body


CHECKS = [certificate, welcome, routes, positions, refusals, bad_frames, events, silence]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fingerprint", required=True)
    parser.add_argument("--lat-e7", type=int, required=True)
    parser.add_argument("--lon-e7", type=int, required=True)
    parser.add_argument("--foreign-courier", type=int, required=True)
    arguments = parser.parse_args()
    for check in CHECKS:
        await asyncio.wait_for(check(arguments), 60)
        print(f"{check.__name__}: as the page says", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
