//! One file a call, and the properties that hold under any sequence of them.

mod bond_more;
mod close_round;
mod commit;
mod court;
mod finalize;
mod properties;
mod randomness;
mod register;
mod reveal;
mod set_modalities;
mod settle;
mod unbond;
mod withdraw_unbonded;
