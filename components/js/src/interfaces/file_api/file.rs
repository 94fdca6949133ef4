//! `File`: a blob with a name.

use std::time::{SystemTime, UNIX_EPOCH};

use background_fetch::DomString;

use super::{Blob, BlobData};
use crate::bindings::{BlobPart, FileMethods, FilePropertyBag};
use crate::engine::{Cx, Slots};
use crate::webidl::{Fallible, Inherits, Ref, Serializable, create};

/// A blob with a name.
///
/// <https://w3c.github.io/FileAPI/#dfn-file>
pub struct File {
    blob: Blob,
    name: String,
    last_modified: i64,
}

/// What a file is, outside of its realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileData {
    /// Its bytes and their type.
    pub blob: BlobData,
    /// Its name.
    pub name: String,
    /// When it was changed last, in milliseconds since 1970.
    pub last_modified: i64,
}

impl FileData {
    /// A file that was made at this moment.
    pub fn new(blob: BlobData, name: String) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            blob,
            name,
            last_modified: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

impl File {
    /// A file of this data.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(cx: &Cx<'js>, data: FileData) -> Fallible<'js, Ref<'js, Self>> {
        create(cx, Self::from(data), Slots::default())
    }

    /// What it is.
    pub fn data(&self) -> FileData {
        FileData {
            blob: self.blob.data().clone(),
            name: self.name.clone(),
            last_modified: self.last_modified,
        }
    }
}

impl From<FileData> for File {
    fn from(data: FileData) -> Self {
        Self {
            blob: data.blob.into(),
            name: data.name,
            last_modified: data.last_modified,
        }
    }
}

impl Inherits<Blob> for File {
    fn parent(&self) -> &Blob {
        &self.blob
    }
}

impl Serializable for File {
    type Data = FileData;

    fn serialize<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, FileData> {
        Ok(this.data())
    }

    fn deserialize<'js>(cx: &Cx<'js>, data: FileData) -> Fallible<'js, Ref<'js, Self>> {
        Self::create(cx, data)
    }
}

impl FileMethods for File {
    fn kept_bytes(&self) -> usize {
        self.name.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        _: &Slots<'js>,
        file_bits: Vec<BlobPart<'js>>,
        file_name: String,
        options: FilePropertyBag,
    ) -> Fallible<'js, Self> {
        let blob = Blob::from_parts(cx, file_bits, &options.parent)?;
        let mut file = Self::from(FileData::new(blob.data().clone(), file_name));
        if let Some(last_modified) = options.last_modified {
            file.last_modified = last_modified;
        }
        Ok(file)
    }

    fn name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.name.as_str().into())
    }

    fn last_modified<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, i64> {
        Ok(this.last_modified)
    }
}
