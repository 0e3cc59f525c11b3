//! Tests that need a process of their own, from within a binary of many tests.
//!
//! Such a test begins with a call that runs the same test once more in a child process and returns true only there:
//!
//! ```ignore
//! #[test]
//! fn nothing_else_allocates() {
//!     if !process::alone(nothing_else_allocates) {
//!         return;
//!     }
//!     // Here nothing else runs.
//! }
//! ```

use std::{
    any,
    env::{self, VarError},
    process::Command,
};

/// Names the test that a child process was started for.
const VARIABLE: &str = "TESTKIT_ALONE";

/// Runs `test`, which is the caller, in a child process. Returns true in the child, false in the parent.
///
/// # Panics
/// In the parent, if the test fails in the child.
#[must_use]
pub fn alone<T: Fn()>(test: T) -> bool {
    is_child(&test) || {
        run_child(&test, Command::new(this_program()));
        false
    }
}

/// [`alone`] with a limit of open files for the child.
///
/// # Panics
/// As [`alone`].
#[cfg(unix)]
#[must_use]
pub fn with_descriptors<T: Fn()>(limit: usize, test: T) -> bool {
    is_child(&test) || {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script]).arg(this_program());
        run_child(&test, shell);
        false
    }
}

fn this_program() -> std::path::PathBuf {
    env::current_exe().expect("this program has a path")
}

/// The name of a test as the harness has it: its path without the crate.
fn name<T>(_: &T) -> &'static str {
    let path = any::type_name::<T>();
    path.split_once("::").expect("a function is in a crate").1
}

fn is_child<T: Fn()>(test: &T) -> bool {
    match env::var(VARIABLE) {
        Ok(child) => child == name(test),
        Err(VarError::NotPresent | VarError::NotUnicode(_)) => false,
    }
}

fn run_child<T: Fn()>(test: &T, mut program: Command) {
    let name = name(test);
    let output = program
        .args(["--exact", "--nocapture", "--test-threads", "1", name])
        .env(VARIABLE, name)
        .output()
        .expect("this program runs once more");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
