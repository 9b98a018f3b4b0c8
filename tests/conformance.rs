//! Runs a second, independent client against the daemon: Python on `aioquic` and `msgpack`, written
//! from the wire page alone. Where there is no Python or no package index, says so and passes.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "it makes a virtual environment under target/")]

#[path = "support/quic_daemon.rs"]
mod quic_daemon;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use doorstep::ingest::quic::settings::QuicSettings;
use quic_daemon::{Daemon, FOREIGN_COURIER, PLACE};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_written_from_the_wire_page_alone_is_served() {
    let python = match tokio::task::spawn_blocking(environment).await.unwrap() {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let settings = QuicSettings { hello_within: Duration::from_secs(2), ..QuicSettings::default() };
    let daemon = Daemon::start(2, settings).await;
    let mut client = Command::new(python);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/client.py");
    client.arg(script).args(["--host", "127.0.0.1"]);
    for (name, value) in [
        ("--port", daemon.address.port().to_string()),
        ("--fingerprint", daemon.endpoint.fingerprint().to_owned()),
        ("--lat-e7", (PLACE.0 + 10_000).to_string()),
        ("--lon-e7", PLACE.1.to_string()),
        ("--foreign-courier", FOREIGN_COURIER.to_string()),
    ] {
        client.arg(name).arg(value);
    }
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    println!("{}", text(&output));
    assert!(output.status.success());
    daemon.stop().await;
}

/// The interpreter of a virtual environment that has the client's packages.
fn environment() -> Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance-venv");
    let python = directory.join("bin/python");
    let is_ready = || {
        let probe = Command::new(&python).args(["-c", "import aioquic, msgpack"]).output();
        probe.is_ok_and(|output| output.status.success())
    };
    if is_ready() {
        return Ok(python);
    }
    let made = Command::new("python3").arg("-m").arg("venv").arg(&directory).output();
    let made = made.map_err(|error| format!("no python3: {error}"))?;
    if !made.status.success() {
        return Err(format!("no virtual environment: {}", text(&made)));
    }
    let install = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(PACKAGES)
        .output();
    let install = install.map_err(|error| format!("no pip: {error}"))?;
    if is_ready() { Ok(python) } else { Err(format!("no packages: {}", text(&install))) }
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

const PACKAGES: [&str; 2] = ["aioquic==1.7.2", "msgpack==1.2.4"];
