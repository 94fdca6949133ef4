//! What a profile folder goes through: crashes, damage, other programs, full disks.

mod crash;
mod damage;
mod disk;
mod export;
#[cfg(target_os = "linux")]
mod full;
mod kill;
mod many;
mod opening;
mod overtaking;
mod packs;
mod prefix;
mod support;
mod writer;
