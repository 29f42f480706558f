//! Files that are anybody's, judged by the program itself: PDF is read in a second process of it.

use std::{path::Path, process::Command};

use serde_json::Value;

fn judge(name: &str) -> Value {
	let file = Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../tests/fixtures/documents")
		.join(name);
	let mut command = Command::new(env!("CARGO_BIN_EXE_openledger"));
	let output = command.args(["--json", "item", "judge"]).arg(file).output().unwrap();
	let stderr = String::from_utf8_lossy(&output.stderr);
	assert!(output.status.success(), "{stderr}");
	serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn documents_should_be_accepted_for_their_text() {
	let (pdf, docx) = (judge("notes.pdf"), judge("notes.docx"));
	for judged in [&pdf, &docx] {
		assert!(judged["verdict"]["accept"]["units"].as_u64() > Some(0), "{judged}");
		assert!(
			judged["text"].as_str().unwrap().starts_with("Notes on a ledger"),
			"{judged}"
		);
	}
}

#[test]
fn a_pdf_that_unpacks_to_gigabytes_should_be_unreadable() {
	assert_eq!(judge("bomb.pdf")["verdict"]["reject"]["reason"], "unreadable");
}
