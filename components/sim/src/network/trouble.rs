//! [`Trouble`]: what goes wrong with a request, and how often.

use std::time::Duration;

use background_fetch::embedder::NetworkError;
use http::StatusCode;

/// Something that goes wrong with the next requests.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) what: What,
    /// How many requests it still meets; none for all.
    pub(super) left: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// Nothing: this request goes well.
    Nothing,
    /// A network error instead of a response.
    Error(NetworkError),
    /// Another status, without a body.
    Status(StatusCode),
    /// An error after so many bytes of the response's body.
    Break { after: u64, error: NetworkError },
    /// An error after so many bytes of the request's body.
    BreakUpload { after: u64, error: NetworkError },
    /// After so many bytes nothing comes for a while, or for ever.
    Stall { after: u64, duration: Option<Duration> },
}

/// What goes wrong with the next request, of troubles that come one after the other.
pub(super) fn next(troubles: &mut [Trouble]) -> What {
    let Some(trouble) = troubles.iter_mut().find(|trouble| trouble.left != Some(0)) else {
        return What::Nothing;
    };
    if let Some(left) = &mut trouble.left {
        *left -= 1;
    }
    trouble.what.clone()
}
