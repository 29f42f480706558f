//! The log on stderr, for people or for programs.

use serde_json::{Map, Value};
use std::fmt;
use std::sync::OnceLock;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What a line of the log is.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
	/// For people.
	Text,
	/// An object of JSON: timestamp, level, message and what else was noted.
	Json,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// A line of what a command does: for people the text alone, for programs an object with these fields too.
pub fn tell(message: &str, fields: Value) {
	if FORMAT.get() != Some(&Format::Json) {
		eprintln!("{message}");
		return;
	}
	let mut line = head(&Level::INFO);
	line.insert("message".into(), message.into());
	if let Value::Object(fields) = fields {
		line.extend(fields);
	}
	eprintln!("{}", Value::Object(line));
}

/// What every line for programs has.
fn head(level: &Level) -> Map<String, Value> {
	let mut time = String::new();
	// Writing to a string does not fail.
	let _ = SystemTime.format_time(&mut Writer::new(&mut time));
	Map::from_iter([
		("timestamp".into(), time.into()),
		("level".into(), level.as_str().into()),
	])
}

/// Starts to log what `RUST_LOG` asks for.
pub fn init(format: Format) {
	FORMAT.get_or_init(|| format);
	let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
	let log = tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(std::io::stderr);
	match format {
		Format::Text => log.with_target(false).init(),
		Format::Json => log.event_format(Json).init(),
	}
}

/// tracing-subscriber has this too, behind a feature that builds everything that logs a second time.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
	S: Subscriber + for<'a> LookupSpan<'a>,
	N: for<'a> FormatFields<'a> + 'static,
{
	fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
		let mut line = head(event.metadata().level());
		event.record(&mut Fields(&mut line));
		writeln!(writer, "{}", Value::Object(line))
	}
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
	fn set(&mut self, field: &Field, value: impl Into<Value>) {
		self.0.insert(field.name().to_owned(), value.into());
	}
}

impl Visit for Fields<'_> {
	fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
		self.set(field, format!("{value:?}"));
	}

	fn record_str(&mut self, field: &Field, value: &str) {
		self.set(field, value);
	}

	fn record_u64(&mut self, field: &Field, value: u64) {
		self.set(field, value);
	}

	fn record_i64(&mut self, field: &Field, value: i64) {
		self.set(field, value);
	}

	fn record_f64(&mut self, field: &Field, value: f64) {
		self.set(field, value);
	}

	fn record_bool(&mut self, field: &Field, value: bool) {
		self.set(field, value);
	}
}
