//! A second process of the same program that reads one file and ends.

use crate::{pdf, ExtractError, MAX_TEXT};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{exit, Command, Stdio};
use std::sync::OnceLock;

/// Set in the environment of the process that reads.
const ASKED: &str = "OPENLEDGER_EXTRACT";
/// Address space of that process, bytes.
const MAX_MEMORY: u64 = 1 << 30;
/// Its processor time, seconds.
const MAX_SECONDS: u64 = 30;
/// How it says that the file cannot be read; the reason is on its output.
const DAMAGED: i32 = 3;
/// How it says that the text is too large.
const TOO_LARGE: i32 = 4;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// To be called first in `main`: from now on PDF is read in a second process of this program. In that process it does
/// that and does not return.
///
/// Without it, as in unit tests, PDF is read in the process itself.
pub fn isolate() {
	if std::env::var_os(ASKED).is_some() {
		read_and_exit();
	}
	if let Ok(program) = std::env::current_exe() {
		let _ = PROGRAM.set(program);
	}
}

pub(crate) fn text(bytes: &[u8]) -> Result<String, ExtractError> {
	let Some(program) = PROGRAM.get() else {
		return pdf::text(bytes);
	};
	let failed = |error: std::io::Error| ExtractError::Damaged(format!("the process that reads it failed: {error}"));
	let mut child = Command::new(program)
		.env_clear()
		.env(ASKED, "pdf")
		.stdin(Stdio::piped())
		.stdout(Stdio::piped())
		.stderr(Stdio::null())
		.spawn()
		.map_err(failed)?;
	let mut output = Vec::new();
	let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
	std::thread::scope(|scope| {
		scope.spawn(move || {
			// A child that ended early says why by its status.
			let _ = stdin.map(|mut stdin| stdin.write_all(bytes));
		});
		let most = MAX_TEXT as u64 + 1;
		stdout.map_or(Ok(0), |stdout| stdout.take(most).read_to_end(&mut output))
	})
	.map_err(failed)?;
	let status = child.wait().map_err(failed)?;
	let text = String::from_utf8_lossy(&output).into_owned();
	match status.code() {
		Some(0) => Ok(text),
		Some(DAMAGED) => Err(ExtractError::Damaged(text)),
		Some(TOO_LARGE) => Err(ExtractError::TooLarge),
		_ => Err(ExtractError::Damaged("reading it takes too much memory or time".into())),
	}
}

fn read_and_exit() -> ! {
	limit(libc::RLIMIT_AS, MAX_MEMORY);
	limit(libc::RLIMIT_CPU, MAX_SECONDS);
	limit(libc::RLIMIT_CORE, 0);
	std::panic::set_hook(Box::new(|_| {}));
	let mut bytes = Vec::new();
	let read = std::io::stdin().read_to_end(&mut bytes);
	let (text, status) = match read.map(|_| pdf::text(&bytes)) {
		Ok(Ok(text)) => (text, 0),
		Ok(Err(ExtractError::Damaged(reason))) => (reason, DAMAGED),
		Ok(Err(ExtractError::TooLarge)) => (String::new(), TOO_LARGE),
		Ok(Err(error)) => (error.to_string(), DAMAGED),
		Err(error) => (error.to_string(), DAMAGED),
	};
	let written = std::io::stdout().write_all(text.as_bytes());
	exit(if written.is_ok() { status } else { 1 });
}

#[cfg(unix)]
fn limit(resource: libc::__rlimit_resource_t, most: u64) {
	let limit = libc::rlimit {
		rlim_cur: most,
		rlim_max: most,
	};
	// SAFETY: reads one struct. Where it is refused, the process is as bounded as its user is.
	unsafe {
		libc::setrlimit(resource, &limit);
	}
}
