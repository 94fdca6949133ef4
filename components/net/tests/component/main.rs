//! The component and this network together, against servers on the loopback: what comes of a record when its
//! server interrupts, changes or lies. Waits between attempts are cut short; no test asserts on time.

// What only the other tests use.
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod policies;
mod resume;
mod retries;
mod story;
