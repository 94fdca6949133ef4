//! Cleaning a name from outside, so that it is a file name on every platform and shows what it is.

/// The longest name in bytes: most file systems take 255, and a number may be added.
const LONGEST: usize = 200;

/// The longest extension in bytes that survives when a name is cut.
const LONGEST_EXTENSION: usize = 20;

/// A clean name; none where nothing is left.
///
/// Only what follows the last separator counts. Control characters and those that change the direction of text go,
/// characters that some platforms do not allow become `_`, dots at the start and dots and spaces at the end go, and a
/// name that Windows reserves gets a `_` before it.
pub(super) fn clean(name: &str) -> Option<String> {
    let name = name.trim_end_matches(['/', '\\']);
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|&character| !character.is_control() && !is_invisible(character))
        .map(|character| match character {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            other => other,
        })
        .collect();
    let name = trim(&name);
    if name.is_empty() {
        return None;
    }
    let name = if is_reserved(name) {
        format!("_{name}")
    } else {
        name.to_owned()
    };
    Some(shorten(&name, LONGEST))
}

/// Splits a name before its extension, which has its dot; there may be none.
pub(super) fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

fn trim(name: &str) -> &str {
    name.trim_start_matches(|character: char| character == '.' || character.is_whitespace())
        .trim_end_matches(|character: char| character == '.' || character.is_whitespace())
}

/// Marks that hide or reorder what follows them: `exe.txt` must not read as `txt.exe`.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// Names of devices, with or without an extension.
///
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions>
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    numbered.is_some_and(|number| {
        let mut characters = number.chars();
        matches!(characters.next(), Some('0'..='9' | '¹' | '²' | '³')) && characters.next().is_none()
    })
}

/// Cuts the stem, so that the extension stays.
fn shorten(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    let (stem, extension) = match split_extension(name) {
        (stem, extension) if extension.len() <= LONGEST_EXTENSION => (stem, extension),
        _ => (name, ""),
    };
    let stem = &stem[..stem.floor_char_boundary(longest - extension.len())];
    let stem = stem.trim_end_matches(|character: char| character == '.' || character.is_whitespace());
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (from, to) in [
            ("a.txt", "a.txt"),
            ("dir/a.txt", "a.txt"),
            ("dir/a.txt/", "a.txt"),
            ("..\\..\\a.txt", "a.txt"),
            (".bashrc", "bashrc"),
            ("... a. . ", "a"),
            ("a\0b\nc\u{85}d", "abcd"),
            ("a:b|c?.txt", "a_b_c_.txt"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("Lpt1 .x", "_Lpt1 .x"),
            ("COM²", "_COM²"),
            ("COM10", "COM10"),
            ("console", "console"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("日本語.txt", "日本語.txt"),
        ] {
            assert_eq!(clean(from).as_deref(), Some(to), "{from:?}");
        }
        for nothing in ["", ".", "..", "/", "\\", "...", " \t", "\u{202e}", "\0"] {
            assert_eq!(clean(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_its_extension_and_between_characters() {
        let long = clean(&format!("{}.tar", "ä".repeat(300))).unwrap();
        assert!(long.len() <= LONGEST && long.ends_with("ä.tar"), "{long}");
        let all_extension = clean(&format!("a.{}", "x".repeat(300))).unwrap();
        assert_eq!(all_extension.len(), LONGEST);
    }
}
