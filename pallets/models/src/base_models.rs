//! Registering base models, and removing them.

use crate::*;
use codec::Encode;
use frame_support::{
	ensure,
	pallet_prelude::{ConstU32, DispatchResult},
	traits::{fungible::MutateHold, tokens::Precision},
	BoundedVec,
};
use openledger_primitives::payload::CidCodec;
use sp_crypto_hashing::blake2_256;

/// Without these nobody can load a model.
const CONFIG: &[u8] = b"config.json";
const TOKENIZER: &[u8] = b"tokenizer.json";
const WEIGHTS: &[u8] = b".safetensors";

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register_base_model(
		owner: T::AccountId,
		name: Text<MAX_MODEL_NAME>,
		mut files: BoundedVec<ModelFile, ConstU32<MAX_FILES>>,
	) -> DispatchResult {
		ensure!(!name.is_empty(), Error::<T>::NameEmpty);
		Self::ensure_utf8(&name)?;
		files.sort_by(|a, b| a.name.cmp(&b.name));
		Self::ensure_loadable(&files)?;
		let digest = files_digest(&files);
		ensure!(
			!BaseModelByDigest::<T>::contains_key(digest),
			Error::<T>::BaseModelAlreadyRegistered
		);

		let id = NextBaseModel::<T>::get();
		NextBaseModel::<T>::put(id.checked_add(1).ok_or(Error::<T>::IdsExhausted)?);
		let deposit = Params::<T>::get().base_model_deposit;
		T::Currency::hold(&HoldReason::BaseModelDeposit.into(), &owner, deposit)?;
		BaseModelDeposits::<T>::insert(id, deposit);
		BaseModelByDigest::<T>::insert(digest, id);
		BaseModels::<T>::insert(
			id,
			BaseModel {
				owner: owner.clone(),
				name,
				files,
			},
		);
		Self::deposit_event(Event::BaseModelRegistered {
			base_model: id,
			owner,
			digest,
		});
		Ok(())
	}

	pub(crate) fn do_deregister_base_model(who: T::AccountId, id: BaseModelId) -> DispatchResult {
		let model = BaseModels::<T>::get(id).ok_or(Error::<T>::BaseModelNotFound)?;
		ensure!(who == model.owner, Error::<T>::NotTheOwner);
		ensure!(BaseModelUses::<T>::get(id) == 0, Error::<T>::BaseModelInUse);
		let deposit = BaseModelDeposits::<T>::take(id);
		T::Currency::release(&HoldReason::BaseModelDeposit.into(), &who, deposit, Precision::Exact)?;
		BaseModelByDigest::<T>::remove(files_digest(&model.files));
		BaseModels::<T>::remove(id);
		Self::deposit_event(Event::BaseModelDeregistered { base_model: id });
		Ok(())
	}

	/// Names are unique and safe, artifacts consistent, and what every reader needs is there. `files` are sorted by name.
	fn ensure_loadable(files: &[ModelFile]) -> DispatchResult {
		ensure!(
			files.iter().all(|file| is_file_name(&file.name)),
			Error::<T>::InvalidFileName
		);
		ensure!(
			files.windows(2).all(|pair| pair[0].name != pair[1].name),
			Error::<T>::FileNameTwice
		);
		ensure!(
			files.iter().any(|file| *file.name == *CONFIG),
			Error::<T>::ConfigMissing
		);
		ensure!(
			files.iter().any(|file| *file.name == *TOKENIZER),
			Error::<T>::TokenizerMissing
		);
		ensure!(
			files.iter().any(|file| file.name.ends_with(WEIGHTS)),
			Error::<T>::WeightsMissing
		);
		ensure!(
			files.iter().all(|file| is_consistent(&file.artifact)),
			Error::<T>::InvalidArtifact
		);
		Ok(())
	}

	pub(crate) fn ensure_utf8(text: &[u8]) -> DispatchResult {
		ensure!(core::str::from_utf8(text).is_ok(), Error::<T>::InvalidUtf8);
		Ok(())
	}
}

/// Names the files by their names and contents, whatever the order they were given in.
fn files_digest(sorted: &[ModelFile]) -> [u8; 32] {
	let hashes: alloc::vec::Vec<_> = sorted.iter().map(|file| (&file.name, file.artifact.sha256)).collect();
	blake2_256(&hashes.encode())
}

/// A name that a worker can write into a folder without leaving it.
fn is_file_name(name: &[u8]) -> bool {
	!name.is_empty()
		&& !name.starts_with(b".")
		&& name
			.iter()
			.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// Whether the CID can belong to this size and hash: what fits a chunk is one raw block named by the hash itself.
pub(crate) fn is_consistent(artifact: &Artifact) -> bool {
	artifact.bytes > 0
		&& artifact.cid.codec == CidCodec::of_size(artifact.bytes)
		&& (artifact.cid.codec == CidCodec::DagPb || artifact.cid.digest == artifact.sha256)
}
