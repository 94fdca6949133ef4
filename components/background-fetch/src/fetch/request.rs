//! [`Request`]: Fetch's request, as a background fetch keeps it.

use http::{HeaderMap, Method};
use url::Url;

/// A request, without the bytes of its body: those live in [`Storage`](crate::embedder::Storage).
///
/// Only the fields that outlive the call are here; the client is the background fetch's
/// [`Client`](super::Client), the service-workers mode is always "none".
///
/// <https://fetch.spec.whatwg.org/#concept-request>
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Request {
    /// The method, `GET` by default.
    #[cfg_attr(feature = "serde", serde(with = "super::serialized::method"))]
    pub method: Method,
    /// The URL, with its fragment.
    pub url: Url,
    /// The header list: what the author set.
    #[cfg_attr(feature = "serde", serde(with = "super::serialized::header_list"))]
    pub headers: HeaderMap,
    /// The length of the body in bytes, or none for a null body. Known once the body is stored.
    pub body_length: Option<u64>,
    /// The mode, "cors" by default as in the Request constructor.
    pub mode: RequestMode,
    /// The credentials mode, "same-origin" by default.
    pub credentials: CredentialsMode,
    /// The cache mode.
    pub cache: CacheMode,
    /// The redirect mode.
    pub redirect: RedirectMode,
    /// The referrer.
    pub referrer: Referrer,
    /// The referrer policy; the empty string stands for the client's.
    pub referrer_policy: ReferrerPolicy,
    /// Integrity metadata, the empty string for none.
    pub integrity: String,
    /// The keepalive flag.
    pub keepalive: bool,
}

impl Request {
    /// What the Request constructor makes of a URL without an init: a `GET` in mode "cors" with credentials
    /// mode "same-origin".
    pub fn new(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body_length: None,
            mode: RequestMode::Cors,
            credentials: CredentialsMode::SameOrigin,
            cache: CacheMode::Default,
            redirect: RedirectMode::Follow,
            referrer: Referrer::Client,
            referrer_policy: ReferrerPolicy::Empty,
            integrity: String::new(),
            keepalive: false,
        }
    }

    /// Whether the method is `GET`: only such a request may be issued again (errata 18).
    pub fn is_get(&self) -> bool {
        self.method == Method::GET
    }
}

/// Declares a Web IDL enumeration: variants with the strings that scripts see.
macro_rules! idl_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum $name {
            $($(#[$variant_meta])* #[cfg_attr(feature = "serde", serde(rename = $text))] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the IDL.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The enumeration value as scripts see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownEnumValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or($crate::UnknownEnumValue)
            }
        }
    };
}
pub(crate) use idl_enum;

idl_enum! {
    /// <https://fetch.spec.whatwg.org/#concept-request-mode>
    RequestMode {
        /// Same-origin URLs only.
        SameOrigin = "same-origin",
        /// The CORS protocol.
        #[default]
        Cors = "cors",
        /// Any origin, whose response nobody sees. A background fetch is never that; scripts and icons of a host may be.
        NoCors = "no-cors",
        /// The user's own request: no page, so no CORS.
        Navigate = "navigate",
    }
}

idl_enum! {
    /// <https://fetch.spec.whatwg.org/#concept-request-credentials-mode>
    CredentialsMode {
        /// Never.
        Omit = "omit",
        /// With same-origin URLs.
        #[default]
        SameOrigin = "same-origin",
        /// Always.
        Include = "include",
    }
}

idl_enum! {
    /// <https://fetch.spec.whatwg.org/#concept-request-cache-mode>
    CacheMode {
        /// As HTTP says.
        #[default]
        Default = "default",
        /// Not through a cache.
        NoStore = "no-store",
        /// From the network, updating a cache.
        Reload = "reload",
        /// Revalidated.
        NoCache = "no-cache",
        /// From a cache even when stale.
        ForceCache = "force-cache",
        /// From a cache alone.
        OnlyIfCached = "only-if-cached",
    }
}

idl_enum! {
    /// <https://fetch.spec.whatwg.org/#concept-request-redirect-mode>
    RedirectMode {
        /// Follow redirects.
        #[default]
        Follow = "follow",
        /// A redirect is a network error.
        Error = "error",
        /// A redirect is the response.
        Manual = "manual",
    }
}

idl_enum! {
    /// <https://w3c.github.io/webappsec-referrer-policy/#referrer-policies>
    ReferrerPolicy {
        /// The client's, or the default.
        #[default]
        Empty = "",
        /// Never any.
        NoReferrer = "no-referrer",
        /// Not on a downgrade.
        NoReferrerWhenDowngrade = "no-referrer-when-downgrade",
        /// Same-origin only.
        SameOrigin = "same-origin",
        /// The origin.
        Origin = "origin",
        /// The origin, not on a downgrade.
        StrictOrigin = "strict-origin",
        /// The URL same-origin, else the origin.
        OriginWhenCrossOrigin = "origin-when-cross-origin",
        /// The same, not on a downgrade.
        StrictOriginWhenCrossOrigin = "strict-origin-when-cross-origin",
        /// The URL always.
        UnsafeUrl = "unsafe-url",
    }
}

/// A request's referrer.
///
/// <https://fetch.spec.whatwg.org/#concept-request-referrer>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Referrer {
    /// "no-referrer".
    NoReferrer,
    /// "client": the client's base URL.
    #[default]
    Client,
    /// A URL that the author chose.
    Url(Url),
}
