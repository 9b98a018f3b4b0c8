//! Lines on stderr that end nothing: where nobody can read them (a closed pipe, a full disk), the
//! work goes on.

use core::fmt;
use std::io::{Write, stderr};

/// Writes one line.
pub(crate) fn tell(line: fmt::Arguments<'_>) {
    // There is nowhere left to say that it failed.
    let _ = stderr().lock().write_fmt(format_args!("{line}\n"));
}
