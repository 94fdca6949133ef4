//! Conformance tests of the Background Fetch API: they live in `tests/`, one file per algorithm of the
//! specification. `README.md` has the table, `errata.md` what is pinned where the text is wrong or silent.
