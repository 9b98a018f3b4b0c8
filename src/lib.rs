//! Doorstep knows when a courier is at the doorstep.
//!
//! Courier devices report positions; a deterministic engine decides, for every order of every
//! route, ARRIVAL, ORDER_VISIT, DEPARTURE, START, ORDER_BECAME_NEXT, the ETA along the sequence and
//! the `nearby` and `shift_start` notifications. This page is the map of the code.
//!
//! # Layers
//!
//! A layer names only lower ranks; layers of equal rank are strangers. `tests/tidy.rs` holds this.
//!
//! | rank | layer | knows |
//! |---|---|---|
//! | 0 | [`domain`] | the words of the field: couriers, orders, routes, positions, events |
//! | 1 | [`engine`] | what is told: inputs in, outputs out; owns the travel-time question |
//! | 2 | [`travel`] | travel times: answers that question from arrays |
//! | 2 | [`query`] | folds: a route's plan against what happened, the status of a delivery |
//! | 2 | [`storage`] | bytes on disk: the journal, the feed log, the tracks, the catalog, and what recovery may trust |
//! | 3 | [`runtime`] | shards, the committer, admission, tokens, the clock, and the handles to them |
//! | 4 | [`feed`] | events on their way out: how they are written, who follows the feed |
//! | 5 | [`ingest`] | positions from the outside: QUIC sessions, recorded days in files |
//! | 5 | [`api`] | HTTP: Track & Trace, the native paths, health and metrics |
//! | 6 | [`daemon`] | configuration, settings, the parts put together |
//! | 7 | [`cli`] | the commands: serve, demo, simulate, tail, replay, evaluate, bench |
//!
//! Without the one cargo feature, `daemon`, only ranks 0 to 2 are built: no clock, no chance, no
//! thread, no file, no environment (`clippy.toml` bans them below the layers that need them).
//!
//! # A position's way
//!
//! A session hands a delivery to [`runtime::intake::Intake`], which checks that the couriers are
//! known, sorts, and puts a part into the mailbox of every shard that has some of them. The shard
//! passes over what it has seen of that sender before;
//! [`runtime::partition::Partitions`] stamps the rest with receive time, partition and sequence.
//! [`engine::Engine::handle`] finds the courier's line by id (an array, no hashing), checks age and
//! source, and moves each active route: the route's own line judges duplicates, late ones and jumps
//! and holds a *clearance*, the distance the courier may go before any fence can be reached, so
//! that most positions look at no order. Orders that are near, and open stays, are stepped in
//! sequence; a visit advances START, the head stop and violations at once. Then the ETA: every ETA
//! of a route is `max(x + a, b)` of one instant `x`, so one comparison tells whether anything has to
//! be told. Notifications come last. Outputs go into the caller's buffer.
//!
//! Inputs, outputs and those who wait walk on as one message to the committer, which appends the
//! inputs to the [`storage::journal`], syncs, appends the outputs to the [`storage::feed_log`], and
//! only then answers. A command goes the same way, as one frame over all its shards. Everybody
//! else reads [`runtime::feed_reader::Feed`] with a position, or asks [`runtime::views::Views`].
//! One more thread reads the journal behind the committer and writes every courier's track
//! ([`storage::tracks`]), for those who ask [`runtime::tracks::Tracks`] where one was.
//!
//! # A document's way
//!
//! A room of [`api`] knows who asks and hands JSON objects to [`runtime::admission`], where one
//! thread merges each into the stored document, checks it by the rules that plan files share
//! ([`runtime::documents`]), and works out the commands for each courier's partition. The whole
//! request becomes one journal frame whose note holds the changed documents; after the sync they
//! are written to [`storage::catalog`], and then the request is answered. What a crash keeps from
//! the catalog is redone from the notes.
//!
//! # Invariants
//!
//! - The same inputs in the same order give the same bytes, at any batching and shard count: state
//!   belongs to couriers, settings are per partition, nothing reads slots or hash order.
//! - Between inputs of a partition, deadlines are stepped by ticks that carry the deadline's own
//!   time; positions never touch the queue of deadlines.
//! - Per told stay exactly one ARRIVAL, at most one ORDER_VISIT, exactly one DEPARTURE once ended.
//! - Every ORDER_VISIT's position lies within `used_mark_delivered_radius` of its order.
//! - An index only preselects; what decides is the one distance of [`domain::geo`].
//! - A [`domain::geo::Point`] holds no NaN, no overrun and never (0, 0).
//! - No unsafe code, but for one prefetch instruction in the engine that changes no state.
//! - What is acknowledged, committed or in the feed is in the journal, and synced.
//! - The feed is a pure function of the journal: positions are dense, ids unique, and recovery
//!   writes the same bytes again, with any number of shards.
//! - A track holds every acknowledged position once: a block names the frame it reaches to, and is
//!   never ahead of the journal's durable end.
//! - A frame is there as a whole or not at all; a delivery's part is in one frame, and so is a
//!   command. So the highest number seen of a sender is never durable without the lower ones.
//!
//! # Who may block on whom
//!
//! Forward only: session -> mailbox -> shard -> committer -> disk. A full mailbox refuses commands
//! and questions; positions wait for their turn, as tasks that hold nothing but the room they were
//! given, shard by shard in one order; what gives way before and after that, [`runtime::overload`]
//! says. A shard waits for the committer, the committer for the disk. The committer takes nothing
//! more from a shard whose part of a command is there until the other shards' parts are; all shards
//! get the commands in one order, so nobody waits in a circle. Questions to a shard are refused
//! when it is busy. Readers of the feed wait for nobody and hold nobody up. Who
//! writes to a full disk waits for room, and meanwhile nothing new is let in. A failure of any thread
//! ends the node: what waited is let go, unanswered. The track writer reads what is journalled and
//! holds nobody up, and neither does who makes the journal's next segment. QUIC has threads of its
//! own, so that no session waits for HTTP. Requests wait for the admission thread, which
//! waits for its frame and asks shards questions; nothing in the node waits for admission.

#[cfg(feature = "daemon")]
pub mod api;
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod domain;
pub mod engine;
#[cfg(feature = "daemon")]
pub mod feed;
#[cfg(feature = "daemon")]
pub mod ingest;
pub mod query;
#[cfg(feature = "daemon")]
pub mod runtime;
#[cfg(feature = "daemon")]
pub mod storage;
pub mod travel;
