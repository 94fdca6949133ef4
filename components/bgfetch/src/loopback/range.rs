//! The ranges of requests: a single one, as `Range` has it.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything: there is no range, or none that is understood.
    Whole,
    /// So many bytes from this one on.
    Bytes { first: u64, count: u64 },
    /// Nothing that is there.
    None,
}

/// What a `Range` asks for of so many bytes.
///
/// <https://httpwg.org/specs/rfc9110.html#field.range>
pub(super) fn part_of(range: &str, length: u64) -> Part {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Part::Whole;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    let (first, last) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last),
        (Some(first), None) if last.is_empty() => (first, u64::MAX),
        // The last bytes.
        (None, Some(count)) if first.is_empty() => match count {
            0 => return Part::None,
            count => (length.saturating_sub(count), u64::MAX),
        },
        _ => return Part::Whole,
    };
    if first >= length {
        return Part::None;
    }
    let count = last.min(length - 1) - first + 1;
    Part::Bytes { first, count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_what_is_there() {
        let bytes = |first, count| Part::Bytes { first, count };
        for (range, expected) in [
            ("bytes=0-", bytes(0, 10)),
            ("bytes=3-5", bytes(3, 3)),
            ("bytes=3-99", bytes(3, 7)),
            ("bytes=-4", bytes(6, 4)),
            ("bytes=-99", bytes(0, 10)),
            ("bytes=10-", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=5-3", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(part_of(range, 10), expected, "{range}");
        }
        assert_eq!(part_of("bytes=0-", 0), Part::None);
    }
}
