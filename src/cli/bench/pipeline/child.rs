//! The daemon under test: a process of its own, and what the system says of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::PipelineBenchArgs;
use crate::cli::client::error::ClientError;
use crate::cli::client::http::Http;
use crate::cli::client::target::Target;
use crate::cli::error::CliError;
use crate::cli::stderr::tell;
use crate::daemon::error::DaemonError;
use crate::domain::time::Time;
use crate::feed::cloud_event::iso;

/// A daemon process that serves. It is killed when this is dropped.
pub(super) struct Daemon {
    child: Child,
    pub(super) http: Http,
    pub(super) target: Target,
}

/// What the system has accounted to the process so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_s: f64,
    /// By name of thread, its number left out.
    pub(super) by_thread_s: BTreeMap<String, f64>,
    pub(super) resident_bytes: u64,
}

impl Daemon {
    /// Starts a daemon on a directory, whose clock shows `start` and runs `time_scale` times as
    /// fast.
    pub(super) fn start(
        args: &PipelineBenchArgs,
        directory: &Path,
        time_scale: f64,
        start: Time,
    ) -> Result<Self, CliError> {
        let system = |source| CliError::from(DaemonError::System(source));
        let config = directory.join("bench.toml");
        let text = format!("[node]\ndurability = \"{}\"\n", args.durability.name());
        fs::write(&config, text).map_err(system)?;
        let program = std::env::current_exe().map_err(system)?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(directory)
            .args(["--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"])
            .args(["--time-scale", &time_scale.to_string(), "--time-start", &iso(start)])
            .stderr(Stdio::piped())
            .spawn()
            .map_err(system)?;
        let heard = child.stderr.take().map(BufReader::new);
        let mut lines = heard.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
        let mut told = BTreeMap::new();
        let is_ready = lines.by_ref().any(|line| {
            let mut words = line.split_whitespace();
            if let (Some(key), Some(value)) = (words.next(), words.next()) {
                told.insert(key.to_owned(), value.to_owned());
            }
            line == "ready"
        });
        // What it says later is passed on.
        std::thread::spawn(move || lines.for_each(|line| tell(format_args!("{line}"))));
        let told = |key: &str| told.get(key).map_or("", String::as_str);
        let address: Option<SocketAddr> = told("quic").parse().ok();
        let Some(address) = address.filter(|_| is_ready) else {
            // It has ended, or is of no use.
            let _ = child.kill();
            let _ = child.wait();
            return Err(CliError::Argument("the daemon does not start".to_owned()));
        };
        let http = Http::new(told("http"), None)?;
        let target = Target::pinned(address, told("fingerprint"))?;
        Ok(Self { child, http, target })
    }

    /// Its number, for a profiler.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> Usage {
        let directory = format!("/proc/{}", self.child.id());
        let mut usage = Usage { cpu_s: cpu(&directory).1, ..Usage::default() };
        for task in fs::read_dir(format!("{directory}/task")).into_iter().flatten().flatten() {
            let (name, cpu_s) = cpu(&task.path().to_string_lossy());
            let name = name.trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '-');
            *usage.by_thread_s.entry(name.to_owned()).or_default() += cpu_s;
        }
        let status = fs::read_to_string(format!("{directory}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        usage.resident_bytes = kib.unwrap_or(0_u64) * 1024;
        usage
    }

    /// Its counters by name.
    pub(super) async fn metrics(&self) -> Result<BTreeMap<String, f64>, ClientError> {
        let text = self.http.text("/metrics").await?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let counters = lines.filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.strip_prefix("doorstep_")?.to_owned(), value.parse().ok()?))
        });
        Ok(counters.collect())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Its directory is thrown away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of a process.
pub(in crate::cli::bench) fn cpu_s(process: u32) -> f64 {
    cpu(&format!("/proc/{process}")).1
}

/// Name and CPU seconds of a process or thread, as `stat` in its directory says.
fn cpu(directory: &str) -> (String, f64) {
    let stat = fs::read_to_string(format!("{directory}/stat")).unwrap_or_default();
    let (name, rest) = stat.rsplit_once(") ").unwrap_or_default();
    let name = name.split_once('(').map_or("", |(_, name)| name);
    // The state is the first field of the rest; user and system time are the 12th and 13th.
    let ticks = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    (name.to_owned(), ticks.sum::<f64>() / TICKS_PER_S)
}

/// Of the clock in which Linux accounts CPU time to processes.
const TICKS_PER_S: f64 = 100.0;
