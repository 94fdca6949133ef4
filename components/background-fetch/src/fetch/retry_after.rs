//! The `Retry-After` header.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use super::http_date::http_date;

/// How long a response asks to wait before another try. A date counts from the response's own `Date`, so that no
/// clock is asked and a wrong one does no harm; one that has passed, or without a `Date`, asks for nothing.
///
/// <https://httpwg.org/specs/rfc9110.html#field.retry-after>
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.as_bytes();
    let seconds = if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
        // More than fits is for ever.
        std::str::from_utf8(value).ok()?.parse().unwrap_or(u64::MAX)
    } else {
        let now = http_date(headers.get(DATE)?.as_bytes())?;
        http_date(value)?.checked_sub(now)?
    };
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn seconds_and_dates_are_understood_and_nothing_else() {
        const DATE: Option<&str> = Some("Wed, 28 Feb 2024 23:59:30 GMT");
        let table = [
            ("120", None, Some(120)),
            ("0", DATE, Some(0)),
            ("99999999999999999999999", None, Some(u64::MAX)),
            ("Thu, 29 Feb 2024 00:00:00 GMT", DATE, Some(30)),
            ("Thursday, 29-Feb-24 00:00:00 GMT", DATE, Some(30)),
            ("Thu, 29 Feb 2024 00:00:00 GMT", None, None),
            ("Thu, 29 Feb 2024 00:00:00 GMT", Some("yesterday"), None),
            ("Tue, 27 Feb 2024 00:00:00 GMT", DATE, None),
            ("-5", DATE, None),
            ("+5", DATE, None),
            ("1.5", DATE, None),
            ("", DATE, None),
            ("soon", DATE, None),
        ];
        for (value, date, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            if let Some(date) = date {
                headers.insert(http::header::DATE, HeaderValue::from_static(date));
            }
            let found = retry_after(&headers).map(|wait| wait.as_secs());
            assert_eq!(found, expected, "{value:?} at {date:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
