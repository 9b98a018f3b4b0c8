//! Redis under test: a process of its own on a socket in a temporary directory, one key of stops
//! per courier, and a script that tells who entered and who left.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::cli::bench::pipeline::PipelineBenchArgs;
use crate::cli::bench::pipeline::child::cpu_s;
use crate::cli::bench::pipeline::prepared::{Scratch, WARM_UP_TICKS};
use crate::cli::bench::workload::{Report, Workload};
use crate::cli::error::CliError;
use crate::cli::serve::runtime;
use crate::daemon::error::DaemonError;

/// What a position costs Redis.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RedisMeasured {
    positions: u64,
    positions_per_s: f64,
    pub(super) server_cpu_s_per_million: f64,
    /// Who entered and who left, by the script's own count.
    events: u64,
    /// The same by type, per position.
    events_per_position: BTreeMap<&'static str, f64>,
}

impl RedisMeasured {
    pub(super) fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{} positions, {:.0} a second", self.positions, self.positions_per_s)?;
        writeln!(out, "server cpu {:10.3} s per million positions", self.server_cpu_s_per_million)?;
        writeln!(out, "events     {}", self.events)?;
        for (name, per_position) in &self.events_per_position {
            writeln!(out, "           {per_position:10.4} {name} per position")?;
        }
        Ok(())
    }
}

/// Starts Redis, gives it the stops, and sends whole ticks of positions until the time is over.
pub(super) fn measure_redis(args: &PipelineBenchArgs) -> Result<RedisMeasured, CliError> {
    let scratch = Scratch::new()?;
    let socket = scratch.0.join("redis.sock");
    let spawned = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn();
    let server = Server(spawned.map_err(|error| {
        let advice = "on Debian: apt-get install redis-server";
        CliError::Argument(format!("redis-server cannot be started ({error}); {advice}"))
    })?);
    runtime()?.block_on(async {
        let by = Instant::now() + START_WITHIN;
        let stream = loop {
            match UnixStream::connect(&socket).await {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > by => return Err(failed(error)),
                Err(_) => sleep(LOOK_AGAIN).await,
            }
        };
        let mut line = Line { stream, sent: Vec::new(), count: 0, answers: Vec::new() };
        drive(args, &server, &mut line).await.map_err(failed)
    })
}

async fn drive(
    args: &PipelineBenchArgs,
    server: &Server,
    line: &mut Line,
) -> std::io::Result<RedisMeasured> {
    line.load().await?;
    let mut workload = Workload::new(args.couriers, args.seed);
    for slot in 0..args.couriers {
        let stops = workload.stops_ahead(slot, WARM_UP_TICKS + STOPS_TICKS);
        let mut words = vec!["GEOADD".to_owned(), format!("s:{}", slot + 1)];
        for (number, stop) in stops.iter().enumerate() {
            words.extend([stop.lon().to_string(), stop.lat().to_string(), number.to_string()]);
        }
        line.put(&words);
        if slot % PIPELINE == 0 {
            line.exchange().await?;
        }
    }
    line.exchange().await?;
    let mut reports = Vec::new();
    for _ in 0..WARM_UP_TICKS {
        workload.tick(&mut reports);
        line.tick(&reports).await?;
    }
    let (began, before) = (Instant::now(), cpu_s(server.0.id()));
    let (mut positions, mut events) = (0, 0);
    while began.elapsed().as_secs_f64() < args.seconds {
        workload.tick(&mut reports);
        events += line.tick(&reports).await?;
        positions += reports.len() as u64;
    }
    let cpu_s = cpu_s(server.0.id()) - before;
    Ok(RedisMeasured {
        positions,
        positions_per_s: positions as f64 / began.elapsed().as_secs_f64(),
        server_cpu_s_per_million: cpu_s * 1e6 / positions.max(1) as f64,
        events: events / EXIT + events % EXIT,
        events_per_position: BTreeMap::from([
            ("enter", (events % EXIT) as f64 / positions.max(1) as f64),
            ("exit", (events / EXIT) as f64 / positions.max(1) as f64),
        ]),
    })
}

/// A connection on which commands are sent many at a time.
struct Line {
    stream: UnixStream,
    sent: Vec<u8>,
    /// Commands in it.
    count: usize,
    answers: Vec<u8>,
}

impl Line {
    /// Sends a tick's positions, and gives how many entered and, by [`EXIT`], left.
    async fn tick(&mut self, reports: &[Report]) -> std::io::Result<u64> {
        let mut events = 0;
        for reports in reports.chunks(PIPELINE as usize) {
            for report in reports {
                let (courier, point) = (report.courier.0.to_string(), report.position.point);
                let (lon, lat) = (point.lon().to_string(), point.lat().to_string());
                self.put(&["FCALL", "step", "0", &courier, &lon, &lat]);
            }
            events += self.exchange().await?;
        }
        Ok(events)
    }

    /// Gives Redis the script, as a function: it is named in every call, and never sent again.
    async fn load(&mut self) -> std::io::Result<()> {
        self.put(&["FUNCTION", "LOAD", SCRIPT]);
        self.count = 0;
        self.stream.write_all(&self.sent).await?;
        self.sent.clear();
        self.answers.clear();
        while !self.answers.ends_with(b"\r\n") || self.answers == b"$7\r\n" {
            if self.stream.read_buf(&mut self.answers).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        if self.answers.starts_with(b"-") {
            let problem = String::from_utf8_lossy(&self.answers);
            return Err(std::io::Error::other(format!("Redis: {problem}")));
        }
        Ok(())
    }

    fn put(&mut self, words: &[impl AsRef<str>]) {
        self.count += 1;
        let to = &mut self.sent;
        to.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words.iter().map(AsRef::as_ref) {
            to.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
    }

    /// Sends what was put, and adds up the answers, which are all numbers.
    async fn exchange(&mut self) -> std::io::Result<u64> {
        let due = core::mem::take(&mut self.count);
        self.stream.write_all(&self.sent).await?;
        self.sent.clear();
        self.answers.clear();
        let (mut seen, mut sum, mut at) = (0, 0, 0);
        while seen < due {
            if self.stream.read_buf(&mut self.answers).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            while let Some(end) = self.answers[at..].iter().position(|&byte| byte == b'\n') {
                let text = String::from_utf8_lossy(&self.answers[at..at + end]);
                let number =
                    text.trim().strip_prefix(':').and_then(|text| text.parse::<u64>().ok());
                sum += number.ok_or_else(|| std::io::Error::other(format!("Redis: {text}")))?;
                (at, seen) = (at + end + 1, seen + 1);
            }
        }
        Ok(sum)
    }
}

/// The process, ended with the measurement.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It keeps nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn failed(error: std::io::Error) -> CliError {
    DaemonError::System(error).into()
}

/// Where the courier is; which of its stops are within 100 m; who entered and who left since.
const SCRIPT: &str = "\
#!lua name=fences
redis.register_function('step', function(keys, args)
  redis.call('GEOADD', 'couriers', args[2], args[3], args[1])
  local near = redis.call('GEOSEARCH', 's:' .. args[1],
    'FROMLONLAT', args[2], args[3], 'BYRADIUS', 100, 'm')
  local key = 'in:' .. args[1]
  local before = redis.call('SMEMBERS', key)
  local is, was, told = {}, {}, 0
  for _, stop in ipairs(before) do was[stop] = true end
  for _, stop in ipairs(near) do
    is[stop] = true
    if not was[stop] then
      redis.call('SADD', key, stop)
      redis.call('PUBLISH', 'events', 'enter ' .. args[1] .. ' ' .. stop)
      told = told + 1
    end
  end
  for _, stop in ipairs(before) do
    if not is[stop] then
      redis.call('SREM', key, stop)
      redis.call('PUBLISH', 'events', 'exit ' .. args[1] .. ' ' .. stop)
      told = told + 1000000000
    end
  end
  return told
end)
";
/// What an exit adds to the script's count, in which an entry is 1.
const EXIT: u64 = 1_000_000_000;
/// Commands sent before answers are awaited.
const PIPELINE: u32 = 256;
/// The stops of so many ticks are known to it.
const STOPS_TICKS: u32 = 300;
const START_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
