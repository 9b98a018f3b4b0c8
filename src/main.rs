//! The binary: everything but the allocator is in the library.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Gives back what is free within seconds, from whichever thread: a daemon that runs for months
/// holds half of what it would hold with the C library's.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    doorstep::cli::run()
}
