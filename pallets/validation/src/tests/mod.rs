//! One file a call, and the properties that hold under any sequence of them.

mod bond_more;
mod challenge;
mod close_plant;
mod close_round;
mod commit;
mod court;
mod encoding;
mod finalize;
mod open_plant;
mod plant;
mod properties;
mod randomness;
mod register;
mod report_preimage;
mod reveal;
mod set_modalities;
mod set_params;
mod settle;
mod unbond;
mod views;
mod withdraw_unbonded;
