//! Processes from the system's view: processor affinity, resource usage, and limits of open files.
//! Complete on Linux only; other systems support a part of it.

use std::{fs, io, time::Duration};

use rustix::process::{Pid, Resource, getrlimit, setrlimit};

/// Resources used by a process since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of all threads, in user space and in the kernel.
    pub processor: Duration,
    /// Resident memory in bytes.
    pub resident: u64,
    /// Peak resident memory in bytes since the process started.
    pub peak: u64,
}

impl Usage {
    /// Reads Linux's `/proc`; `None` if there is no such process, or no `/proc`.
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        let pid = pid.as_raw_pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        // The second field is the name in parentheses, which may contain anything.
        let (_, fields) = stat.rsplit_once(')')?;
        // Fields 14 and 15 of proc(5); `fields` starts with the third field, the state.
        let mut times = fields.split_ascii_whitespace().skip(14 - 3);
        let mut ticks = || times.next()?.parse::<u64>().ok();
        let ticks = ticks()? + ticks()?;
        let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
        // The high-water mark, in KiB.
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))?;
        let peak: u64 = peak.trim().parse().ok()?;
        let per_second = rustix::param::clock_ticks_per_second();
        Some(Self {
            processor: Duration::from_nanos(ticks * (1_000_000_000 / per_second)),
            resident: pages * rustix::param::page_size() as u64,
            peak: peak << 10,
        })
    }
}

/// Pins this thread to one processor. Threads and processes that it starts later inherit the affinity.
///
/// # Errors
/// If there is no such processor, or the system cannot pin threads.
#[cfg(target_os = "linux")]
pub fn pin(processor: usize) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};

    if processor >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut set = CpuSet::new();
    set.set(processor);
    Ok(sched_setaffinity(None, &set)?)
}

/// Pins this thread to one processor.
///
/// # Errors
/// Always: pinning is not supported on this system.
#[cfg(not(target_os = "linux"))]
pub fn pin(_: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Raises the limit of open files of this process to its maximum, and returns it; `None` if there is no
/// limit.
pub fn raise_file_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If the limit cannot be raised, the old one holds.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_time() {
        let before = Usage::of(rustix::process::getpid()).unwrap();
        // Far more than the system might reclaim in between.
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        let mut after = before;
        while after.processor == before.processor {
            after = Usage::of(rustix::process::getpid()).unwrap();
        }
        assert!(after.resident > before.resident + (32 << 20));
        drop(memory);
        let end = Usage::of(rustix::process::getpid()).unwrap();
        assert!(end.peak > before.resident + (32 << 20));
    }

    #[test]
    fn a_process_that_is_not_there_has_no_usage() {
        assert_eq!(Usage::of(Pid::from_raw(i32::MAX).unwrap()), None);
    }
}
