//! The genesis of a network of one's own.

use super::*;
use presets::network::{Authority, Endowment, Network, NetworkError, Validator};
use sp_core::ed25519;

fn secret(name: &str) -> Pair {
	Pair::from_string(&format!("//its own//{name}"), None).expect("the derivation is valid")
}

fn who(name: &str) -> AccountId {
	secret(name).public().into()
}

/// Two authorities, three councillors, one validator.
fn network() -> Network {
	let authority = |name: &str| Authority {
		account: who(name),
		babe: secret(&format!("{name}//babe")).public().into(),
		grandpa: ed25519::Pair::from_string(&format!("//its own//{name}"), None)
			.expect("the derivation is valid")
			.public()
			.into(),
	};
	let endow = |name: &str, amount| Endowment {
		account: who(name),
		amount,
	};
	Network {
		name: "Ours".into(),
		id: "ours".into(),
		bootnodes: vec![],
		slot_millis: 6_000,
		session_blocks: 600,
		upgrade_delay: 100_800,
		authorities: vec![authority("one"), authority("two")],
		council: vec![who("a"), who("b"), who("c")],
		validators: vec![Validator {
			account: who("judge"),
			stake: 20_000,
		}],
		endowments: vec![
			endow("one", 60_000),
			endow("two", 60_000),
			endow("judge", 20_001),
			endow("a", 1_000),
		],
		treasury: 50_000_000,
	}
}

#[test]
fn network_should_start_without_root_and_known_keys() {
	chain_of(network().genesis().expect("the network is described well")).execute_with(|| {
		check_invariants();
		assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
		assert_eq!(Session::validators(), vec![who("one"), who("two")]);
		assert_eq!(Authorities::authority(who("one")).bond, 50_000 * OPEN);
		assert_eq!(pallet_collective::Members::<Runtime>::get().len(), 3);
		assert_eq!(pallet_validation::Validators::<Runtime>::iter().count(), 1);
		for (name, key) in presets::DEV_ACCOUNTS {
			assert_eq!(Balances::total_balance(&key.into()), 0, "{name}");
		}
		for name in ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"] {
			assert_eq!(Balances::total_balance(&account(name)), 0, "{name}");
		}
		make_blocks(1, 3);
	});
}

#[test]
fn description_should_be_read_from_json() {
	let json = serde_json::json!({
		"name": "Ours",
		"id": "ours",
		"authorities": [{
			"account": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
			"babe": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
			"grandpa": "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu",
		}],
		"council": ["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"],
		"endowments": [{ "account": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "amount": 60000 }],
	});
	let network: Network = serde_json::from_value(json).expect("the description is complete");
	assert_eq!(network.treasury, 50_000_000);
	assert_eq!(network.slot_millis, 6_000);
	assert_eq!(network.genesis(), Err(NetworkError::KnownKey(account("Alice"))));
}

/// Changes the network so that it makes no genesis.
type Damage = fn(&mut Network);

#[test]
fn network_should_be_refused_when_it_cannot_work() {
	let cases: [(Damage, NetworkError); 14] = [
		(|network| network.authorities.clear(), NetworkError::NoAuthorities),
		(|network| network.council.clear(), NetworkError::NoCouncil),
		(
			|network| network.council.push(who("a")),
			NetworkError::NamedTwice("council", who("a")),
		),
		(
			|network| network.authorities[1].account = who("one"),
			NetworkError::NamedTwice("authorities", who("one")),
		),
		(
			|network| network.validators.push(network.validators[0].clone()),
			NetworkError::NamedTwice("validators", who("judge")),
		),
		(
			|network| network.endowments.push(network.endowments[0].clone()),
			NetworkError::NamedTwice("endowments", who("one")),
		),
		(
			|network| network.council = (0..33).map(|n| who(&format!("{n}"))).collect(),
			NetworkError::TooMany("council", 32),
		),
		(
			|network| network.endowments[0].amount = 50_000,
			NetworkError::TooPoor(who("one"), 50_000 * OPEN, 50_001 * OPEN),
		),
		(
			|network| network.validators[0].stake = 1,
			NetworkError::StakeTooLow(who("judge"), 1_000 * OPEN),
		),
		(|network| network.treasury = 1_000_000_000, NetworkError::TooMuchOpen),
		(
			|network| network.slot_millis = 1_001,
			NetworkError::Pace("`slotMillis` must be even and above zero".into()),
		),
		(
			|network| network.upgrade_delay = 0,
			NetworkError::Pace("`upgradeDelay` must be above zero".into()),
		),
		(
			|network| network.session_blocks = 50,
			NetworkError::Pace(
				"`sessionBlocks` must be at least 108: a round's seed and commits have to fit in".into(),
			),
		),
		(
			|network| network.authorities[0].babe = key("Bob").public().into(),
			NetworkError::KnownKey(who("one")),
		),
	];
	for (damage, expected) in cases {
		let mut network = network();
		damage(&mut network);
		let error = network.genesis().expect_err(&format!("{expected:?}"));
		assert_eq!(error, expected);
		assert!(!error.to_string().is_empty());
	}
}
