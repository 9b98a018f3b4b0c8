//! A whole daemon in this process, on a directory and free ports, and the binary against it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use doorstep::cli::client::http::Http;
use doorstep::daemon::assemble::Daemon;
use doorstep::daemon::config::Config;
use doorstep::daemon::settings::Settings;
use doorstep::domain::time::Time;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A running daemon with its runtime.
pub struct Whole {
    pub http: SocketAddr,
    pub quic: SocketAddr,
    pub token: String,
    daemon: Daemon,
    pub runtime: Runtime,
}

/// How fast its clock runs, from when.
#[derive(Clone, Copy)]
pub struct Scaled(pub f64, pub Time);

impl Whole {
    /// Starts on a directory that may hold something, at addresses whose ports may be 0.
    pub fn start(directory: &Path, at: (SocketAddr, SocketAddr), clock: Option<Scaled>) -> Self {
        let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
        (config.http.listen, config.quic.listen) = at;
        let mut settings = Settings::new(config).unwrap();
        if let Some(Scaled(scale, start)) = clock {
            settings = settings.with_time(scale, Some(start));
        }
        let runtime = Runtime::new().unwrap();
        let daemon = runtime.block_on(Daemon::start(&settings)).unwrap();
        let kept = directory.join("admin.token");
        let token = std::fs::read_to_string(kept).unwrap().trim().to_owned();
        let (http, quic) = (daemon.http, daemon.quic_address);
        Self { http, quic, token, daemon, runtime }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The API with a token.
    pub fn http_as(&self, token: &str) -> Http {
        Http::new(&self.url(), Some(token.to_owned())).unwrap()
    }

    /// What the API answers to the admin of company 1.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.runtime.block_on(self.http_as(&self.token).get(path)).unwrap()
    }

    /// The binary with these arguments and where the daemon is.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.args(arguments).args(["--into", &self.url(), "--token", &self.token]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the binary prints; it must succeed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        good(self.command(arguments).output().unwrap())
    }

    /// The code and the errors of a binary that must fail.
    #[track_caller]
    pub fn fail(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Ends it in order.
    pub fn stop(self) {
        self.runtime.block_on(self.daemon.stop()).unwrap();
    }
}

/// What a successful run printed.
#[track_caller]
pub fn good(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Ports that the system gives.
pub fn anywhere() -> (SocketAddr, SocketAddr) {
    (([127, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into())
}
