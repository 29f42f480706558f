//! The processes of one run: started with their logs in files, ended in reverse order or killed, never left behind.

use std::{
	fs::File,
	os::unix::process::CommandExt,
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	sync::atomic::{AtomicBool, Ordering},
	time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};

/// Set by SIGINT and SIGTERM; every wait looks at it.
static STOP: AtomicBool = AtomicBool::new(false);

/// How long a process may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How often a child is looked at.
pub const POLL: Duration = Duration::from_millis(20);

/// Turns SIGINT and SIGTERM into [`stop_requested`].
pub fn catch_signals() {
	extern "C" fn request_stop(_signal: libc::c_int) {
		STOP.store(true, Ordering::SeqCst);
	}
	for signal in [libc::SIGINT, libc::SIGTERM] {
		// SAFETY: the handler only stores to an atomic, which is async-signal-safe.
		unsafe { libc::signal(signal, request_stop as *const () as libc::sighandler_t) };
	}
}

pub fn stop_requested() -> bool {
	STOP.load(Ordering::SeqCst)
}

/// Makes a child die with this process, however this process dies, and keeps the terminal's Ctrl-C away from it: this
/// process ends its children itself, in order.
pub fn tie_to_parent(command: &mut Command) -> &mut Command {
	let parent = std::process::id();
	// SAFETY: prctl, getppid and setpgid are async-signal-safe, as pre_exec asks.
	unsafe {
		command.pre_exec(move || {
			libc::setpgid(0, 0);
			libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
			// The parent may have died between fork and prctl.
			if libc::getppid() as u32 != parent {
				libc::_exit(1);
			}
			Ok(())
		})
	}
}

struct Process {
	name: String,
	child: Child,
	log: PathBuf,
}

/// All processes started so far. Dropping it kills them all at once: nobody reads what they would still write.
pub struct Processes {
	logs: PathBuf,
	running: Vec<Process>,
}

impl Processes {
	pub fn new(logs: PathBuf) -> Result<Self> {
		std::fs::create_dir_all(&logs).with_context(|| format!("create {}", logs.display()))?;
		Ok(Self {
			logs,
			running: Vec::new(),
		})
	}

	/// Starts `command` with its output in `<logs>/<name>.log`.
	pub fn start(&mut self, name: &str, command: &mut Command) -> Result<()> {
		let log = self.logs.join(format!("{name}.log"));
		let out = File::create(&log).with_context(|| format!("create {}", log.display()))?;
		let err = out.try_clone().context("share the log file")?;
		let child = tie_to_parent(command.stdin(Stdio::null()).stdout(out).stderr(err))
			.spawn()
			.with_context(|| format!("start {name}: {command:?}"))?;
		self.running.push(Process {
			name: name.into(),
			child,
			log,
		});
		Ok(())
	}

	/// The rest of the first line of `name`'s log that contains `marker`, after the marker.
	pub fn wait_for_line(&mut self, name: &str, marker: &str, limit: Duration) -> Result<String> {
		let log = self.logs.join(format!("{name}.log"));
		wait_for(&format!("{name} to say \"{marker}\""), limit, || {
			self.check()?;
			let text = std::fs::read(&log)?;
			// A line without its end is still being written.
			Ok(String::from_utf8_lossy(&text).split_inclusive('\n').find_map(|line| {
				let (_, rest) = line.strip_suffix('\n')?.split_once(marker)?;
				Some(rest.trim().to_string())
			}))
		})
	}

	/// Fails if a process has ended by itself, with the end of its log.
	pub fn check(&mut self) -> Result<()> {
		for process in &mut self.running {
			if let Some(status) = process.child.try_wait()? {
				bail!(
					"{} ended early ({status}); the end of {}:\n{}",
					process.name,
					process.log.display(),
					tail(&process.log)
				);
			}
		}
		Ok(())
	}

	/// Kills a process without a warning, as a crash or the kernel would. Not [`Self::check`]'s business any more.
	pub fn kill(&mut self, name: &str) -> Result<()> {
		let at = self.running.iter().position(|process| process.name == name);
		let mut process = self
			.running
			.remove(at.with_context(|| format!("{name} is not running"))?);
		process.child.kill().with_context(|| format!("kill {name}"))?;
		process
			.child
			.wait()
			.with_context(|| format!("wait for {name} to be dead"))?;
		Ok(())
	}

	/// Ends everything in order, the last started first, and lets each write what it has to.
	pub fn stop_all(&mut self) {
		while let Some(mut process) = self.running.pop() {
			end(&mut process.child);
		}
	}
}

/// Asks a child to end, and kills it if it does not within [`GRACE`].
pub fn end(child: &mut Child) {
	// SAFETY: the id is that of a child not yet waited for, so it cannot have been reused.
	unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) };
	let deadline = Instant::now() + GRACE;
	while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
		std::thread::sleep(POLL);
	}
	let _ = child.kill();
	let _ = child.wait();
}

impl Drop for Processes {
	fn drop(&mut self) {
		for process in &mut self.running {
			let _ = process.child.kill();
		}
		for process in &mut self.running {
			let _ = process.child.wait();
		}
	}
}

/// The end of a log.
pub fn tail(log: &Path) -> String {
	let text = std::fs::read(log).unwrap_or_default();
	let text = String::from_utf8_lossy(&text);
	let lines: Vec<_> = text.lines().collect();
	lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Asks `probe` until it gives something, fails, `limit` has passed, or a stop was requested.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
	let start = Instant::now();
	loop {
		if let Some(found) = probe()? {
			return Ok(found);
		}
		ensure!(!stop_requested(), "stopped by a signal while waiting for {what}");
		ensure!(start.elapsed() < limit, "waited {} s for {what}", limit.as_secs());
		std::thread::sleep(Duration::from_millis(250));
	}
}
