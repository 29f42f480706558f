//! The node as a process: `--dev` starts from nothing, makes a block a second and finalizes them.

mod common;

use common::Node;

#[test]
fn dev_chain_should_make_and_finalize_blocks() {
	let node = Node::start(&["--dev"]);
	let properties = node.call("system_properties", serde_json::json!([]));
	assert_eq!(properties["tokenSymbol"], "OPEN");
	assert_eq!(properties["tokenDecimals"], 12);
	assert_eq!(properties["ss58Format"], 42);

	node.wait_until_final(3);
	let nonce = node.call(
		"system_accountNextIndex",
		serde_json::json!(["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"]),
	);
	assert_eq!(nonce, 0);
}
