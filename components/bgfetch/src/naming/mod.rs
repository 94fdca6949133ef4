//! Names for files, out of what a server or a URL says: never more than a name, and never outside the folder.

mod clean;
mod content_disposition;
mod numbering;

use http::HeaderMap;
use http::header::CONTENT_DISPOSITION;
use percent_encoding::percent_decode_str;
use url::Url;

pub(crate) use numbering::Numbering;

/// What a file is called that nobody gives a name.
const NAMELESS: &str = "download";

/// The name that a response asks for: its Content-Disposition's, or else the last segment of the request's URL.
pub fn file_name(url: &Url, headers: &HeaderMap) -> String {
    let disposition = headers
        .get_all(CONTENT_DISPOSITION)
        .iter()
        .find_map(|value| content_disposition::file_name(value.as_bytes()));
    disposition
        .and_then(|name| clean::clean(&name))
        .or_else(|| url_name(url))
        .unwrap_or_else(|| NAMELESS.to_owned())
}

/// The name that a URL gives, where it gives one.
pub(crate) fn url_name(url: &Url) -> Option<String> {
    let segment = url.path_segments()?.next_back()?;
    clean::clean(&percent_decode_str(segment).decode_utf8_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    fn name(url: &str, disposition: Option<&[u8]>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(disposition) = disposition {
            headers.insert(CONTENT_DISPOSITION, disposition.try_into().unwrap());
        }
        file_name(&Url::parse(url).unwrap(), &headers)
    }

    #[test]
    fn the_url_names_a_file_unless_the_server_does() {
        assert_eq!(name("https://a.example/dir/a%20b.txt?q=1#f", None), "a b.txt");
        assert_eq!(name("https://a.example/", None), "download");
        assert_eq!(name("https://a.example/dir/", None), "download");
        assert_eq!(
            name("https://a.example/x", Some(b"attachment; filename=\"y.bin\"")),
            "y.bin"
        );
        assert_eq!(
            name("https://a.example/x", Some(b"attachment; filename=\"..\"")),
            "x"
        );
        assert_eq!(name("https://a.example/x", Some(b"inline")), "x");
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        assert_eq!(name("https://a.example/..%2F..%2Fetc%2Fpasswd", None), "passwd");
        assert_eq!(
            name("https://a.example/x", Some(b"a; filename=\"/etc/passwd\"")),
            "passwd"
        );
        assert_eq!(
            name("https://a.example/x", Some(br#"a; filename="C:\\dir\\evil.exe""#)),
            "evil.exe"
        );
        assert_eq!(
            name("https://a.example/x", Some(b"a; filename*=UTF-8''..%2f.profile")),
            "profile"
        );
    }

    proptest! {
        #[test]
        fn any_url_and_any_header_give_one_plain_name(path in "(\\PC|%[0-9a-f]{2}|[./\\\\]){0,40}", header in proptest::collection::vec(any::<u8>(), 0..60)) {
            let Ok(url) = Url::parse(&format!("https://a.example/{path}")) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            if let Ok(value) = http::HeaderValue::from_bytes(&[b"attachment; filename=".as_slice(), &header].concat()) {
                headers.insert(CONTENT_DISPOSITION, value);
            }
            let name = file_name(&url, &headers);
            prop_assert!(!name.is_empty() && name.len() <= 200, "{name:?}");
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']), "{name:?}");
            prop_assert!(!name.chars().any(char::is_control), "{name:?}");
            let components: Vec<_> = Path::new(&name).components().collect();
            prop_assert!(matches!(components[..], [Component::Normal(_)]), "{name:?}");
        }
    }
}
