//! Where a command's key comes from.

use std::{
	fs::{self, OpenOptions},
	io::{IsTerminal, Write},
	os::unix::fs::{OpenOptionsExt, PermissionsExt},
	path::Path,
};

use anyhow::{Context, Result};
use chain_client::Signer;

use crate::failure::Failure;

/// The variable that a key may be in.
pub const VARIABLE: &str = "OPENLEDGER_KEY";

/// The key of a command, from the first of: `--suri`, `--key-file`, the environment, a prompt.
pub fn find(suri: Option<&str>, file: Option<&Path>) -> Result<Signer> {
	if let Some(suri) = suri {
		return development(suri);
	}
	if let Some(path) = file {
		return from_file(path);
	}
	if let Ok(text) = std::env::var(VARIABLE) {
		return Signer::from_suri(&text).with_context(|| format!("the variable {VARIABLE}"));
	}
	if !std::io::stdin().is_terminal() {
		return Err(Failure::usage("this command signs a transaction and needs a key")
			.hint(format!(
				"give --key-file FILE, or --suri //Alice on a development chain, or set {VARIABLE}; \
				`openledger account new --out FILE` makes a key"
			))
			.into());
	}
	let text =
		rpassword::prompt_password("Key (phrase, 0x seed or secret URI; not shown): ").context("reading the key")?;
	Ok(Signer::from_suri(&text)?)
}

/// A development account. Real keys are refused here: other users of the machine see a process's arguments.
fn development(suri: &str) -> Result<Signer> {
	if !suri.starts_with("//") {
		return Err(
			Failure::usage("--suri takes development accounts only, such as //Alice")
				.hint(format!(
				"other users of this machine can see arguments: put the key into a file and give --key-file, or set {VARIABLE}"
			))
				.into(),
		);
	}
	Ok(Signer::from_suri(suri)?)
}

fn from_file(path: &Path) -> Result<Signer> {
	let metadata = fs::metadata(path).with_context(|| format!("the key file {}", path.display()))?;
	let mode = metadata.permissions().mode() & 0o777;
	if mode & 0o077 != 0 {
		let path = path.display();
		return Err(
			Failure::usage(format!("{path} can be read by others (mode {mode:03o})"))
				.hint(format!("chmod 600 {path}"))
				.into(),
		);
	}
	let text = fs::read_to_string(path).with_context(|| format!("the key file {}", path.display()))?;
	Signer::from_suri(&text).with_context(|| format!("the key file {}", path.display()))
}

/// Makes a key and writes its phrase into a new file that only its owner can read.
pub fn create(path: &Path) -> Result<Signer> {
	let (signer, phrase) = Signer::generate();
	let mut file = OpenOptions::new()
		.write(true)
		.create_new(true)
		.mode(0o600)
		.open(path)
		.with_context(|| format!("creating {}", path.display()))?;
	writeln!(file, "{phrase}")
		.and_then(|()| file.sync_all())
		.with_context(|| format!("writing {}", path.display()))?;
	Ok(signer)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::failure::{classify, Kind};

	#[test]
	fn a_real_key_should_be_refused_as_an_argument() {
		let error = find(
			Some("bottom drive obey lake curtain smoke basket hold race lonely fit walk"),
			None,
		)
		.unwrap_err();
		let (kind, hint) = classify(&error);
		assert_eq!(kind, Kind::Usage);
		assert!(hint.unwrap().contains("--key-file"));
		assert!(find(Some("//Alice"), None).is_ok());
	}

	#[test]
	fn a_key_file_should_be_private_and_never_overwritten() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key");
		let made = create(&path).unwrap();
		assert_eq!(find(None, Some(&path)).unwrap().account(), made.account());
		assert!(create(&path).is_err());
		fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
		let (kind, hint) = classify(&find(None, Some(&path)).unwrap_err());
		assert_eq!(kind, Kind::Usage);
		assert_eq!(hint.unwrap(), format!("chmod 600 {}", path.display()));
	}
}
