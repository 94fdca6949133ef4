//! [`StorageOperation`]: the operations of [`Storage`](background_fetch::embedder::Storage) by name.

use std::fmt;

/// An operation of [`Storage`](background_fetch::embedder::Storage).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StorageOperation {
    /// `load`.
    Load,
    /// `estimate`.
    Estimate,
    /// `stage`.
    Stage,
    /// `discard`.
    Discard,
    /// `create`.
    Create,
    /// `append`.
    Append,
    /// `read`.
    Read,
    /// `set_response`.
    SetResponse,
    /// `mark_sent`.
    MarkSent,
    /// `set_upload`.
    SetUpload,
    /// `settle_record`.
    SettleRecord,
    /// `set_state`.
    SetState,
    /// `set_paused`.
    SetPaused,
    /// `set_ui`.
    SetUi,
    /// `remove`.
    Remove,
    /// `clear`.
    Clear,
    /// `flush`.
    Flush,
}

impl StorageOperation {
    /// Every operation.
    pub const ALL: &'static [Self] = &[
        Self::Load,
        Self::Estimate,
        Self::Stage,
        Self::Discard,
        Self::Create,
        Self::Append,
        Self::Read,
        Self::SetResponse,
        Self::MarkSent,
        Self::SetUpload,
        Self::SettleRecord,
        Self::SetState,
        Self::SetPaused,
        Self::SetUi,
        Self::Remove,
        Self::Clear,
        Self::Flush,
    ];

    /// The name of the method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Estimate => "estimate",
            Self::Stage => "stage",
            Self::Discard => "discard",
            Self::Create => "create",
            Self::Append => "append",
            Self::Read => "read",
            Self::SetResponse => "set_response",
            Self::MarkSent => "mark_sent",
            Self::SetUpload => "set_upload",
            Self::SettleRecord => "settle_record",
            Self::SetState => "set_state",
            Self::SetPaused => "set_paused",
            Self::SetUi => "set_ui",
            Self::Remove => "remove",
            Self::Clear => "clear",
            Self::Flush => "flush",
        }
    }
}

impl fmt::Display for StorageOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
