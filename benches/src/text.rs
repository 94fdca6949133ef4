//! Numbers as people read them.

/// Bytes in MiB.
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A duration with three significant digits.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        ..0.9995 => format!("{:.0} ms", seconds * 1e3),
        ..9.995 => format!("{seconds:.2} s"),
        ..99.95 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// A cost in milliseconds, with what digits it takes.
pub(crate) fn milliseconds(seconds: f64) -> String {
    let milliseconds = seconds * 1e3;
    match milliseconds {
        ..0.9995 => format!("{milliseconds:.3}"),
        ..9.995 => format!("{milliseconds:.2}"),
        ..99.95 => format!("{milliseconds:.1}"),
        _ => format!("{milliseconds:.0}"),
    }
}

/// A size in the largest unit that gives a whole number.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units
        .into_iter()
        .find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    match unit {
        Some((shift, unit)) => format!("{} {unit}", bytes >> shift),
        None => format!("{bytes} B"),
    }
}

/// A count, in groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_digits_that_matter() {
        let shown = [0.0123, 0.9994, 0.9996, 1.234, 9.994, 9.996, 61.26, 612.6].map(seconds);
        assert_eq!(
            shown,
            [
                "12 ms", "999 ms", "1.00 s", "1.23 s", "9.99 s", "10.0 s", "61.3 s", "613 s"
            ]
        );
        let shown = [0.000_061_2, 0.00612, 0.0612, 6.12].map(milliseconds);
        assert_eq!(shown, ["0.061", "6.12", "61.2", "6120"]);
    }

    #[test]
    fn sizes_and_counts_are_exact() {
        let shown = [0, 100, 1 << 10, 1536, 10 << 20, 8 << 30].map(size);
        assert_eq!(shown, ["0 B", "100 B", "1 KiB", "1536 B", "10 MiB", "8 GiB"]);
        let shown = [0, 999, 1_000, 100_000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "100,000", "1,234,567"]);
    }
}
