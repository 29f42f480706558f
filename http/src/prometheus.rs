//! Prometheus' text format.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::{Display, Write};

/// Metrics of one program, as text.
pub struct Exposition {
	prefix: &'static str,
	text: String,
}

impl Exposition {
	/// Without any; their names will start with `prefix` and an underscore.
	pub fn new(prefix: &'static str) -> Self {
		Self {
			prefix,
			text: String::new(),
		}
	}

	/// What only grows.
	pub fn counter(&mut self, name: &str, help: &str, value: impl Display) {
		self.head(name, "counter", help);
		self.line(name, "", value);
	}

	/// What goes up and down.
	pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
		self.head(name, "gauge", help);
		self.line(name, "", value);
	}

	/// A counter for each value of a label.
	pub fn counters<'a>(
		&mut self,
		name: &str,
		help: &str,
		label: &str,
		values: impl IntoIterator<Item = (&'a str, u64)>,
	) {
		self.head(name, "counter", help);
		for (value, count) in values {
			let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
			self.line(name, &format!("{{{label}=\"{value}\"}}"), count);
		}
	}

	/// The text so far.
	pub fn text(&self) -> &str {
		&self.text
	}

	// Writing to a string does not fail.
	fn head(&mut self, name: &str, kind: &str, help: &str) {
		let prefix = self.prefix;
		let _ = write!(
			self.text,
			"# HELP {prefix}_{name} {help}.\n# TYPE {prefix}_{name} {kind}\n"
		);
	}

	fn line(&mut self, name: &str, labels: &str, value: impl Display) {
		let _ = writeln!(self.text, "{}_{name}{labels} {value}", self.prefix);
	}
}

impl IntoResponse for Exposition {
	fn into_response(self) -> Response {
		([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], self.text).into_response()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn labels_should_be_escaped() {
		let mut text = Exposition::new("a");
		text.counters("b_total", "Of b", "why", [("x\"\\\n", 2), ("y", 1)]);
		assert_eq!(
			text.text(),
			"# HELP a_b_total Of b.\n# TYPE a_b_total counter\na_b_total{why=\"x\\\"\\\\\\n\"} 2\na_b_total{why=\"y\"} 1\n"
		);
	}
}
