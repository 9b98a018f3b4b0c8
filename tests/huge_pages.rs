//! The daemon begins anew with huge pages of memory where its configuration says so: as the same
//! process, with the same arguments.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories and processes, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod process;
}

use std::path::Path;

use support::process::{Process, directory};

const ANYWHERE: [&str; 4] = ["--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"];

/// What the allocator of a daemon is told, whose configuration says so of huge pages.
fn told_of(directory: &Path, huge_pages: &str) -> Option<String> {
    std::fs::create_dir_all(directory).unwrap();
    let config = directory.join("doorstep.toml");
    std::fs::write(&config, format!("[node]\nhuge_pages = \"{huge_pages}\"\n")).unwrap();
    let mut arguments = vec!["--config", config.to_str().unwrap()];
    arguments.extend(ANYWHERE);
    let daemon = Process::start(directory, &arguments);
    let environment = std::fs::read(format!("/proc/{}/environ", daemon.id())).unwrap();
    daemon.stop();
    let mut pairs = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    pairs.find_map(|pair| pair.strip_prefix("_RJEM_MALLOC_CONF=").map(str::to_owned))
}

#[test]
fn a_daemon_begins_anew_with_huge_pages_where_it_is_told_to() {
    let directory = directory("huge-pages");
    assert_eq!(told_of(&directory, "off"), None);
    assert_eq!(told_of(&directory, "auto"), None, "its fleet is not large");
    assert_eq!(told_of(&directory, "on").as_deref(), Some("thp:always"));
}
