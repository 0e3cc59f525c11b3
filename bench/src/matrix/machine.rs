//! What the figures were measured with: the machine, the compiler, the versions.

use std::{fs, process::Command};

/// Lines about the machine and the tools; what cannot be found out is left out.
pub(super) fn describe() -> Vec<String> {
    // Not what this thread may use: it is pinned to one of them.
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processors = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    [
        field("/proc/cpuinfo", "model name").map(|model| format!("{processors} × {model}")),
        field("/proc/meminfo", "MemTotal").map(|total| format!("{total} of memory")),
        first_line("/proc/sys/kernel/osrelease").map(|release| format!("Linux {release}")),
        said_by("rustc", "--version"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The value of a field of a file of lines `name: value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.trim().to_owned())
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(str::to_owned)
}

fn said_by(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Names and versions of the packages that `lock`, a `Cargo.lock`, has of `names`.
pub(super) fn versions(lock: &str, names: &[&str]) -> Vec<String> {
    let lines: Vec<&str> = lock.lines().collect();
    let packages = lines.windows(2).filter_map(|pair| {
        let name = pair[0].strip_prefix("name = \"")?.strip_suffix('"')?;
        let version = pair[1].strip_prefix("version = \"")?.strip_suffix('"')?;
        names.contains(&name).then(|| format!("{name} {version}"))
    });
    packages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_a_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2\"\n\n[[package]]\nname = \"b\"\nversion = \"3\"\n";
        assert_eq!(versions(lock, &["b", "c"]), ["b 3"]);
    }
}
