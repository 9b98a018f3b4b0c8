//! One stream: the hello, then what the role may say, until the peer has said all. Devices and
//! gateways are served here; a subscriber's stream turns round at its subscription.

use std::io::Write;
use std::sync::Arc;

use quinn::{RecvStream, SendStream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::ack_pace::AckPace;
use super::connection::{DatagramSender, Peer};
use super::frames::{Came, Frames};
use super::in_flight::{Handed, InFlight, Refusals, Settled};
use super::route_news::RouteNews;
use super::speech::{End, Speech};
use super::status::serve_status;
use super::subscriber::serve_subscriber;
use super::wire::client_frame::{ClientFrame, Hello};
use super::wire::fix::{Fix, Origin};
use super::wire::server_frame::Welcome;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::position::Source;
use crate::runtime::access::{Grant, Role};
use crate::runtime::error::SubmitError;
use crate::runtime::intake::{Delivery, PartDone, STALLED_AFTER, Sender, SenderId, SentFix};
use crate::runtime::views::UpcomingRoute;

/// One stream that has just been opened.
pub(super) struct Session {
    pub(super) peer: Arc<Peer>,
    pub(super) heard: Frames,
    pub(super) speech: Speech,
}

/// Who speaks on a stream, once that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    pub(super) grant: Grant,
    sender: Sender,
    origin: Origin,
}

/// The positions of one stream on their way.
struct Positions {
    speaker: Speaker,
    line: InFlight,
    pace: AckPace,
    /// The way of the answers: made for the first frame, and given up when the routes are looked at
    /// and nothing is in flight, so that a silent stream keeps none.
    answers: Option<Answers>,
    /// Since when an ack waits for another stream of the same sender.
    owed_since: Option<Instant>,
}

type Answers = (UnboundedSender<PartDone>, UnboundedReceiver<PartDone>);

/// Serves a stream to its end.
pub(super) async fn serve_stream(mut session: Session) {
    match session.serve().await {
        End::Quiet => session.speech.finish(),
        End::Told(word) => {
            let Session { peer, heard, speech } = &mut session;
            Box::pin(speech.last_word(&word, heard, &peer.connection)).await;
        }
    }
}

impl Session {
    pub(super) fn new(peer: Arc<Peer>, send: SendStream, receive: RecvStream) -> Self {
        Self { peer, heard: Frames::new(receive), speech: Speech::new(send) }
    }

    async fn serve(&mut self) -> End {
        let welcomed = match timeout(self.peer.settings.hello_within, self.heard.ready()).await {
            Ok(Came::Frame) => self.hello(),
            Ok(Came::Bad(error)) => Err(error.into()),
            Ok(Came::End | Came::Gone) => return End::Quiet,
            Err(_) => Err(End::hard(422, "no hello in time")),
        };
        let (speaker, acked) = match welcomed {
            Ok(welcomed) => welcomed,
            Err(end) => {
                // Who comes at a bad time has done nothing wrong.
                if !end.is_transient() {
                    self.peer.refuse_hello();
                }
                return end;
            }
        };
        match self.positions(speaker, acked).await {
            Ok(()) => End::Quiet,
            Err(end) => end,
        }
    }

    /// Answers the hello. What is said in one flush with it goes with the first packet.
    fn hello(&mut self) -> Result<(Speaker, u64), End> {
        let ClientFrame::Hello(hello) = ClientFrame::decode(self.heard.take())? else {
            return Err(End::hard(422, "the first frame on a stream is a hello"));
        };
        let services = &self.peer.services;
        let Some(grant) = services.access.authenticate(hello.token) else {
            return Err(End::hard(401, "unknown token"));
        };
        if grant.role.reports() && !grant.role.listens() && services.intake.refuses_session() {
            return Err(End::transient(503, OVERLOADED));
        }
        let speaker = Speaker::new(grant, &hello);
        let acked = services.intake.acked(speaker.sender);
        let welcome = Welcome {
            role: grant.role.name(),
            company: grant.company,
            courier: grant.courier,
            acked,
            server_time: services.clock.now(),
            time_scale: services.clock.scale(),
        };
        self.speech.frames.welcome(&welcome, &mut self.speech.buffer);
        let is_device = grant.role == Role::Device;
        let device = grant.courier.filter(|_| is_device).map(|courier| DatagramSender {
            company: grant.company,
            courier,
            origin: speaker.origin,
        });
        self.peer.standing.send_modify(|standing| {
            standing.is_welcome = true;
            standing.device = standing.device.or(device);
        });
        Ok((speaker, acked))
    }

    /// Reads frames as long as there is room, and tells what became of them.
    async fn positions(&mut self, speaker: Speaker, acked: u64) -> Result<(), End> {
        self.speech.flush().await?;
        let pace = AckPace::new(acked, Instant::now());
        let line = InFlight::default();
        let mut positions = Positions { speaker, line, pace, answers: None, owed_since: None };
        let mut routes = self.route_news(&speaker);
        let mut has_ended = false;
        loop {
            let settings = &self.peer.settings;
            let has_room = positions.pace.in_flight() < settings.in_flight_frames_max
                && positions.line.fixes() < settings.in_flight_fixes_max;
            let is_owed = positions.owed_since.is_some();
            if has_ended && positions.pace.in_flight() == 0 && !is_owed {
                return Ok(());
            }
            let next_ack = positions.pace.next();
            tokio::select! {
                biased;
                Some(part) = next_part(&mut positions.answers) => positions.parts_done(part),
                () = arrives(next_ack), if next_ack.is_some() => {}
                () = owed_again(), if is_owed => {}
                came = self.heard.ready(), if has_room && !has_ended => match came {
                    Came::Frame => {
                        self.frame(&mut positions).await?;
                        routes.iter_mut().for_each(RouteNews::spoken);
                    }
                    Came::End => has_ended = true,
                    Came::Gone => return Ok(()),
                    Came::Bad(error) => return Err(error.into()),
                },
                Some(now) = next_routes(&mut routes) => {
                    let Speech { frames, buffer, .. } = &mut self.speech;
                    routes.iter_mut().for_each(|routes| routes.tell(&now, frames, buffer));
                    positions.rest();
                }
            }
            self.tell(&mut positions).await?;
        }
    }

    /// Devices are told of their routes; who speaks for many couriers knows them.
    fn route_news(&self, speaker: &Speaker) -> Option<RouteNews> {
        let (views, every) = (&self.peer.services.views, self.peer.settings.routes_every);
        speaker.device().ok().map(|courier| RouteNews::new(courier, views.clone(), every))
    }

    /// One frame after the hello.
    async fn frame(&mut self, positions: &mut Positions) -> Result<(), End> {
        let speaker = positions.speaker;
        let delivery = match ClientFrame::decode(self.heard.take())? {
            ClientFrame::Positions(sent) => {
                let courier = speaker.device()?;
                let fixes = sent.fixes.iter().map(|fix| (u64::from(courier.0), sent.route, fix));
                positions.sort(sent.first_seq, fixes)?
            }
            ClientFrame::GatewayPositions(sent) => {
                if !matches!(speaker.grant.role, Role::Gateway | Role::Admin | Role::Backend) {
                    return Err(End::hard(403, "only a gateway sends positions of many couriers"));
                }
                let fixes = sent.fixes.iter().map(|sent| (sent.courier, sent.route, &sent.fix));
                positions.sort(sent.first_seq, fixes)?
            }
            ClientFrame::Status(status) => {
                speaker.device()?;
                let Self { peer, speech, .. } = self;
                return Box::pin(serve_status(speech, peer, &speaker.grant, &status)).await;
            }
            ClientFrame::Subscribe(wanted) => {
                let subscription = super::subscriber::subscribe(&self.peer, &speaker, &wanted)?;
                return Err(Box::pin(serve_subscriber(self, subscription)).await);
            }
            ClientFrame::Hello(_) => return Err(End::hard(422, "a second hello on one stream")),
        };
        self.submit(positions, delivery).await
    }

    /// Hands a delivery on. While a shard has no room, the stream is not read.
    async fn submit(&self, positions: &mut Positions, sorted: Sorted) -> Result<(), End> {
        let Sorted { delivery, settles, refusals } = sorted;
        let (fixes, mut parts) = (delivery.fixes.len(), 0);
        if fixes > 0 {
            let intake = &self.peer.services.intake;
            let submitted = match intake.submit(delivery) {
                Err(SubmitError::Overloaded(delivery)) => {
                    // Rarely, so that waiting does not make every stream's task larger.
                    Box::pin(intake.submit_in_turn(*delivery, STALLED_AFTER)).await
                }
                submitted => submitted,
            };
            parts = match submitted {
                Ok(parts) => parts,
                Err(SubmitError::Overloaded(_)) => {
                    return Err(End::transient(503, OVERLOADED));
                }
                Err(error @ SubmitError::TooLarge { .. }) => {
                    return Err(End::hard(413, &error.to_string()));
                }
                Err(error @ SubmitError::DiskFull) => {
                    return Err(End::transient(503, &error.to_string()));
                }
                Err(SubmitError::Stopped) => {
                    return Err(End::transient(503, "the daemon is stopping"));
                }
            };
        }
        positions.line.begin(settles, Handed { fixes, parts }, refusals);
        positions.pace.sent_on();
        Ok(())
    }

    /// Says what was refused and, if it is time, up to where everything is durable.
    async fn tell(&mut self, positions: &mut Positions) -> Result<(), End> {
        let was_owed = positions.owed_since.is_some();
        let mut frames = 0;
        while let Some(refusals) = positions.line.pop() {
            frames += 1;
            for refused in refusals.frames() {
                self.speech.frames.refused(&refused, &mut self.speech.buffer);
            }
        }
        if frames > 0 || was_owed {
            let acked = self.settled(positions)?;
            positions.pace.arrived(frames, acked);
        }
        if let Some(seq) = positions.pace.due(Instant::now(), positions.owed_since.is_some()) {
            self.speech.frames.ack(seq, &mut self.speech.buffer);
            if self.peer.settings.trace_acks {
                trace_ack(&positions.speaker, seq);
            }
        }
        self.speech.flush().await
    }
}

impl Session {
    /// Up to where this stream may say that everything is durable. Another stream of the same
    /// sender may have earlier frames under way: what waits for them is owed.
    fn settled(&self, positions: &mut Positions) -> Result<u64, End> {
        let settled = positions.line.settled();
        let durable = self.peer.services.intake.acked(positions.speaker.sender);
        if durable >= settled.submitted {
            positions.owed_since = None;
            return Ok(settled.seq);
        }
        let since = *positions.owed_since.get_or_insert_with(Instant::now);
        // Of an earlier boot nothing is known any more, and never will be.
        if durable == 0 && since.elapsed() >= OVERTAKEN_AFTER {
            return Err(End::hard(403, "a later boot of this device has spoken"));
        }
        Ok(durable)
    }
}

impl Speaker {
    fn new(grant: Grant, hello: &Hello<'_>) -> Self {
        let implied = if grant.role == Role::Device { Source::App } else { Source::S2sApi };
        let origin = Origin {
            source: hello.source.unwrap_or(implied),
            silent_when_still: hello.silent_when_still,
        };
        let sender = Sender { id: sender_id(&grant, hello.device), boot: hello.boot };
        Self { grant, sender, origin }
    }

    fn device(&self) -> Result<CourierId, End> {
        let courier = self.grant.courier.filter(|_| self.grant.role == Role::Device);
        courier.ok_or_else(|| End::hard(403, "only a device sends this"))
    }
}

/// A sender is a token and the name of a device: the same in every session and after every start.
fn sender_id(grant: &Grant, device: &str) -> SenderId {
    let hash = Sha256::new().chain_update(grant.token.0.to_be_bytes()).chain_update(device);
    let hash = hash.finalize();
    SenderId(hash[..8].iter().fold(0, |id, byte| id << 8 | u64::from(*byte)))
}

/// A frame's fixes, those that are no positions told apart.
struct Sorted {
    delivery: Delivery,
    settles: Settled,
    refusals: Refusals,
}

impl Positions {
    fn sort<'a>(
        &mut self,
        first_seq: u64,
        sent: impl Iterator<Item = (u64, Option<u64>, &'a Fix)>,
    ) -> Result<Sorted, End> {
        if first_seq == 0 {
            return Err(End::hard(422, "sequence numbers begin at 1"));
        }
        let (mut fixes, mut refusals) =
            (Vec::with_capacity(sent.size_hint().0), Refusals::default());
        let mut settles = Settled { seq: first_seq - 1, submitted: 0 };
        for (courier, route, fix) in sent {
            settles.seq += 1;
            let seq = settles.seq;
            let Some(position) = fix.position(self.speaker.origin) else {
                refusals.add("invalid", seq, Some(courier));
                continue;
            };
            let Ok(courier) = u32::try_from(courier).map(CourierId) else {
                refusals.add("unknown_courier", seq, Some(courier));
                continue;
            };
            let (company, route) = (self.speaker.grant.company, route.map(RouteId));
            fixes.push(SentFix { seq, courier, company, route, position });
            settles.submitted = seq;
        }
        let (reply, _) = self.answers.get_or_insert_with(unbounded_channel);
        let (frame, reply) = (self.line.next_frame(), reply.clone());
        let delivery = Delivery { sender: Some(self.speaker.sender), frame, fixes, reply };
        Ok(Sorted { delivery, settles, refusals })
    }

    /// Gives up what is only of use while something is in flight.
    fn rest(&mut self) {
        if self.pace.in_flight() == 0 {
            self.answers = None;
        }
    }

    /// A part is done, and others may be.
    fn parts_done(&mut self, part: PartDone) {
        self.part_done(part);
        while let Some(part) = self.answers.as_mut().and_then(|(_, done)| done.try_recv().ok()) {
            self.part_done(part);
        }
    }

    fn part_done(&mut self, part: PartDone) {
        let refused = part.refused.into_iter();
        let refused = refused.map(|fix| (fix.seq, fix.courier, fix.reason.name()));
        self.line.part_done(part.frame, refused);
    }
}

/// The next part that is done. May be dropped and called anew.
async fn next_part(answers: &mut Option<Answers>) -> Option<PartDone> {
    match answers {
        Some((_, done)) => done.recv().await,
        None => core::future::pending().await,
    }
}

/// Waits for an instant. A timer is made only when this is asked.
async fn arrives(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => core::future::pending().await,
    }
}

/// Waits until it is time to look again at an ack that is owed.
async fn owed_again() {
    sleep(OWED_AGAIN).await;
}

/// What is said to those for whom there is no room.
const OVERLOADED: &str = "overloaded: send it again after a pause that grows";

/// Read beside a trace of system calls, so a line is one write.
fn trace_ack(speaker: &Speaker, seq: u64) {
    let Sender { id, boot } = speaker.sender;
    let line = format!("ack sender={} boot={boot} seq={seq}\n", id.0);
    // A trace that nobody reads is no reason to serve nobody.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// The routes of a device when it is time to look at them; of others never.
async fn next_routes(routes: &mut Option<RouteNews>) -> Option<Vec<UpcomingRoute>> {
    Some(routes.as_mut()?.next().await)
}

/// How often an ack that is owed is looked at.
const OWED_AGAIN: core::time::Duration = core::time::Duration::from_millis(20);
/// Another stream's frames settle far sooner than this; those of an earlier boot never do.
const OVERTAKEN_AFTER: core::time::Duration = core::time::Duration::from_secs(5);
