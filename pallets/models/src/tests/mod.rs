//! One file a call, and random sequences of all of them.

mod accept_result;
mod bid;
mod cancel_job;
mod deregister_worker;
mod expire_job;
mod genesis;
mod heartbeat;
mod invariants;
mod register_base_model;
mod register_worker;
mod report_missed;
mod request_job;
mod submit_result;
mod update_worker;
