//! How time passes.

use super::*;
use openledger_primitives::traits::ActiveBlocks;

#[test]
fn sessions_should_rotate_after_the_slots_that_genesis_says() {
	chain(presets::DEV).execute_with(|| {
		make_blocks(1, 65);
		assert_eq!(Session::current_index(), 3);
		assert_eq!(Session::validators(), vec![account("Alice")]);
		assert_eq!(Babe::authorities().len(), 1);
		assert_eq!(<Authorities as ActiveBlocks>::now(), 65);
	});
}
