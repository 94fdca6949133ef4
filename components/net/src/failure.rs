//! What a failure is called, and whether another try may help.

use std::error::Error;
use std::fmt::{self, Display};
use std::io;
use std::time::Duration;

use background_fetch::embedder::{NetworkError, NetworkErrorKind};
use url::Url;

use crate::body::upload::UploadError;
use crate::connection::connector::ConnectTimedOut;
use crate::connection::proxy_connector::{ProxyError, Why};

/// Where a fetch is: the URL of this hop, and the redirects that led to it. It starts every message.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    url: String,
    redirects: usize,
    first_url: String,
}

impl Hop {
    /// The last hop of a URL list.
    pub(crate) fn last_of(url_list: &[Url]) -> Self {
        Self {
            url: url_list.last().map(shown).unwrap_or_default(),
            redirects: url_list.len().saturating_sub(1),
            first_url: url_list.first().map(shown).unwrap_or_default(),
        }
    }

    /// A failure here after which another try may help.
    pub(crate) fn temporary(&self, reason: impl Display) -> NetworkError {
        NetworkError::temporary(format!("cannot fetch {self}: {reason}"))
    }

    /// A failure here after which no other try helps.
    pub(crate) fn fatal(&self, reason: impl Display) -> NetworkError {
        NetworkError::fatal(format!("cannot fetch {self}: {reason}"))
    }

    /// A failure here with this cause.
    pub(crate) fn failed(&self, cause: &Cause) -> NetworkError {
        NetworkError {
            retry_after: cause.retry_after,
            ..match cause.kind {
                NetworkErrorKind::Temporary => self.temporary(&cause.reason),
                NetworkErrorKind::Final => self.fatal(&cause.reason),
            }
        }
    }
}

impl Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        if self.redirects > 0 {
            write!(f, " (redirect {} of {})", self.redirects, self.first_url)?;
        }
        Ok(())
    }
}

/// A URL for a person: without credentials and fragment, and not longer than a few lines.
pub(crate) fn shown(url: &Url) -> String {
    const LONGEST: usize = 300;
    if url.cannot_be_a_base() {
        return format!("{}:…", url.scheme());
    }
    let mut url = url.clone();
    // Both fail only for URLs that have no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let text = String::from(url);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A time limit for a person.
pub(crate) fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

/// Why connecting, sending or receiving failed.
#[derive(Debug)]
pub(crate) struct Cause {
    pub(crate) kind: NetworkErrorKind,
    pub(crate) reason: String,
    /// How long to wait, where somebody on the way asked for it.
    retry_after: Option<Duration>,
}

impl Cause {
    fn temporary(reason: impl Into<String>) -> Self {
        Self {
            kind: NetworkErrorKind::Temporary,
            reason: reason.into(),
            retry_after: None,
        }
    }

    fn fatal(reason: impl Into<String>) -> Self {
        Self {
            kind: NetworkErrorKind::Final,
            reason: reason.into(),
            retry_after: None,
        }
    }

    /// The cause of an error of the client: the deepest of its sources that says something.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut found = None;
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<ProxyError>() {
                return Self::proxy(error);
            }
            found = Self::named(error).or(found);
            next = source(error);
        }
        found.unwrap_or_else(|| Self::temporary(error.to_string()))
    }

    /// The cause that this one error stands for, without its sources.
    fn named(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<UploadError>() {
            return Some(Self::fatal(error.to_string()));
        }
        if let Some(error) = error.downcast_ref::<ConnectTimedOut>() {
            return Some(Self::temporary(error.to_string()));
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(Self::fatal(format!("TLS: {error}")));
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return Some(Self::http2(error));
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return Self::http(error);
        }
        error.downcast_ref::<io::Error>().map(Self::io)
    }

    /// Whatever is wrong on the way to a proxy, it is not the server's.
    fn proxy(error: &ProxyError) -> Self {
        match &error.why {
            Why::NoConnection(inner) => {
                let inner = Self::of(&**inner);
                let reason = format!("the proxy {} does not work: {}", error.proxy, inner.reason);
                Self { reason, ..inner }
            }
            Why::Refused { status, retry_after } => {
                // A server that the proxy does not reach now may be reached later; its rules stay.
                let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
                Self {
                    retry_after: *retry_after,
                    ..match later {
                        true => Self::temporary(error.to_string()),
                        false => Self::fatal(error.to_string()),
                    }
                }
            }
            Why::Noise => Self::fatal(error.to_string()),
        }
    }

    fn http(error: &hyper::Error) -> Option<Self> {
        if error.is_parse() {
            Some(Self::fatal(format!("the answer is not valid HTTP: {error}")))
        } else if error.is_incomplete_message() {
            Some(Self::temporary("the connection was closed before the answer"))
        } else if error.is_timeout() {
            Some(Self::temporary("the server does not answer any more"))
        } else if error.is_canceled() || error.is_closed() {
            Some(Self::temporary("the connection was closed"))
        } else {
            None
        }
    }

    fn http2(error: &h2::Error) -> Self {
        let reason = error
            .reason()
            .map_or_else(|| error.to_string(), |reason| reason.description().to_owned());
        if let Some(error) = error.get_io() {
            Self::io(error)
        } else if error.is_go_away() && error.is_remote() {
            Self::temporary(format!("the server ended the HTTP/2 connection: {reason}"))
        } else if error.is_reset() && error.is_remote() {
            Self::temporary(format!("the server reset the HTTP/2 stream: {reason}"))
        } else {
            Self::fatal(format!("the answer is not valid HTTP/2: {reason}"))
        }
    }

    fn io(error: &io::Error) -> Self {
        use io::ErrorKind::*;
        match error.kind() {
            ConnectionRefused => Self::temporary("connection refused"),
            ConnectionReset => Self::temporary("connection reset"),
            ConnectionAborted | BrokenPipe | NotConnected => Self::temporary("the connection was closed"),
            UnexpectedEof => Self::temporary("the connection ended early"),
            TimedOut => Self::temporary("connection timed out"),
            InvalidData | InvalidInput => Self::fatal(format!("the answer is not valid HTTP: {error}")),
            _ => Self::temporary(error.to_string()),
        }
    }
}

/// Whether the connection was closed or reset, or ended in good order, without a word of the server about the request.
pub(crate) fn is_connection_gone(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::*;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_canceled() || error.is_closed())
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<h2::Error>()
            && error.is_go_away()
            && error.is_remote()
            && error.reason() == Some(h2::Reason::NO_ERROR)
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(
                error.kind(),
                ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected
            )
        {
            return true;
        }
        next = source(error);
    }
    false
}

/// Whether an HTTP/2 body was not as long as its `Content-Length`, for which its implementation has only the most
/// general of errors.
pub(crate) fn may_be_length_mismatch(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let general = error.reason() == Some(h2::Reason::PROTOCOL_ERROR);
            return general && error.is_library() && error.is_reset();
        }
        next = source(error);
    }
    false
}

/// The error inside; for an [`io::Error`] the one that it wraps, which its `source()` leaves out.
fn source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(urls: &[&str]) -> Hop {
        let urls: Vec<_> = urls.iter().map(|url| Url::parse(url).unwrap()).collect();
        Hop::last_of(&urls)
    }

    #[test]
    fn a_message_says_what_failed_for_which_url_at_which_hop() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = hop(&["https://a.example/start", "https://b.example/a.bin"]).failed(&Cause::of(&refused));
        assert_eq!(error.kind, NetworkErrorKind::Temporary);
        assert_eq!(
            error.message,
            "cannot fetch https://b.example/a.bin (redirect 1 of https://a.example/start): connection refused"
        );
    }

    #[test]
    fn credentials_and_fragments_stay_out_of_messages() {
        let message = hop(&["https://user:secret@a.example/x?y#z"]).fatal("no").message;
        assert_eq!(message, "cannot fetch https://a.example/x?y: no");
        assert_eq!(shown(&Url::parse("data:text/plain,secret").unwrap()), "data:…");
        let long = Url::parse(&format!("https://a.example/{}", "x".repeat(5000))).unwrap();
        assert_eq!(shown(&long).chars().count(), 301);
    }

    #[test]
    fn the_deepest_named_cause_counts() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        let cause = Cause::of(&wrapped);
        assert_eq!(cause.kind, NetworkErrorKind::Final);
        assert_eq!(cause.reason, "TLS: invalid peer certificate: UnknownIssuer");
        let cause = Cause::of(&io::Error::other(ConnectTimedOut(Duration::from_millis(1500))));
        assert_eq!(cause.kind, NetworkErrorKind::Temporary);
        assert_eq!(cause.reason, "no connection within 1.5 s");
    }
}
