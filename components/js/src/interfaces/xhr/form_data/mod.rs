//! `FormData`: names with strings and files.

pub mod multipart;

use std::cell::RefCell;

use crate::bindings::{FormDataEntryValue, FormDataMethods};
use crate::engine::{Cx, SlotKey, Slots};
use crate::interfaces::{Blob, File, FileData, HTMLElement, HTMLFormElement};
use crate::realm::Charge;
use crate::webidl::{Fallible, FromJs, Ref, create};

/// Names with strings and files.
///
/// <https://xhr.spec.whatwg.org/#interface-formdata>
#[derive(Default)]
pub struct FormData(RefCell<Vec<Entry>>);

struct Entry {
    name: String,
    value: EntryValue,
    _charge: Charge,
}

enum EntryValue {
    Text(String),
    /// The slot with the object.
    File(SlotKey),
}

/// An entry, outside of its realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormEntry {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: FormValue,
}

/// The value of an entry, outside of its realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormValue {
    /// A string.
    Text(String),
    /// A file.
    File(FileData),
}

impl FormData {
    /// One with these entries.
    ///
    /// # Errors
    ///
    /// Where there is no memory for them.
    pub fn from_entries<'js>(cx: &Cx<'js>, entries: Vec<FormEntry>) -> Fallible<'js, Ref<'js, Self>> {
        let this = create(cx, Self::default(), Slots::default())?;
        for entry in entries {
            let value = match entry.value {
                FormValue::Text(text) => FormDataEntryValue::UsvString(text),
                FormValue::File(file) => FormDataEntryValue::File(File::create(cx, file)?),
            };
            let entry = Self::entry(&this, cx, entry.name, value)?;
            this.0.borrow_mut().push(entry);
        }
        Ok(this)
    }

    /// Its entries.
    ///
    /// # Errors
    ///
    /// None, as long as the slots of its files have files.
    pub fn entries<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Vec<FormEntry>> {
        let entries = this.0.borrow();
        let entries = entries.iter().map(|entry| {
            let value = match value_of(this, cx, entry)? {
                FormDataEntryValue::UsvString(text) => FormValue::Text(text),
                FormDataEntryValue::File(file) => FormValue::File(file.data()),
            };
            Ok(FormEntry {
                name: entry.name.clone(),
                value,
            })
        });
        entries.collect()
    }

    /// An entry whose file is in a slot of this.
    fn entry<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
        value: FormDataEntryValue<'js>,
    ) -> Fallible<'js, Entry> {
        let length = match &value {
            FormDataEntryValue::UsvString(text) => text.capacity(),
            FormDataEntryValue::File(_) => 0,
        };
        let charge = Charge::new(cx, size_of::<Entry>() + name.capacity() + length)?;
        let value = match value {
            FormDataEntryValue::UsvString(text) => EntryValue::Text(text),
            FormDataEntryValue::File(file) => EntryValue::File(this.slots().add(file.value())),
        };
        Ok(Entry {
            name,
            value,
            _charge: charge,
        })
    }

    fn append_entry<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
        value: FormDataEntryValue<'js>,
    ) -> Fallible<'js, ()> {
        let entry = Self::entry(this, cx, name, value)?;
        this.0.borrow_mut().push(entry);
        Ok(())
    }

    fn set_entry<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
        value: FormDataEntryValue<'js>,
    ) -> Fallible<'js, ()> {
        let entry = Self::entry(this, cx, name, value)?;
        let first = this.0.borrow().iter().position(|other| other.name == entry.name);
        let Some(first) = first else {
            this.0.borrow_mut().push(entry);
            return Ok(());
        };
        // It takes the place of the first; the others of its name go.
        let name = entry.name.clone();
        let old = std::mem::replace(&mut this.0.borrow_mut()[first], entry);
        forget(this, &old);
        Self::remove(this, first + 1, &name);
        Ok(())
    }

    /// Removes the entries of a name, from a place on.
    fn remove(this: &Ref<'_, Self>, from: usize, name: &str) {
        let mut index = 0;
        this.0.borrow_mut().retain(|entry| {
            index += 1;
            let stays = index <= from || entry.name != name;
            if !stays {
                forget(this, entry);
            }
            stays
        });
    }
}

fn forget(this: &Ref<'_, FormData>, entry: &Entry) {
    if let EntryValue::File(slot) = entry.value {
        this.slots().remove(slot);
    }
}

fn value_of<'js>(
    this: &Ref<'js, FormData>,
    cx: &Cx<'js>,
    entry: &Entry,
) -> Fallible<'js, FormDataEntryValue<'js>> {
    match &entry.value {
        EntryValue::Text(text) => Ok(FormDataEntryValue::UsvString(text.clone())),
        EntryValue::File(slot) => {
            let file = this.slots().get(*slot).unwrap_or_else(|| cx.undefined());
            Ref::from_js(cx, &file).map(FormDataEntryValue::File)
        }
    }
}

/// The file that a blob becomes in an entry.
///
/// <https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#create-an-entry>
fn file_of<'js>(
    cx: &Cx<'js>,
    blob: &Ref<'js, Blob>,
    filename: Option<String>,
) -> Fallible<'js, FormDataEntryValue<'js>> {
    let file = match (blob.downcast::<File>(), filename) {
        (Some(file), None) => file,
        (Some(file), Some(name)) => File::create(cx, FileData { name, ..file.data() })?,
        (None, name) => {
            let name = name.unwrap_or_else(|| "blob".to_owned());
            File::create(cx, FileData::new(blob.data().clone(), name))?
        }
    };
    Ok(FormDataEntryValue::File(file))
}

impl FormDataMethods for FormData {
    fn constructor<'js>(
        _: &Cx<'js>,
        _: &Slots<'js>,
        _: Option<HTMLFormElement<'js>>,
        _: Option<Ref<'js, HTMLElement>>,
    ) -> Fallible<'js, Self> {
        // No value is a form.
        Ok(Self::default())
    }

    fn append<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, name: String, value: String) -> Fallible<'js, ()> {
        Self::append_entry(this, cx, name, FormDataEntryValue::UsvString(value))
    }

    fn append_2<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
        blob_value: Ref<'js, Blob>,
        filename: Option<String>,
    ) -> Fallible<'js, ()> {
        Self::append_entry(this, cx, name, file_of(cx, &blob_value, filename)?)
    }

    fn delete<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: String) -> Fallible<'js, ()> {
        Self::remove(this, 0, &name);
        Ok(())
    }

    fn get<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
    ) -> Fallible<'js, Option<FormDataEntryValue<'js>>> {
        let entries = this.0.borrow();
        let found = entries.iter().find(|entry| entry.name == name);
        found.map(|entry| value_of(this, cx, entry)).transpose()
    }

    fn get_all<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
    ) -> Fallible<'js, Vec<FormDataEntryValue<'js>>> {
        let entries = this.0.borrow();
        let found = entries.iter().filter(|entry| entry.name == name);
        found.map(|entry| value_of(this, cx, entry)).collect()
    }

    fn has<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: String) -> Fallible<'js, bool> {
        Ok(this.0.borrow().iter().any(|entry| entry.name == name))
    }

    fn set<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, name: String, value: String) -> Fallible<'js, ()> {
        Self::set_entry(this, cx, name, FormDataEntryValue::UsvString(value))
    }

    fn set_2<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
        blob_value: Ref<'js, Blob>,
        filename: Option<String>,
    ) -> Fallible<'js, ()> {
        Self::set_entry(this, cx, name, file_of(cx, &blob_value, filename)?)
    }

    fn pair_at<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        index: usize,
    ) -> Fallible<'js, Option<(String, FormDataEntryValue<'js>)>> {
        let entries = this.0.borrow();
        let Some(entry) = entries.get(index) else {
            return Ok(None);
        };
        Ok(Some((entry.name.clone(), value_of(this, cx, entry)?)))
    }
}
