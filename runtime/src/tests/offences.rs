//! Signing two blocks of one slot: reported, slashed, out.

use super::*;
use frame_support::traits::KeyOwnerProofSystem;
use sp_consensus_babe::{AuthorityPair, EquivocationProof, KEY_TYPE};

/// A header of `slot` that `author`, the authority at `index`, signed; `variant` tells it from others.
fn sealed(author: &AuthorityPair, index: u32, slot: Slot, variant: u8) -> Header {
	let pre_digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
		authority_index: index,
		slot,
	});
	let mut header = Header::new(
		System::block_number(),
		Hash::repeat_byte(variant),
		Hash::default(),
		Hash::default(),
		Digest {
			logs: vec![DigestItem::babe_pre_digest(pre_digest)],
		},
	);
	let seal = author.sign(header.hash().as_ref());
	header.digest_mut().push(DigestItem::babe_seal(seal));
	header
}

/// The report of two blocks that `name`, the authority at `index`, made in the current slot.
fn report(name: &str, index: u32) -> UncheckedExtrinsic {
	let author = AuthorityPair::from_string(&format!("//{name}"), None).expect("the derivation is valid");
	let slot = pallet_babe::CurrentSlot::<Runtime>::get();
	let proof = EquivocationProof {
		offender: author.public(),
		slot,
		first_header: sealed(&author, index, slot, 1),
		second_header: sealed(&author, index, slot, 2),
	};
	let owner = Historical::prove((KEY_TYPE, author.public())).expect("it is an authority");
	UncheckedExtrinsic::new_bare(
		pallet_babe::Call::report_equivocation_unsigned {
			equivocation_proof: Box::new(proof),
			key_owner_proof: owner,
		}
		.into(),
	)
}

#[test]
fn equivocation_should_cost_bond_seat_and_slots() {
	chain(presets::LOCAL).execute_with(|| {
		// Not the first session, and not its first block, which rotating fills.
		let session = pallet_authorities::SessionSlots::<Runtime>::get() as u32;
		make_blocks(1, session + 1);
		open_block(session + 2);
		let bob = account("Bob");
		let index = Session::validators()
			.iter()
			.position(|who| *who == bob)
			.expect("Bob is an authority") as u32;
		let bond = Authorities::authority(bob.clone()).bond;
		let treasury = Balances::balance(&TreasuryAccount::get());

		assert_ok!(Executive::apply_extrinsic(report("Bob", index)).expect("the report is valid"));

		let lost = bond - Authorities::authority(bob.clone()).bond;
		// One of four: (3/4)² of the bond.
		assert_eq!(lost, bond * 9 / 16);
		assert_eq!(Balances::balance(&TreasuryAccount::get()), treasury + lost);
		assert!(!Authorities::authority(bob.clone()).listed);
		assert_eq!(
			Session::disabled_validators(),
			vec![index],
			"it makes no block from now on"
		);
		assert!(
			Executive::apply_extrinsic(report("Bob", index)).is_err(),
			"the same is not reported twice"
		);
		check_invariants();

		// The next session's set was chosen before; Bob has a place in it, and makes no block.
		pass_blocks(session);
		assert!(Session::validators().contains(&bob));
		assert_eq!(Session::disabled_validators(), vec![index]);
		pass_blocks(session);
		assert!(!Session::validators().contains(&bob), "it is out");
		assert!(Session::disabled_validators().is_empty());
		assert_eq!(Babe::authorities().len(), 3);
		assert_eq!(Grandpa::grandpa_authorities().len(), 3);
	});
}

#[test]
fn equivocation_should_not_stop_a_chain_of_one() {
	chain(presets::DEV).execute_with(|| {
		make_blocks(1, 21);
		open_block(22);
		let alice = account("Alice");
		assert_ok!(Executive::apply_extrinsic(report("Alice", 0)).expect("the report is valid"));
		let status = Authorities::authority(alice.clone());
		assert!(status.listed, "somebody has to make blocks");
		assert_eq!(status.bond, 0, "but it has lost all that it put up");
		pass_blocks(50);
		assert_eq!(Session::validators(), vec![alice]);
		check_invariants();
	});
}

#[test]
fn slashed_bond_should_stay_until_nothing_can_be_proved() {
	chain(presets::LOCAL).execute_with(|| {
		open_block(1);
		assert_ok!(send("Bob", pallet_authorities::Call::leave {}));
		assert_eq!(
			send("Bob", pallet_authorities::Call::withdraw_bond {}),
			Err(pallet_authorities::Error::<Runtime>::StillSlashable.into())
		);
	});
}
