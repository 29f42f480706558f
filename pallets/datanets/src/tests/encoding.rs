//! What is stored, byte by byte: a change of these is a migration.

use crate::{Access, Checkpoint, DatanetParams, Deposit, Hold};
use codec::{Decode, Encode};
use openledger_primitives::{
	format::{Format, FormatSet, Modality},
	item::{Content, Datanet, Exclusion, ExclusionReason, Item, Neighbours, Outcome, Policy, VersionEntry},
	payload::{CidCodec, Payload},
	quota::DayUse,
	rank::Standing,
	vote::Reason,
};

type Account = [u8; 32];

const ONES: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const TWOS: &str = "0202020202020202020202020202020202020202020202020202020202020202";
const THREES: &str = "0303030303030303030303030303030303030303030303030303030303030303";

/// Compares the encoding with the fields' bytes in hexadecimal, and reads it back.
fn assert_stored<V: Encode + Decode + PartialEq + core::fmt::Debug>(value: V, fields: &[&str]) {
	let bytes = value.encode();
	let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
	assert_eq!(hex, fields.concat());
	assert_eq!(V::decode(&mut &bytes[..]), Ok(value));
}

#[test]
fn datanets_should_be_stored_as_ever() {
	let policy = Policy {
		max_file_bytes: 1_000,
		min_file_bytes: 10,
		formats: FormatSet::of(&[Format::Png, Format::Bmp]),
		licence: b"MIT".to_vec().try_into().unwrap(),
		restricted: true,
	};
	let datanet: Datanet<Account> = Datanet {
		owner: [1; 32],
		modality: Modality::Image,
		name: b"Birds".to_vec().try_into().unwrap(),
		description: b"#".to_vec().try_into().unwrap(),
		policy,
		closed: false,
		version: 5,
		root: [2; 32],
		points: 7,
		rejected: 3,
		in_review: 2,
		exclusions: 1,
	};
	assert_stored(
		datanet,
		&[
			ONES,
			"01",
			"144269726473",
			"0423",
			// The policy: largest and smallest file, formats, licence, restricted.
			"e8030000",
			"0a000000",
			"1001",
			"0c4d4954",
			"01",
			"00",
			"05000000",
			TWOS,
			"07000000000000000000000000000000",
			"03000000",
			"02000000",
			"01000000",
		],
	);
}

#[test]
fn items_should_be_stored_as_ever() {
	let item: Item<Account> = Item {
		datanet: 6,
		contributor: [1; 32],
		payload: Payload {
			sha256: [2; 32],
			root: [3; 32],
			codec: CidCodec::DagPb,
			size: 1_000,
			format: Format::Pdf,
		},
		possession: Some([1; 32]),
		submitted_at: 9,
		day: 8,
		outcome: Outcome::InReview,
	};
	let before = ["06000000", ONES, TWOS, THREES, "01", "e8030000", "02"];
	let with = |possession: &str, outcome: &'static str| {
		[&before[..], &[possession, "09000000", "08000000", outcome]]
			.concat()
			.concat()
	};
	assert_stored(item.clone(), &[&with(&format!("01{ONES}"), "00")]);
	let accepted = Outcome::Accepted {
		version: 4,
		score: 80,
		units: 1_000,
	};
	let rejected = Outcome::Rejected {
		reason: Reason::Duplicate,
	};
	for (outcome, bytes) in [
		(Outcome::Withdrawn, "01"),
		(accepted, "020400000050e8030000"),
		(rejected, "0304"),
		(Outcome::Expired, "04"),
		(Outcome::Planted, "05"),
	] {
		let decided = Item {
			possession: None,
			outcome,
			..item.clone()
		};
		assert_stored(decided, &[&with("00", bytes)]);
	}
}

#[test]
fn contents_and_versions_should_be_stored_as_ever() {
	let content = Content {
		accepted: Some(5),
		last: None,
		attempts: 2,
	};
	assert_stored(content, &["010500000000000000", "00", "0200"]);
	let neighbours = Neighbours {
		previous: None,
		next: Some(5),
	};
	assert_stored(neighbours, &["00", "010500000000000000"]);
	let entry = VersionEntry {
		item: 5,
		root: [2; 32],
		points: 7,
	};
	assert_stored(entry, &["0500000000000000", TWOS, "07000000000000000000000000000000"]);
	let checkpoint = Checkpoint { version: 4, points: 7 };
	assert_stored(checkpoint, &["04000000", "07000000000000000000000000000000"]);
	let exclusion = Exclusion {
		version: 4,
		item: 5,
		reason: ExclusionReason::Licence,
	};
	assert_stored(exclusion, &["04000000", "0500000000000000", "01"]);
}

#[test]
fn ledgers_should_be_stored_as_ever() {
	let deposit: Deposit<Account> = Deposit {
		who: [1; 32],
		amount: 7,
	};
	let deposit_bytes = [ONES, "07000000000000000000000000000000"].concat();
	assert_stored(deposit.clone(), &[&deposit_bytes]);
	let access = Access {
		until: Some(9),
		deposit,
	};
	assert_stored(access, &["0109000000", &deposit_bytes]);
	let hold = Hold {
		amount: 7,
		until_millis: 9,
	};
	assert_stored(hold, &["07000000000000000000000000000000", "0900000000000000"]);
	let standing = Standing {
		accepted: 4,
		rejected: 3,
		score_sum: 9,
	};
	assert_stored(standing, &["04000000", "03000000", "0900000000000000"]);
	let used = DayUse {
		day: 8,
		bytes: 1_000,
		files: 3,
	};
	assert_stored(used, &["08000000", "e8030000", "03000000"]);
}

#[test]
fn params_should_be_stored_as_ever() {
	let params = DatanetParams {
		contributor_hold: 1,
		hold_days: 2,
		review_fee_base: 3,
		review_fee_per_kib: 4,
		datanet_deposit: 5,
		access_deposit: 6,
		..DatanetParams::default()
	};
	let mut fields = vec!["80969800", "80969800", "14000000", "80969800"];
	fields.extend(["01000000000000000000000000000000", "02000000"]);
	fields.extend(["03000000000000000000000000000000", "04000000000000000000000000000000"]);
	fields.extend(["05000000000000000000000000000000", "06000000000000000000000000000000"]);
	assert_stored(params, &fields);
}
