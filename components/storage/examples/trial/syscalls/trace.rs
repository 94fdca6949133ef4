//! What `strace` says.

use std::collections::BTreeMap;

/// A system call in a trace.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: String,
    /// Which of its thread's calls of this name it is, from 1.
    pub(crate) nth: u64,
    /// The line, from its name on.
    pub(crate) text: String,
}

/// The calls of a trace, in the order of their beginnings. A call that another thread interrupts in the trace has no
/// result here.
pub(crate) fn calls(trace: &str) -> Vec<Call> {
    let mut counts: BTreeMap<(u32, String), u64> = BTreeMap::new();
    let call = |line: &str| {
        let (thread, text) = line.split_once(' ')?;
        let text = text.trim_start();
        let (name, _) = text.split_once('(')?;
        // Signals, exits and the second halves of interrupted calls begin otherwise.
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return None;
        }
        let thread: u32 = thread.parse().ok()?;
        let nth = counts.entry((thread, name.to_owned())).or_default();
        *nth += 1;
        Some(Call {
            name: name.to_owned(),
            nth: *nth,
            text: text.to_owned(),
        })
    };
    trace.lines().filter_map(call).collect()
}
