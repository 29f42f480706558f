//! The log on stderr, for people or for programs.

use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
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

/// Starts to log what `RUST_LOG` asks for.
pub fn init(format: Format) {
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
		let mut time = String::new();
		SystemTime.format_time(&mut Writer::new(&mut time))?;
		let mut line = Map::new();
		line.insert("timestamp".into(), time.into());
		line.insert("level".into(), event.metadata().level().as_str().into());
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
