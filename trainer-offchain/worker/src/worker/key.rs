//! Where the worker's key comes from.

use anyhow::{bail, Context, Result};
use chain_client::Signer;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The variable that a key may be in.
const VARIABLE: &str = "OPENLEDGER_KEY";

/// The key, from the first of: `--suri`, `--key-file`, the environment.
pub fn find(suri: Option<&str>, file: Option<&Path>) -> Result<Signer> {
	if let Some(suri) = suri {
		// Other users of the machine see a process's arguments.
		if !suri.starts_with("//") {
			bail!(
				"--suri takes development accounts only, such as //Worker: give a real key by --key-file or {VARIABLE}"
			);
		}
		return Ok(Signer::from_suri(suri)?);
	}
	if let Some(path) = file {
		let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
		return from_file(path, credentials.as_deref().map(Path::new))
			.with_context(|| format!("the key file {}", path.display()));
	}
	match std::env::var(VARIABLE) {
		Ok(text) => Signer::from_suri(&text).with_context(|| format!("the variable {VARIABLE}")),
		Err(_) => bail!("a worker signs transactions: give --key-file FILE, or --suri //NAME on a development chain, or set {VARIABLE}"),
	}
}

/// `credentials` is the folder that systemd's `LoadCredential` makes. Only the service can enter it, but access is granted
/// by a list, whose mask shows as a group's mode.
fn from_file(path: &Path, credentials: Option<&Path>) -> Result<Signer> {
	let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
	let is_guarded = credentials.is_some_and(|folder| path.starts_with(folder));
	let open = if is_guarded { 0o037 } else { 0o077 };
	if mode & open != 0 {
		bail!(
			"others can read it (mode {mode:03o}): run `chmod 600 {}`",
			path.display()
		);
	}
	Ok(Signer::from_suri(&std::fs::read_to_string(path)?)?)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_key_should_be_refused_when_others_could_read_it() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("key");
		std::fs::write(&path, "//Worker\n").unwrap();
		std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
		assert!(format!("{:#}", find(None, Some(&path)).unwrap_err()).contains("chmod 600"));
		std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
		let expected = Signer::from_suri("//Worker").unwrap();
		assert_eq!(find(None, Some(&path)).unwrap().account(), expected.account());
		assert_eq!(find(Some("//Worker"), None).unwrap().account(), expected.account());
		std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
		assert!(from_file(&path, None).is_err());
		assert!(from_file(&path, Some(Path::new("/elsewhere"))).is_err());
		assert_eq!(
			from_file(&path, Some(dir.path())).unwrap().account(),
			expected.account()
		);
		let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
		assert!(find(Some(phrase), None)
			.unwrap_err()
			.to_string()
			.contains("development accounts only"));
	}
}
