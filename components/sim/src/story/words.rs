//! Tells a story in words.

use std::fmt;

use background_fetch::embedder::{MeteredPolicy, PermissionState};

use super::{File, Habit, Setting, Step, Story, Target, Trouble, Validator, Version};
use crate::Ranges;

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "schedule {}{}", self.schedule, self.setting)?;
        for (index, file) in self.files.iter().enumerate() {
            write!(f, "file {index}: {file}")?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:3}. {step}", index + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(quota) = self.quota {
            write!(f, ", a quota of {quota} bytes")?;
        }
        match self.permission {
            PermissionState::Granted => {}
            PermissionState::Denied => f.write_str(", no permission")?,
            PermissionState::Prompt => f.write_str(", the user is asked")?,
        }
        if self.metered == MeteredPolicy::Pause {
            f.write_str(", metered connections pause")?;
        }
        if let Some(troubles) = &self.uploads {
            write!(f, ", uploads are resumed: {troubles:?}")?;
        }
        if self.two_sites {
            f.write_str(", registration 1 is another site's")?;
        }
        write!(f, ", {} retries", self.retries)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, version) in self.versions.iter().enumerate() {
            if index > 0 {
                let before = self.versions[index - 1].requests;
                write!(f, "  after {before} requests: ")?;
            }
            writeln!(f, "{version}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)?;
        f.write_str(match self.validator {
            Validator::None => ", no validator",
            Validator::Strong => "",
            Validator::Weak => ", a weak validator",
            Validator::Date => ", a date as validator",
        })?;
        if self.status != 200 {
            write!(f, ", status {}", self.status)?;
        }
        if self.ranges != Ranges::Honoured {
            write!(f, ", ranges {:?}", self.ranges)?;
        }
        if let Some(cap) = self.range_cap {
            write!(f, ", parts of at most {cap}")?;
        }
        if !self.says_length {
            f.write_str(", no length said")?;
        }
        if self.content_decoded {
            f.write_str(", compressed")?;
        }
        if self.redirects > 0 {
            write!(f, ", {} redirects", self.redirects)?;
        }
        write!(f, ", chunks of {}", self.chunk)?;
        if self.chunk_delay + self.latency > 0 {
            write!(f, " every {} ms after {} ms", self.chunk_delay, self.latency)?;
        }
        for trouble in &self.troubles {
            write!(f, "; {trouble}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("goes well"),
            Self::Unreachable => f.write_str("no connection"),
            Self::Drop(bytes) => write!(f, "drops after {bytes}"),
            Self::Stall(bytes, seconds) => write!(f, "stalls at {bytes} for {seconds} s"),
            Self::StallForEver(bytes) => write!(f, "stalls at {bytes} for ever"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Garbage(bytes) => write!(f, "garbage after {bytes}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = char::from(b'a' + u8::try_from(self.id % 26).unwrap_or(0));
        match self.registration {
            0 => write!(f, "{id:?}"),
            other => write!(f, "{id:?} of registration {other}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch {
                target,
                files,
                download_total,
                upload,
            } => {
                write!(f, "a page fetches files {files:?} as {target}")?;
                if *download_total > 0 {
                    write!(f, ", at most {download_total} bytes")?;
                }
                match upload {
                    Some(bytes) => write!(f, ", the first with {bytes} bytes to send"),
                    None => Ok(()),
                }
            }
            Self::Get(target) => write!(f, "a page gets {target}, twice"),
            Self::GetIds(registration) => write!(f, "a page gets the ids of registration {registration}"),
            Self::Abort(target) => write!(f, "a page aborts {target}"),
            Self::Read(target, record) => write!(f, "a page reads record {record} of {target}"),
            Self::Pause(target) => write!(f, "the user pauses {target}"),
            Self::Resume(target) => write!(f, "the user resumes {target}"),
            Self::UserAborts(target) => write!(f, "the user aborts {target}"),
            Self::Allow(target) => write!(f, "the user allows {target}"),
            Self::Refuse(target) => write!(f, "the user refuses {target}"),
            Self::Permission(state) => write!(f, "the permission is {state:?} from now on"),
            Self::Worker(of, true) => write!(f, "registration {of} has an active worker"),
            Self::Worker(of, false) => write!(f, "registration {of} has no active worker"),
            Self::Click(target) => write!(f, "the user clicks {target}"),
            Self::Dismiss(target) => write!(f, "the user dismisses {target}"),
            Self::OpenPage => f.write_str("a page opens"),
            Self::ClosePage => f.write_str("a page closes"),
            Self::Offline => f.write_str("the network goes away"),
            Self::Online => f.write_str("the network comes back"),
            Self::LoseConnections => f.write_str("the connections are lost"),
            Self::Metered(true) => f.write_str("the connection is metered"),
            Self::Metered(false) => f.write_str("the connection is not metered"),
            Self::Workers(habit) => write!(f, "from now on a worker {habit}"),
            Self::WorkersFail(count) => write!(f, "the next {count} workers do not start"),
            Self::StorageFails {
                operation,
                nth,
                kind,
                after_effect,
            } => {
                let when = if *after_effect { "after" } else { "before" };
                write!(
                    f,
                    "call {nth} of `{operation}` from now fails {when} its effect: {kind:?}"
                )
            }
            Self::StorageFailsOn(operation, kind) => write!(f, "`{operation}` fails from now on: {kind:?}"),
            Self::StorageIsSlow(operation, time) => write!(f, "`{operation}` takes {time} ms from now on"),
            Self::StorageIsMended => f.write_str("the storage is mended"),
            Self::Clear(registration) => write!(f, "registration {registration} is cleared"),
            Self::Crash => f.write_str("the process is killed, and starts again"),
            Self::Restart => f.write_str("the program ends, and starts again"),
            Self::Pass(milliseconds) => write!(f, "{milliseconds} ms pass"),
            Self::Turns(turns) => write!(f, "tasks take {turns} turns"),
            Self::Settle => f.write_str("everything goes as far as it can without time"),
        }
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reads => f.write_str("reads every record"),
            Self::Slow(seconds) => write!(f, "reads every record after {seconds} s"),
            Self::Ignores => f.write_str("ignores its event"),
            Self::Rejects => f.write_str("reads a record and rejects"),
            Self::NeverSettles => f.write_str("never settles"),
            Self::UpdatesUi => f.write_str("changes the title, and reads every record after 20 s"),
        }
    }
}
