//! Processes as the system sees them: on which processor they run, what they have used, how many files
//! they may open. Of other systems than Linux, only what they share with it.

use std::{fs, io, time::Duration};

use rustix::process::{Pid, Resource, getrlimit, setrlimit};

/// What a process has used since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, of all threads, in user space and in the kernel.
    pub processor: Duration,
    /// Bytes of its memory that are resident now.
    pub resident: u64,
    /// Bytes of its memory that were resident at the most since it started.
    pub peak: u64,
}

impl Usage {
    /// Reads Linux's `/proc`; `None` if there is no such process, or no such file.
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        let pid = pid.as_raw_pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        // The name comes second, in parentheses, and may contain anything.
        let (_, fields) = stat.rsplit_once(')')?;
        // Fields 14 and 15 of proc(5), of which the state is the third.
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

/// Keeps this thread on one processor, with the threads and processes that it starts from now on.
///
/// # Errors
/// If there is no such processor, or the system cannot do it.
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

/// Keeps this thread on one processor.
///
/// # Errors
/// Always: this system cannot do it.
#[cfg(not(target_os = "linux"))]
pub fn pin(_: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets this process open as many files as it may at all, and returns how many that is; `None` if there
/// is no limit.
pub fn raise_file_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it cannot be raised, the old limit holds.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_time() {
        let before = Usage::of(rustix::process::getpid()).unwrap();
        // Far more than what the system might take back meanwhile.
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
