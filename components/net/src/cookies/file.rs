//! The file of a cookie jar: JSON, replaced as a whole.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cookie_store::{Cookie, CookieStore};
use serde::{Deserialize, Serialize};

/// The version of the file's form.
const VERSION: u32 = 1;

/// No jar is this long, in bytes: the most cookies of the greatest length make less.
const LONGEST: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
struct Stored {
    version: u32,
    cookies: Vec<Cookie<'static>>,
}

#[derive(Serialize)]
struct Storing<'a> {
    version: u32,
    cookies: Vec<&'a Cookie<'static>>,
}

/// Why a cookie jar cannot be opened or saved.
#[derive(Debug)]
#[non_exhaustive]
pub enum CookieJarError {
    /// The file is there, and is none of this version.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for CookieJarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { path, reason } => write!(
                f,
                "the cookie jar {} is damaged ({reason}): move it away to start with an empty one",
                path.display()
            ),
            Self::Read { path, error } => write!(f, "cannot read the cookie jar {}: {error}", path.display()),
            Self::Write { path, error } => {
                write!(f, "cannot save the cookie jar {}: {error}", path.display())
            }
        }
    }
}

impl Error for CookieJarError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Damaged { .. } => None,
            Self::Read { error, .. } | Self::Write { error, .. } => Some(error),
        }
    }
}

/// The cookies of a file that have not expired; none where there is no file.
pub(super) fn read(path: &Path) -> Result<CookieStore, CookieJarError> {
    let damaged = |reason: String| CookieJarError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let mut text = Vec::new();
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(CookieStore::default()),
        file => file,
    };
    file.and_then(|file| file.take(LONGEST + 1).read_to_end(&mut text))
        .map_err(|error| CookieJarError::Read {
            path: path.to_owned(),
            error,
        })?;
    if text.len() as u64 > LONGEST {
        return Err(damaged("it is too long".to_owned()));
    }
    parse(&text).map_err(damaged)
}

/// The cookies of a file's text that have not expired; why it is none, otherwise.
pub(crate) fn parse(text: &[u8]) -> Result<CookieStore, String> {
    let stored: Stored = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if stored.version != VERSION {
        return Err(format!("it is of version {}, not {VERSION}", stored.version));
    }
    let cookies = stored.cookies.into_iter().map(Ok::<_, io::Error>);
    CookieStore::from_cookies(cookies, false).map_err(|error| error.to_string())
}

/// What is saved: everything but session cookies.
pub(crate) fn text(cookies: &CookieStore) -> Vec<u8> {
    let persistent = cookies.iter_unexpired().filter(|cookie| cookie.is_persistent());
    let stored = Storing {
        version: VERSION,
        cookies: persistent.collect(),
    };
    // Nothing of a cookie fails to serialise; an empty text would be found damaged, and never be written.
    serde_json::to_vec(&stored).unwrap_or_default()
}

/// Puts this text in the place of the file, so that after a crash one of both is there. Only the user may read it.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), CookieJarError> {
    let replaced = || {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, path)?;
        match path.parent() {
            // Its entry in the folder, where folders can be opened.
            Some(folder) if cfg!(unix) && folder != Path::new("") => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    replaced().map_err(|error| CookieJarError::Write {
        path: path.to_owned(),
        error,
    })
}
