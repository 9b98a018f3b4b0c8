//! Where results or words can go nowhere, a command does not panic: a closed stdout ends it in
//! silence, a full one with an error, and whatever stderr is like, the work is done.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_types, reason = "opens the device that is always full")]

use std::fs::OpenOptions;
use std::io::{Read, pipe};
use std::process::{Command, Stdio};

const DAY: [&str; 5] =
    ["replay", "--plan", "configs/demo/plan.json", "--positions", "configs/demo/positions.csv"];

fn replay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(DAY).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_replay_does_its_work_though_stderr_cannot_be_written() {
    let told = replay().output().unwrap().stdout;
    assert!(!told.is_empty());
    for stderr in [closed(), full()] {
        let output = replay().stderr(stderr).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout, told);
    }
    let failed = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(["check-config", "--plan", "nowhere.json"])
        .stderr(full())
        .status()
        .unwrap();
    assert_eq!(failed.code(), Some(1), "the failure is none of the kind that panics");
}

#[test]
fn a_closed_stdout_is_no_failure_and_a_full_one_is() {
    assert_eq!(replay().stdout(closed()).output().unwrap().status.code(), Some(0));
    let output = replay().stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("failed to write the results"), "{told}");

    // Both at once: as after `2>&1 | head -1`.
    let (mut reader, writer) = pipe().unwrap();
    let mut child = replay().stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    reader.read_exact(&mut [0; 1]).unwrap();
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
