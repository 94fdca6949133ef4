//! Domains that cookies are not for, by the public suffix list.

/// Whether whoever has a name under this domain has no other than their own: "com", "co.uk", "github.io", and any
/// name without a dot.
pub(super) fn is_public_suffix(domain: &str) -> bool {
    !domain.contains('.') || psl::suffix_str(domain) == Some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_owns_a_public_suffix() {
        for domain in ["com", "co.uk", "github.io", "localhost"] {
            assert!(is_public_suffix(domain), "{domain}");
        }
        for domain in ["example.com", "a.co.uk", "a.github.io"] {
            assert!(!is_public_suffix(domain), "{domain}");
        }
    }
}
