//! Dates of HTTP, as seconds that can be compared and subtracted.

/// The seconds since 1 January of the year 0 of an HTTP-date in any of its three forms; none for anything else.
///
/// A year of two digits is one from 1970 to 2069.
///
/// <https://httpwg.org/specs/rfc9110.html#http.date>
pub(crate) fn http_date(value: &[u8]) -> Option<u64> {
    imf_fixdate(value)
        .or_else(|| rfc850_date(value))
        .or_else(|| asctime_date(value))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub(crate) fn imf_fixdate(value: &[u8]) -> Option<u64> {
    let (_, rest) = std::str::from_utf8(value).ok()?.split_once(", ")?;
    let [day, month, year, time, "GMT"] = words(rest)? else {
        return None;
    };
    seconds(number(year, 4)?, month, number(day, 2)?, time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850_date(value: &[u8]) -> Option<u64> {
    let (_, rest) = std::str::from_utf8(value).ok()?.split_once(", ")?;
    let [date, time, "GMT"] = words(rest)? else {
        return None;
    };
    let mut parts = date.splitn(3, '-');
    let (day, month, year) = (parts.next()?, parts.next()?, number(parts.next()?, 2)?);
    let century = if year < 70 { 2000 } else { 1900 };
    seconds(century + year, month, number(day, 2)?, time)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime_date(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.replacen("  ", " 0", 1);
    let [_, month, day, time, year] = words(&text)?;
    seconds(number(year, 4)?, month, number(day, 2)?, time)
}

/// The words between single spaces, where there are `N`.
fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    let words: Vec<_> = text.split(' ').collect();
    words.try_into().ok()
}

/// Exactly so many digits as a number.
fn number(text: &str, digits: usize) -> Option<u64> {
    let digits_only = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    digits_only.then(|| text.parse().ok())?
}

fn seconds(year: u64, month: &str, day: u64, time: &str) -> Option<u64> {
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let before = MONTHS.iter().position(|(name, _)| *name == month)?;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_day = u64::from(is_leap(year) && before > 1);
    let month_length = MONTHS[before].1 + u64::from(is_leap(year) && before == 1);
    let mut clock = time.splitn(3, ':').map(|part| number(part, 2));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if day == 0 || day > month_length || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // The years before this one, and their leap days; the year 0 is one.
    let leap_days = year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400);
    let months: u64 = MONTHS[..before].iter().map(|(_, days)| days).sum();
    let days = year * 365 + leap_days + months + leap_day + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_one_date() {
        let date = http_date(b"Sun, 06 Nov 1994 08:49:37 GMT");
        // As the seconds since 1970.
        let epoch = http_date(b"Thu, 01 Jan 1970 00:00:00 GMT").unwrap();
        assert_eq!(date, Some(epoch + 784_111_777));
        assert_eq!(http_date(b"Sunday, 06-Nov-94 08:49:37 GMT"), date);
        assert_eq!(http_date(b"Sun Nov  6 08:49:37 1994"), date);
    }

    #[test]
    fn days_follow_each_other_over_months_years_and_leap_days() {
        let day = 24 * 60 * 60;
        for (before, after, days) in [
            ("28 Feb 2024", "01 Mar 2024", 2),
            ("28 Feb 2023", "01 Mar 2023", 1),
            ("28 Feb 2100", "01 Mar 2100", 1),
            ("28 Feb 2000", "01 Mar 2000", 2),
            ("31 Dec 2024", "01 Jan 2025", 1),
            ("01 Jan 2024", "01 Jan 2025", 366),
            ("01 Jan 2026", "01 Jan 2027", 365),
        ] {
            let at = |date: &str| http_date(format!("Xxx, {date} 00:00:00 GMT").as_bytes()).unwrap();
            assert_eq!(at(after) - at(before), days * day, "{before} to {after}");
        }
    }

    #[test]
    fn damaged_dates_are_none() {
        for date in [
            "",
            ", ",
            "0",
            "Sun, 06 Nov",
            "Sun, 0x Nov 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 2023 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 18446744073709551615 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994 GMT",
        ] {
            assert_eq!(http_date(date.as_bytes()), None, "{date:?}");
        }
    }
}
