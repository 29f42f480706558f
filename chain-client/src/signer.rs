use std::{fmt, str::FromStr};

use sp_core::crypto::AccountId32;
use subxt_signer::{bip39::Mnemonic, sr25519::Keypair, DeriveJunction, SecretUri};

/// The hard junction under which the secret for salts is derived: nobody without the key can follow it.
const SALT_JUNCTION: &str = "openledger/salt";

/// An sr25519 key that signs transactions.
#[derive(Clone)]
pub struct Signer {
	pub(crate) keypair: Keypair,
	account: AccountId32,
}

/// Why something is not a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignerError {
	/// Neither a phrase, nor a secret URI, nor a seed. The text itself is never printed.
	#[error("this is not a key: {0}")]
	Invalid(String),
}

impl SignerError {
	pub fn hint(&self) -> Option<String> {
		Some(
			"a key is a phrase of 12 to 24 words, 0x and 64 hexadecimal digits, or a secret URI such as //Alice".into(),
		)
	}
}

impl Signer {
	/// Reads a key: a phrase of words, `0x` and 64 hexadecimal digits, or a secret URI (`phrase//hard/soft`; without a
	/// phrase it is a development account).
	pub fn from_suri(text: &str) -> Result<Self, SignerError> {
		let uri = SecretUri::from_str(text.trim()).map_err(|error| SignerError::Invalid(error.to_string()))?;
		let keypair = Keypair::from_uri(&uri).map_err(|error| SignerError::Invalid(error.to_string()))?;
		Ok(Self::from_keypair(keypair))
	}

	/// A fresh key from the system's randomness, and the 12 words that make it again.
	pub fn generate() -> (Self, String) {
		let entropy: [u8; 16] = rand::random();
		let phrase = Mnemonic::from_entropy(&entropy).expect("16 bytes are entropy of 12 words");
		let keypair = Keypair::from_phrase(&phrase, None).expect("a phrase without a password makes a key");
		(Self::from_keypair(keypair), phrase.to_string())
	}

	fn from_keypair(keypair: Keypair) -> Self {
		let account = AccountId32::new(keypair.public_key().0);
		Self { keypair, account }
	}

	pub fn account(&self) -> &AccountId32 {
		&self.account
	}

	/// A secret that follows from the key alone, however the key was written: the salts of votes are made from it.
	pub fn salt_secret(&self) -> [u8; 32] {
		self.keypair
			.derive([DeriveJunction::hard(SALT_JUNCTION)])
			.public_key()
			.0
	}
}

impl fmt::Debug for Signer {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "Signer({})", crate::address(&self.account))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn one_key_written_in_three_ways_should_be_one_account_with_one_salt() {
		let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
		let seed = "0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e";
		let signers = [phrase, seed].map(|text| Signer::from_suri(text).unwrap());
		assert_eq!(signers[0].account(), signers[1].account());
		assert_eq!(signers[0].salt_secret(), signers[1].salt_secret());
		let alice = Signer::from_suri("//Alice").unwrap();
		assert_eq!(
			crate::address(alice.account()),
			"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
		);
		assert_ne!(alice.salt_secret(), signers[0].salt_secret());
		assert_ne!(&alice.salt_secret(), AsRef::<[u8; 32]>::as_ref(alice.account()));
	}

	#[test]
	fn a_generated_phrase_should_make_the_same_key_again() {
		let (signer, phrase) = Signer::generate();
		assert_eq!(Signer::from_suri(&phrase).unwrap().account(), signer.account());
		assert_ne!(Signer::generate().1, phrase);
	}

	#[test]
	fn nonsense_should_be_refused_without_being_printed() {
		let error = Signer::from_suri("my secret that is no key").unwrap_err();
		assert!(!error.to_string().contains("secret that"));
	}
}
