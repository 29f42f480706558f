//! `hub`: models from the Hugging Face Hub. What reaches it is behind the cargo feature of the same name, so that nothing else
//! of the program depends on a client of it.

#[cfg(feature = "hub")]
mod download;

use anyhow::{ensure, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	#[command(subcommand)]
	command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
	/// Download the files of a model that this program reads, and check them (needs a build with `--features hub`)
	Download(DownloadArgs),
}

#[derive(clap::Args)]
struct DownloadArgs {
	/// The model: OWNER/NAME, of some NAME alone
	name: String,
	/// Branch, tag or commit
	#[arg(long, value_name = "REVISION", default_value = "main")]
	revision: String,
	/// Folder to write; by default the name's last part, in the current folder
	#[arg(long, value_name = "DIR")]
	out: Option<PathBuf>,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let Command::Download(args) = args.command;
	ensure!(
		is_name(&args.name),
		"`{}` is no model's name: expected OWNER/NAME or NAME of letters, digits and `._-`",
		args.name
	);
	ensure!(
		is_path(&args.revision),
		"--revision {}: expected a branch, a tag or a commit",
		args.revision
	);
	let last = args.name.rsplit('/').next().unwrap_or_default();
	let out = args.out.unwrap_or_else(|| PathBuf::from(last));
	super::ensure_new(&out)?;
	download(&args.name, &args.revision, &out)?;
	Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "hub")]
fn download(name: &str, revision: &str, out: &Path) -> Result<()> {
	let done = download::download(name, revision, out);
	let done = anyhow::Context::with_context(done, || format!("{name} at {revision}"))?;
	// As sha256sum writes and checks them.
	for file in &done.files {
		println!("{}  {}", file.sha256, file.name);
	}
	let out = super::show(out);
	let line = format!("{name} at {} is in {out}", done.commit);
	let fields = serde_json::json!({ "name": name, "commit": done.commit, "out": out });
	crate::log::tell(&line, fields);
	Ok(())
}

#[cfg(not(feature = "hub"))]
fn download(name: &str, revision: &str, out: &Path) -> Result<()> {
	anyhow::bail!(
		"{name} at {revision} is not downloaded: this build cannot reach the hub. Build the program with `cargo build --release -p \
		 openledger-trainer --features hub`, or put the model's files into {} by another client",
		super::show(out)
	)
}

/// What can be a part of a path on the hub, and of one here.
fn is_part(part: &str) -> bool {
	let is_safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
	!part.is_empty() && !part.starts_with('.') && part.chars().all(is_safe)
}

fn is_path(text: &str) -> bool {
	text.split('/').all(is_part)
}

fn is_name(text: &str) -> bool {
	is_path(text) && text.split('/').count() <= 2
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn names_should_lead_nowhere_else() {
		for name in ["gpt2", "Qwen/Qwen2.5-0.5B", "a_b/c.d"] {
			assert!(is_name(name), "{name}");
		}
		for name in ["", "/etc", "a/", "a/b/c", "../a", "a/..", "a b", "a?b", "a/b#c", "a\\b"] {
			assert!(!is_name(name), "{name}");
		}
		assert!(is_path("refs/pr/1") && !is_path("main?x") && !is_path("../main"));
	}
}
