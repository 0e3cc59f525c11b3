//! The programs that compare and hold, in the small.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command, Output},
};

/// A directory of a test's own, which is removed with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("bench-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bench(arguments: &str, out: &Directory) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments.split(' '))
        .arg("--out")
        .arg(&out.0)
        .output()
        .unwrap()
}

#[test]
fn a_comparison_has_tables_charts_and_all_measurements() {
    let out = Directory::new("matrix");
    let arguments =
        "matrix --cell 16/200 --only min --only tokio --passes 2 -t 50ms --warm-up 10ms";
    let output = bench(arguments, &out);
    assert!(output.status.success(), "{output:?}");
    let results = out.read("RESULTS.md");
    let header = "| | 16/200/1 | 16/200/16 |";
    assert!(results.contains(header), "{results}");
    for row in [
        "| raw, messages/s |",
        "| min |",
        "| **tokio** |",
        "| **tokio, owned** |",
    ] {
        // The contents of the cells depend on how busy the machine is.
        let line = results.lines().find(|line| line.starts_with(row));
        assert_eq!(line.expect(row).matches('|').count(), 4, "{results}");
    }
    assert!(out.read("results/echo.svg").contains("16/200/16"));
    let samples: serde_json::Value =
        serde_json::from_str(&out.read("results/samples.json")).unwrap();
    // raw, min, raw on tokio, tokio, and tokio with owned messages, in two cells and two passes.
    assert_eq!(samples.as_array().unwrap().len(), 20);
}

#[test]
fn bad_neighbours_have_a_table_of_their_own() {
    let out = Directory::new("neighbours");
    let arguments =
        "matrix --cell nobody --cell half-close --only mio --passes 1 -t 50ms --warm-up 10ms";
    let output = bench(arguments, &out);
    assert!(output.status.success(), "{output:?}");
    let results = out.read("RESULTS.md");
    let header = "| | beside nobody | beside half-close |";
    assert_eq!(results.matches(header).count(), 2, "{results}");
    for row in ["| raw |", "| **mio** |"] {
        let lines = results.lines().filter(|line| line.starts_with(row));
        assert_eq!(lines.count(), 2, "ratios and times: {results}");
    }
}

#[test]
fn many_connections_are_spread_over_processes_and_addresses() {
    let out = Directory::new("million");
    let output = bench("million --connections 50 --each 20 --every 200ms", &out);
    assert!(output.status.success(), "{output:?}");
    let outcome = out.read("results/million.md");
    assert!(outcome.contains("3 server processes (`mio`)"), "{outcome}");
    assert!(
        outcome.contains("| opened, held to the end, failed | 50, 50, 0 |"),
        "{outcome}"
    );
}
