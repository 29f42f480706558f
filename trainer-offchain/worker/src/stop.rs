//! Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use anyhow::{Context, Result};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Exit status of a run that was stopped, as shells give it for SIGINT.
pub const STOPPED: u8 = 130;

/// A flag that a signal sets; by default it never is.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
	/// Starts to listen.
	pub fn listen() -> Result<Self> {
		use tokio::signal::unix::{signal, SignalKind};
		let flag = Arc::new(AtomicBool::new(false));
		let runtime = tokio::runtime::Builder::new_current_thread()
			.enable_all()
			.build()
			.context("signal handler")?;
		let (mut interrupt, mut terminate) = {
			let _inside = runtime.enter();
			let listen = |kind| signal(kind).context("signal handler");
			(listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
		};
		let seen = flag.clone();
		std::thread::spawn(move || {
			runtime.block_on(async {
				loop {
					tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
					if seen.swap(true, Ordering::Relaxed) {
						std::process::exit(i32::from(STOPPED));
					}
					tracing::warn!("stopping after this step; once more to stop at once");
				}
			});
		});
		Ok(Self(flag))
	}

	/// Break once a signal came.
	pub fn asked(&self) -> ControlFlow<()> {
		match self.0.load(Ordering::Relaxed) {
			true => ControlFlow::Break(()),
			false => ControlFlow::Continue(()),
		}
	}
}
