//! The chain that the networks run: the preset `local`, faster.

use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use openledger_test_support::binaries;
use serde_json::{json, Value};

/// How fast a chain is. Windows of the court in active blocks.
pub struct Pace {
	pub slot_millis: u64,
	/// Slots of a session.
	pub session_slots: u64,
	/// Blocks that an upgrade waits.
	pub upgrade_delay: u32,
	pub seed_delay: u32,
	pub commit_blocks: u32,
	pub reveal_blocks: u32,
	pub provisional_blocks: u32,
}

impl Default for Pace {
	/// Windows within which a transaction that is sent on a final block comes into one, however slow the machine: it makes
	/// fewer blocks then.
	fn default() -> Self {
		Self {
			slot_millis: 1_000,
			session_slots: 20,
			upgrade_delay: 20,
			seed_delay: 6,
			commit_blocks: 12,
			reveal_blocks: 20,
			provisional_blocks: 12,
		}
	}
}

/// Writes the chain's raw specification below `folder`. It goes the way of whoever makes a chain of their own: export a
/// preset, edit it, export it raw.
pub fn write(folder: &Path, pace: &Pace) -> Result<PathBuf> {
	let (preset, edited, raw) = (
		folder.join("preset.json"),
		folder.join("edited.json"),
		folder.join("raw.json"),
	);
	export(&["--chain", "local"], &preset)?;
	let mut spec: Value = serde_json::from_str(&std::fs::read_to_string(&preset)?).context("read the preset")?;
	let genesis = spec
		.pointer_mut("/genesis/runtimeGenesis/patch")
		.context("the preset is not a patch of the genesis")?;
	set(genesis, "/authorities/slotMillis", json!(pace.slot_millis))?;
	set(genesis, "/authorities/sessionBlocks", json!(pace.session_slots))?;
	set(genesis, "/authorities/upgradeDelay", json!(pace.upgrade_delay))?;
	set(genesis, "/validation/params/seed_delay", json!(pace.seed_delay))?;
	set(genesis, "/validation/params/commit_blocks", json!(pace.commit_blocks))?;
	set(genesis, "/validation/params/reveal_blocks", json!(pace.reveal_blocks))?;
	set(
		genesis,
		"/validation/params/provisional_blocks",
		json!(pace.provisional_blocks),
	)?;
	// Who bids has the job, and nobody judges a dispute that nobody can judge.
	set(genesis, "/models/params/bid_blocks", json!(0))?;
	set(genesis, "/models/params/judge_commit_blocks", json!(1))?;
	set(genesis, "/models/params/judge_reveal_blocks", json!(1))?;
	set(genesis, "/models/params/correct_blocks", json!(1))?;
	// Known answers count at once.
	set(genesis, "/validation/params/plant_delay", json!(1))?;
	// One round instead of four, so that an item on which nobody votes expires within a test.
	let widths = genesis.pointer("/validation/params/widths/0").cloned();
	set(
		genesis,
		"/validation/params/widths",
		json!([widths.context("the court has no round")?]),
	)?;
	std::fs::write(&edited, serde_json::to_vec(&spec)?)?;
	export(&["--raw", "--chain", &edited.to_string_lossy()], &raw)?;
	Ok(raw)
}

/// Changes a value that is there: what has moved is found, not added.
fn set(spec: &mut Value, path: &str, value: Value) -> Result<()> {
	*spec
		.pointer_mut(path)
		.with_context(|| format!("the preset has no {path}"))? = value;
	Ok(())
}

fn export(arguments: &[&str], to: &Path) -> Result<()> {
	let output = std::process::Command::new(binaries()?.join("openledger-node"))
		.arg("export-chain-spec")
		.args(arguments)
		.arg("--output")
		.arg(to)
		.output()
		.context("run openledger-node; scripts/test.sh builds it")?;
	ensure!(
		output.status.success(),
		"export-chain-spec {arguments:?} failed: {}",
		String::from_utf8_lossy(&output.stderr)
	);
	Ok(())
}
