//! The preset's council of three, which acts as administrator by motions of two.

use anyhow::{ensure, Result};
use chain_client::{calls, AccountId, Call, Hash, Outcome, Signer, Wait};

use crate::Ledger;

/// Two thirds of Alice, Bob and Charlie.
const THRESHOLD: u32 = 2;

/// Proposes a call, agrees to it, and returns what became of it when the motion was closed.
pub fn carry(ledger: &Ledger, call: Call) -> Result<Outcome> {
	let (alice, bob) = (Signer::from_suri("//Alice")?, Signer::from_suri("//Bob")?);
	let name = call.name;
	let proposed = ledger.submit(&alice, calls::propose(THRESHOLD, call), Wait::InBlock)?;
	let (_, index, motion): (AccountId, u32, Hash) = proposed.field("Council", "Proposed")?;
	let shown = ledger.motion(index, proposed.block_hash)?;
	ensure!(
		shown.contains(name),
		"a motion with the call {name} is shown as {shown}"
	);
	let aye = || calls::council_vote(motion, index, true);
	ledger.submit_each(vec![(&alice, aye()), (&bob, aye())])?;
	let closed = ledger.submit(&alice, calls::council_close(motion, index), Wait::InBlock)?;
	/// The motion's hash, and the first byte of the call's result.
	type Executed = (Hash, u8);
	let executed: Executed = closed.field("Council", "Executed")?;
	ensure!(executed == (motion, 0), "the council's call failed: {executed:?}");
	Ok(closed)
}
