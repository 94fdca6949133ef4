//! What `bgfetch` reads: the name of a file.

use std::path::{Component, Path};

use http::HeaderMap;
use url::Url;

/// A name is one plain name, never a way to another folder.
pub fn check(fields: &HeaderMap) {
    let location = fields.get(http::header::CONTENT_LOCATION);
    let path = location.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(url) = Url::parse(&format!("https://a.example/{path}")) else {
        return;
    };
    let name = bgfetch::file_name(&url, fields);
    assert!(!name.is_empty() && name.len() <= 200, "{name:?}");
    assert!(
        !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']),
        "{name:?}"
    );
    assert!(!name.chars().any(char::is_control), "{name:?}");
    let components: Vec<_> = Path::new(&name).components().collect();
    assert!(matches!(components[..], [Component::Normal(_)]), "{name:?}");
}
