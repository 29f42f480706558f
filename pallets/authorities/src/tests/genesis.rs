use super::*;

#[test]
fn genesis_should_bond_the_authorities() {
	with_authorities(&[1, 2], || {
		assert_eq!((held(1), held(2), held(3)), (MIN_BOND, MIN_BOND, 0));
		assert_eq!(Balances::free_balance(1), ENDOWMENT - MIN_BOND);
		let status = Authorities::authority(1);
		assert!(status.listed);
		assert_eq!(status.withdrawable_in, None);
	});
}

#[test]
#[should_panic(expected = "an authority is named twice")]
fn genesis_should_panic_when_an_authority_is_named_twice() {
	with_authorities(&[1, 1], || {});
}

#[test]
#[should_panic(expected = "genesis endows an authority with its bond")]
fn genesis_should_panic_when_an_authority_cannot_be_bonded() {
	with_authorities(&[11], || {});
}
