//! Who signs and which calls there are; how a call is drawn that would succeed.

use std::sync::Arc;

use codec::{Decode, DecodeAll};
use openledger_runtime::{RuntimeCall, RuntimeOrigin};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scale_info::{form::PortableForm, Field, PortableRegistry, TypeDef};

use crate::{
	chain::{dry_run, Signer},
	known::{Secret, CALLS, OWN, OWN_PALLETS, WEIGHTS},
	random::Impossible,
};

/// Calls that are chosen, and times that arguments and signer of each are drawn, until one would succeed.
const CHOICES: usize = 8;
const TRIES: usize = 8;

/// A call of the runtime.
struct Listed {
	pallet: String,
	name: String,
	pallet_index: u8,
	call_index: u8,
	fields: Vec<Field<PortableForm>>,
	weight: u32,
}

/// A call that somebody will sign.
pub struct Planned {
	pub call: RuntimeCall,
	pub name: String,
	pub signer: usize,
	secrets: Vec<Secret>,
}

pub struct World {
	pub rng: ChaCha8Rng,
	pub types: Arc<PortableRegistry>,
	/// The type of all calls.
	pub call_type: u32,
	pub signers: Vec<Signer>,
	calls: Vec<Listed>,
	/// Commitments that can be revealed.
	pub(crate) secrets: Vec<Secret>,
	/// Who signs the call that is being made, and whether its arguments depend on that.
	pub(crate) signer: usize,
	pub(crate) bound: bool,
	/// Of the call that is being made: its pallet, what it commits to, and signers whom the records it names know.
	pub(crate) pallet: String,
	pub(crate) committed: Vec<Secret>,
	pub(crate) known: Vec<usize>,
}

impl World {
	pub fn new(seed: u64) -> Self {
		let mut registry = scale_info::Registry::new();
		let call_type = registry.register_type(&scale_info::meta_type::<RuntimeCall>()).id;
		let types = PortableRegistry::from(registry);
		Self {
			rng: ChaCha8Rng::seed_from_u64(seed),
			calls: list(&types, call_type),
			types: Arc::new(types),
			call_type,
			signers: Signer::all(),
			secrets: Vec::new(),
			signer: 0,
			bound: false,
			pallet: String::new(),
			committed: Vec::new(),
			known: Vec::new(),
		}
	}

	/// The names of all calls.
	pub fn names(&self) -> Vec<String> {
		self.calls.iter().map(Listed::full_name).collect()
	}

	/// A call for `signer`, or for anybody: mostly one that would succeed, if one is found in a few draws. A call that cannot
	/// succeed now gives way to another.
	pub fn plan(&mut self, signer: Option<usize>) -> Option<Planned> {
		let careful = self.below(12) > 0;
		let mut planned = None;
		for _ in 0..CHOICES {
			let chosen = self.choose(|_| true);
			for _ in 0..TRIES {
				planned = self.draw(chosen, signer).or(planned);
				let Some(plan) = &planned else {
					continue;
				};
				let origin = RuntimeOrigin::signed(self.signers[plan.signer].account.clone());
				if !careful || dry_run(&plan.call, origin).is_ok() {
					return planned;
				}
			}
		}
		planned
	}

	/// A call of one of our own pallets that would succeed as root, if one is found in a few tries.
	pub fn plan_as_root(&mut self) -> Option<Planned> {
		let chosen = self.choose(|listed| OWN_PALLETS.contains(&listed.pallet.as_str()));
		(0..TRIES)
			.filter_map(|_| self.draw(chosen, None))
			.find(|plan| dry_run(&plan.call, RuntimeOrigin::root()).is_ok())
	}

	/// One draw of arguments and, unless given, signer.
	fn draw(&mut self, chosen: usize, signer: Option<usize>) -> Option<Planned> {
		self.signer = signer.unwrap_or_else(|| self.rng.random_range(0..self.signers.len()));
		self.bound = signer.is_some();
		self.committed.clear();
		self.known.clear();
		let bytes = self.encode(chosen, 0).ok()?;
		let call = RuntimeCall::decode_all(&mut &bytes[..]).ok()?;
		if !self.bound && !self.known.is_empty() && self.below(3) > 0 {
			self.signer = self.known[self.rng.random_range(0..self.known.len())];
		}
		Some(Planned {
			call,
			name: self.calls[chosen].full_name(),
			signer: self.signer,
			secrets: self.committed.clone(),
		})
	}

	/// Takes note of a call that succeeded.
	pub fn succeeded(&mut self, planned: &Planned) {
		self.secrets.extend(planned.secrets.iter().cloned());
		// Older ones are settled.
		let excess = self.secrets.len().saturating_sub(1_000);
		self.secrets.drain(..excess);
	}

	/// Any call, encoded, and its place in the list.
	pub fn random_call(&mut self, depth: u32) -> Result<(Vec<u8>, usize), Impossible> {
		let chosen = self.choose(|_| true);
		Ok((self.encode(chosen, depth)?, chosen))
	}

	fn choose(&mut self, of: impl Fn(&Listed) -> bool) -> usize {
		let weight = |listed: &Listed| if of(listed) { listed.weight } else { 0 };
		let total: u32 = self.calls.iter().map(weight).sum();
		let mut at = self.rng.random_range(0..total);
		let passed = |listed: &Listed| {
			let found = at < weight(listed);
			at = at.saturating_sub(weight(listed));
			found
		};
		self.calls.iter().position(passed).expect("the weights add up")
	}

	fn encode(&mut self, chosen: usize, depth: u32) -> Result<Vec<u8>, Impossible> {
		let listed = &self.calls[chosen];
		self.pallet = listed.pallet.clone();
		let mut bytes = vec![listed.pallet_index, listed.call_index];
		let made = CALLS
			.iter()
			.find(|(pallet, name, _)| *pallet == listed.pallet && *name == listed.name);
		match made {
			Some((_, _, make)) if depth == 0 => bytes.extend(make(self)),
			_ => {
				let fields = listed.fields.clone();
				self.fields(&fields, "", depth, &mut bytes)?;
			}
		}
		Ok(bytes)
	}

	pub fn below(&mut self, end: usize) -> usize {
		self.rng.random_range(0..end)
	}
}

impl Listed {
	fn full_name(&self) -> String {
		format!("{}.{}", self.pallet, self.name)
	}
}

/// All calls, from the description of their type.
fn list(types: &PortableRegistry, call_type: u32) -> Vec<Listed> {
	let variants = |ty: u32| match types.resolve(ty).map(|ty| &ty.type_def) {
		Some(TypeDef::Variant(variants)) => variants.variants.clone(),
		_ => panic!("calls are enums"),
	};
	let mut all = Vec::new();
	for pallet in variants(call_type) {
		for call in variants(pallet.fields[0].ty.id) {
			let is = |entry: &&(&str, &str, u32)| entry.0 == pallet.name && entry.1 == call.name;
			let own = if OWN_PALLETS.contains(&pallet.name.as_str()) {
				OWN
			} else {
				1
			};
			all.push(Listed {
				pallet: pallet.name.clone(),
				weight: WEIGHTS.iter().find(is).map_or(own, |(_, _, weight)| *weight),
				name: call.name,
				pallet_index: pallet.index,
				call_index: call.index,
				fields: call.fields,
			});
		}
	}
	all
}

/// A runtime call that makes all of these calls, whichever fail.
pub fn batch(calls: &[Planned]) -> RuntimeCall {
	let calls = calls.iter().map(|planned| planned.call.clone()).collect();
	pallet_utility::Call::force_batch { calls }.into()
}

/// Decodes bytes as a call; `None` where they are none.
pub fn call_of(bytes: &[u8]) -> Option<RuntimeCall> {
	RuntimeCall::decode(&mut &bytes[..]).ok()
}
