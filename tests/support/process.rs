//! The daemon as a process of its own, which can be killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::http::{Answer, Asked, ask};

/// `doorstep serve`, killed when it is dropped.
pub struct Process {
    child: Child,
    pub http: SocketAddr,
    pub quic: SocketAddr,
    pub fingerprint: String,
    /// What it said until it was ready.
    pub greeting: String,
}

impl Process {
    /// Starts it with more arguments, and waits until it serves.
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        Self::try_start(directory, arguments).unwrap_or_else(|said| panic!("it ended: {said}"))
    }

    /// The same; what it said, if it ends without serving.
    pub fn try_start(directory: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.arg("serve").arg("--data-dir").arg(directory).args(arguments);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut greeting = String::new();
        for line in lines.by_ref().map_while(Result::ok) {
            greeting.push_str(&line);
            greeting.push('\n');
            if line == "ready" {
                break;
            }
        }
        if !greeting.ends_with("ready\n") {
            let ended = child.wait().expect("it is ours");
            return Err(format!("{greeting}{ended}"));
        }
        // What it says later is read on, so that it never waits for us.
        std::thread::spawn(move || lines.count());
        let said = |key: &str| {
            let line = greeting.lines().find_map(|line| line.trim().strip_prefix(key));
            line.unwrap_or_else(|| panic!("no {key}: {greeting}")).trim().to_owned()
        };
        let http = said("http ");
        let http = http.trim_start_matches("http://").parse().expect("an address");
        let (quic, fingerprint) = (said("quic ").parse().expect("an address"), said("fingerprint"));
        Ok(Self { child, http, quic, fingerprint, greeting })
    }

    /// Starts it anywhere.
    pub fn start_anywhere(directory: &Path) -> Self {
        Self::start(directory, &["--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"])
    }

    /// Kills it as a power cut would, but that the system lives on.
    pub fn kill(mut self) -> (SocketAddr, SocketAddr) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
        (self.http, self.quic)
    }

    /// Tells it to stop, and waits until it has ended well.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().expect("there is a kill");
        assert!(told.success());
        assert!(self.child.wait().expect("it is ours").success());
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        ask(self.http, &Asked { method, path, token: Some(token), body })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory of one test, empty.
pub fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may be left over from an earlier run.
    let _ = std::fs::remove_dir_all(&directory);
    directory
}

/// The first admin token of a data directory.
pub fn admin_token(directory: &Path) -> String {
    let token = std::fs::read_to_string(directory.join("admin.token")).expect("it was made");
    token.trim().to_owned()
}
