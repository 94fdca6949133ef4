//! The program, run as people run it: as a process, against a server on loopback.

mod control;
mod cookies;
mod demo;
mod failures;
mod get;
mod guides;
mod https;
#[cfg(unix)]
mod interrupted;
mod json;
mod names;
mod profiles;
mod resumable;
mod scripts;
mod support;
mod uploads;
mod usage;
