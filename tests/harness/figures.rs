//! Figures of a benchmark: printed as a table, and written as JSON where asked.
//!
//! Called by: benchmarks. Calls: nothing. Threads: [any].

use std::path::PathBuf;

use serde_json::{Map, Value, json};

/// What a benchmark has measured, in order.
pub struct Figures {
    values: Map<String, Value>,
    file: Option<PathBuf>,
    parts: Vec<String>,
}

impl Figures {
    /// Reads `--json FILE` from the command line, a relative file counting from the workspace's root, and the names of
    /// the parts to measure; without any, all of them.
    ///
    /// # Panics
    /// If `--json` names no file.
    #[must_use]
    pub fn from_arguments() -> Self {
        let mut arguments = std::env::args().skip(1);
        let (mut file, mut parts) = (None, Vec::new());
        while let Some(argument) = arguments.next() {
            if argument == "--json" {
                let name = arguments.next().expect("--json FILE");
                file = Some(crate::fixture::workspace().join(name));
            } else if !argument.starts_with('-') {
                parts.push(argument);
            }
        }
        Self { values: Map::new(), file, parts }
    }

    /// Is this part to be measured?
    #[must_use]
    pub fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// One figure.
    #[expect(clippy::print_stdout, reason = "what a benchmark says is its output")]
    pub fn put(&mut self, key: &str, value: Value) {
        println!("{key:<44} {value}");
        self.values.insert(key.to_owned(), value);
    }

    /// Least, median and greatest of `values`.
    pub fn put_spread(&mut self, key: &str, values: &[f64]) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return };
        let spread = json!({ "min": rounded(*min), "median": rounded(median(values)), "max": rounded(*max) });
        self.put(key, spread);
    }

    /// Writes the file, if one was asked for.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn finish(self) {
        if let Some(file) = self.file {
            let text = serde_json::to_string_pretty(&Value::Object(self.values)).expect("numbers and texts");
            std::fs::write(&file, text + "\n").unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
    }
}

/// Middle value; 0 of nothing.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// To two digits behind the point.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
