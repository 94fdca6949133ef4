//! The enumerations that say how a background fetch, and each of its responses, ended.

use crate::fetch::request::idl_enum;

idl_enum! {
    /// <https://wicg.github.io/background-fetch/#enumdef-backgroundfetchresult>
    BackgroundFetchResult {
        /// Not settled.
        #[default]
        Empty = "",
        /// Every record succeeded.
        Success = "success",
        /// A record failed, or the fetch was aborted.
        Failure = "failure",
    }
}

idl_enum! {
    /// <https://wicg.github.io/background-fetch/#enumdef-backgroundfetchfailurereason>
    BackgroundFetchFailureReason {
        /// Not settled, or successful.
        #[default]
        Empty = "",
        /// The user or `abort()` ended it.
        Aborted = "aborted",
        /// A response had a status that is not an ok status.
        BadStatus = "bad-status",
        /// A fetch failed for another reason: CORS, mixed content, an invalid partial response, the network.
        FetchError = "fetch-error",
        /// The storage quota was reached.
        QuotaExceeded = "quota-exceeded",
        /// `downloadTotal` was exceeded.
        DownloadTotalExceeded = "download-total-exceeded",
    }
}

idl_enum! {
    /// A background fetch response's result: a failure reason, "success" or "redundant".
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-response-result>
    ResponseResult {
        /// Not settled.
        #[default]
        Empty = "",
        /// All bytes are here.
        Success = "success",
        /// Another response took its place.
        Redundant = "redundant",
        /// The background fetch was aborted.
        Aborted = "aborted",
        /// The response's status is not an ok status.
        BadStatus = "bad-status",
        /// The fetch failed.
        FetchError = "fetch-error",
        /// The storage quota was reached.
        QuotaExceeded = "quota-exceeded",
        /// `downloadTotal` was exceeded.
        DownloadTotalExceeded = "download-total-exceeded",
    }
}

impl ResponseResult {
    /// Whether a response with this result may be exposed to scripts.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-response-exposed>
    pub fn may_be_exposed(self) -> bool {
        matches!(self, Self::Empty | Self::Success | Self::BadStatus)
    }

    /// Whether a record with this result fails its whole background fetch at once; so does a full storage
    /// (errata 23).
    pub(crate) fn fails_the_whole(self) -> bool {
        matches!(self, Self::DownloadTotalExceeded | Self::QuotaExceeded)
    }

    /// The failure reason that it is, the empty string for those that are none.
    pub fn failure_reason(self) -> BackgroundFetchFailureReason {
        match self {
            Self::Empty | Self::Success | Self::Redundant => BackgroundFetchFailureReason::Empty,
            Self::Aborted => BackgroundFetchFailureReason::Aborted,
            Self::BadStatus => BackgroundFetchFailureReason::BadStatus,
            Self::FetchError => BackgroundFetchFailureReason::FetchError,
            Self::QuotaExceeded => BackgroundFetchFailureReason::QuotaExceeded,
            Self::DownloadTotalExceeded => BackgroundFetchFailureReason::DownloadTotalExceeded,
        }
    }
}
