//! The genesis of a network of one's own, from a description that its founders write together: only public keys are in it. Nobody
//! is root there.

use super::*;
use crate::configs::MaxAuthorities;
use frame_support::traits::Get;
use pallet_authorities::AuthorityParams;
use serde::Deserialize;
use std::{collections::BTreeSet, fmt};

/// What founders agree on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
	/// How the network is called.
	pub name: String,
	/// Short name without spaces: databases lie in a folder of this name.
	pub id: String,
	/// Addresses where new nodes find others, as `/ip4/…/tcp/…/p2p/…`.
	#[serde(default)]
	pub bootnodes: Vec<String>,
	/// Milliseconds of a slot, even.
	#[serde(default = "slot_millis")]
	pub slot_millis: u64,
	/// Slots of a session.
	#[serde(default = "session_blocks")]
	pub session_blocks: u64,
	/// Blocks that an upgrade waits, while a third of the council can veto it.
	#[serde(default = "upgrade_delay")]
	pub upgrade_delay: u32,
	/// Who makes the first blocks.
	pub authorities: Vec<Authority>,
	/// Who governs.
	pub council: Vec<AccountId>,
	/// Who judges from the first block on.
	#[serde(default)]
	pub validators: Vec<Validator>,
	/// Who has how much. Bonds and stakes are taken from it.
	pub endowments: Vec<Endowment>,
	/// What the treasury has, OPEN; the pot of the rewards has the rest.
	#[serde(default = "treasury")]
	pub treasury: u64,
}

/// An authority's account and public keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
	/// Bonds, and answers for what the keys sign.
	pub account: AccountId,
	/// Authors blocks, sr25519.
	pub babe: sp_consensus_babe::AuthorityId,
	/// Finalizes blocks, ed25519.
	pub grandpa: sp_consensus_grandpa::AuthorityId,
}

/// A validator, who judges everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
	pub account: AccountId,
	/// OPEN.
	pub stake: u64,
}

/// What an account has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endowment {
	pub account: AccountId,
	/// OPEN.
	pub amount: u64,
}

fn slot_millis() -> u64 {
	pallet_authorities::DEFAULT_SLOT_MILLIS
}

fn session_blocks() -> u64 {
	pallet_authorities::DEFAULT_SESSION_BLOCKS
}

fn upgrade_delay() -> u32 {
	pallet_authorities::DEFAULT_UPGRADE_DELAY
}

fn treasury() -> u64 {
	u64::try_from(TREASURY_ENDOWMENT / OPEN).expect("there is less OPEN than that; qed")
}

/// Why a description makes no genesis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NetworkError {
	/// Nobody would make blocks.
	NoAuthorities,
	/// Nobody could govern.
	NoCouncil,
	/// One of a kind is named twice: `.0` says what it is.
	NamedTwice(&'static str, AccountId),
	/// There are more than the runtime takes: what, and how many it takes.
	TooMany(&'static str, u32),
	/// An account has less than its bond and stake and something to pay fees with: account, what it has, what it needs.
	TooPoor(AccountId, Balance, Balance),
	/// A stake below the least.
	StakeTooLow(AccountId, Balance),
	/// More is given out than there is.
	TooMuchOpen,
	/// A slot's milliseconds must be even and above zero, a session's blocks above zero and seeds and commits must fit in.
	Pace(String),
	/// An account for development, whose key everybody has.
	KnownKey(AccountId),
}

impl fmt::Display for NetworkError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let open = |plancks: &Balance| plancks / OPEN;
		match self {
			Self::NoAuthorities => write!(f, "`authorities` is empty: nobody would make blocks"),
			Self::NoCouncil => write!(f, "`council` is empty: nobody could govern"),
			Self::NamedTwice(what, who) => write!(f, "{who} is named twice in `{what}`"),
			Self::TooMany(what, most) => write!(f, "`{what}` takes {most} at most"),
			Self::TooPoor(who, has, needs) => write!(
				f,
				"{who} is endowed with {} OPEN and needs {}, bond, stake and one for fees: add it to `endowments`",
				open(has),
				open(needs)
			),
			Self::StakeTooLow(who, least) => write!(f, "{who} stakes less than {} OPEN", open(least)),
			Self::TooMuchOpen => write!(
				f,
				"endowments and treasury are more than {} OPEN",
				TOTAL_ISSUANCE / OPEN
			),
			Self::Pace(why) => write!(f, "{why}"),
			Self::KnownKey(who) => write!(f, "{who} is a development account, whose secret key everybody has"),
		}
	}
}

impl std::error::Error for NetworkError {}

impl Network {
	/// The genesis as a JSON patch over the default one.
	pub fn genesis(&self) -> Result<serde_json::Value, NetworkError> {
		self.check()?;
		let endowments = self
			.endowments
			.iter()
			.map(|endowment| (endowment.account.clone(), plancks(endowment.amount)))
			.collect();
		let balances = share_out(endowments, plancks(self.treasury)).ok_or(NetworkError::TooMuchOpen)?;
		Ok(build_struct_json_patch!(RuntimeGenesisConfig {
			balances: BalancesConfig { balances },
			authorities: AuthoritiesConfig {
				authorities: self
					.authorities
					.iter()
					.map(|authority| authority.account.clone())
					.collect::<Vec<_>>(),
				slot_millis: self.slot_millis,
				session_blocks: self.session_blocks,
				upgrade_delay: self.upgrade_delay,
			},
			babe: BabeConfig {
				epoch_config: BABE_GENESIS_EPOCH_CONFIG
			},
			session: SessionConfig {
				keys: self
					.authorities
					.iter()
					.map(|Authority { account, babe, grandpa }| {
						let keys = SessionKeys {
							babe: babe.clone(),
							grandpa: grandpa.clone(),
						};
						(account.clone(), account.clone(), keys)
					})
					.collect::<Vec<_>>(),
			},
			council: CouncilConfig {
				members: self.council.clone()
			},
			validation: ValidationConfig {
				validators: self
					.validators
					.iter()
					.map(|Validator { account, stake }| (
						account.clone(),
						plancks(*stake),
						ModalitySet::of(&Modality::ALL)
					))
					.collect::<Vec<_>>(),
			},
		}))
	}

	/// Says what is wrong before the genesis builder panics over it.
	fn check(&self) -> Result<(), NetworkError> {
		if self.authorities.is_empty() {
			return Err(NetworkError::NoAuthorities);
		}
		if self.council.is_empty() {
			return Err(NetworkError::NoCouncil);
		}
		let authorities = || self.authorities.iter().map(|authority| &authority.account);
		let validators = || self.validators.iter().map(|validator| &validator.account);
		let most = <MaxAuthorities as Get<u32>>::get();
		distinct("authorities", authorities(), most)?;
		distinct(
			"council",
			self.council.iter(),
			<<Runtime as pallet_collective::Config>::MaxMembers as Get<u32>>::get(),
		)?;
		distinct("validators", validators(), u32::MAX)?;
		distinct(
			"endowments",
			self.endowments.iter().map(|endowment| &endowment.account),
			u32::MAX,
		)?;
		for authority in &self.authorities {
			let known = AUTHORITY_KEYS.iter().any(|(babe, grandpa)| {
				authority.babe == babe.public().into() || authority.grandpa == grandpa.public().into()
			});
			if known {
				return Err(NetworkError::KnownKey(authority.account.clone()));
			}
		}
		let known = balances();
		for who in authorities().chain(&self.council).chain(validators()) {
			if known.iter().any(|(account, _)| account == who) {
				return Err(NetworkError::KnownKey(who.clone()));
			}
		}
		self.check_pace()?;
		self.check_means()
	}

	fn check_pace(&self) -> Result<(), NetworkError> {
		if self.slot_millis < 2 || !self.slot_millis.is_multiple_of(2) {
			return Err(NetworkError::Pace("`slotMillis` must be even and above zero".into()));
		}
		if self.upgrade_delay == 0 {
			return Err(NetworkError::Pace("`upgradeDelay` must be above zero".into()));
		}
		let court = CourtParams::default();
		let least = u64::from(court.seed_delay) + u64::from(court.commit_blocks);
		if self.session_blocks < least {
			return Err(NetworkError::Pace(format!(
				"`sessionBlocks` must be at least {least}: a round's seed and commits have to fit in"
			)));
		}
		Ok(())
	}

	/// Whether those who bond and stake have what they need.
	fn check_means(&self) -> Result<(), NetworkError> {
		let least_stake = CourtParams::default().min_stake;
		for validator in &self.validators {
			if plancks(validator.stake) < least_stake {
				return Err(NetworkError::StakeTooLow(validator.account.clone(), least_stake));
			}
		}
		let bonds = self
			.authorities
			.iter()
			.map(|authority| (&authority.account, AuthorityParams::default().min_bond));
		let stakes = self
			.validators
			.iter()
			.map(|validator| (&validator.account, plancks(validator.stake)));
		let mut needs = std::collections::BTreeMap::<&AccountId, Balance>::new();
		for (who, amount) in bonds.chain(stakes) {
			*needs.entry(who).or_insert(OPEN) += amount;
		}
		for (who, needs) in needs {
			let has = self
				.endowments
				.iter()
				.find(|endowment| endowment.account == *who)
				.map_or(0, |endowment| plancks(endowment.amount));
			if has < needs {
				return Err(NetworkError::TooPoor(who.clone(), has, needs));
			}
		}
		Ok(())
	}
}

fn plancks(open: u64) -> Balance {
	Balance::from(open) * OPEN
}

fn distinct<'a>(
	what: &'static str,
	accounts: impl Iterator<Item = &'a AccountId>,
	most: u32,
) -> Result<(), NetworkError> {
	let mut seen = BTreeSet::new();
	for who in accounts {
		if !seen.insert(who) {
			return Err(NetworkError::NamedTwice(what, who.clone()));
		}
	}
	if seen.len() > most as usize {
		return Err(NetworkError::TooMany(what, most));
	}
	Ok(())
}
