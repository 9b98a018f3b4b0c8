//! What a run costs: the process's own CPU time and resident memory, so that a busy machine
//! disturbs less.

use rustix::time::{ClockId, clock_gettime};

/// CPU seconds of the whole process while the work runs.
pub(super) fn cpu_s_of(work: impl FnOnce()) -> f64 {
    let now_s = || {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
    };
    let start_s = now_s();
    work();
    now_s() - start_s
}

/// Resident memory of the process; none where the system has no such file.
pub(super) fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}
