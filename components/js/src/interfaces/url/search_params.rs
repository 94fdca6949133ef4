//! `URLSearchParams`: the list of names and values in a query.

use std::cell::RefCell;

use background_fetch::DomString;
use url::form_urlencoded;

use super::URL;
use crate::bindings::{URLSearchParamsMethods, UsvStringSequenceSequenceOrRecordOrUsvString as Init};
use crate::engine::{Cx, Slots};
use crate::realm::Charge;
use crate::webidl::{Error, Fallible, FromJs, Ref, create};

/// The list of names and values in a query.
///
/// <https://url.spec.whatwg.org/#urlsearchparams>
#[derive(Default)]
pub struct URLSearchParams(RefCell<Vec<Tuple>>);

/// A name with a value.
struct Tuple {
    name: String,
    value: String,
    _charge: Charge,
}

impl Tuple {
    fn new<'js>(cx: &Cx<'js>, name: String, value: String) -> Fallible<'js, Self> {
        let charge = Charge::new(cx, size_of::<Self>() + name.capacity() + value.capacity())?;
        Ok(Self {
            name,
            value,
            _charge: charge,
        })
    }
}

/// The URL whose query it is.
const URL_OBJECT: &str = "url";

impl URLSearchParams {
    /// The query object of a URL.
    pub(super) fn of_url<'js>(
        cx: &Cx<'js>,
        url: &Ref<'js, URL>,
        query: Option<&str>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let slots = Slots::default();
        slots.set_named(URL_OBJECT, url.value());
        let this = Self::default();
        this.reload(cx, query)?;
        create(cx, this, slots)
    }

    /// Takes the list of a query.
    pub(super) fn reload<'js>(&self, cx: &Cx<'js>, query: Option<&str>) -> Fallible<'js, ()> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let list: Result<_, _> = pairs
            .map(|(name, value)| Tuple::new(cx, name.into_owned(), value.into_owned()))
            .collect();
        self.0.replace(list?);
        Ok(())
    }

    /// The list, as `application/x-www-form-urlencoded`.
    pub fn serialize(&self) -> String {
        let list = self.0.borrow();
        let pairs = list
            .iter()
            .map(|tuple| (tuple.name.as_str(), tuple.value.as_str()));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }

    /// The URL follows.
    ///
    /// <https://url.spec.whatwg.org/#concept-urlsearchparams-update>
    fn update<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        if let Some(url) = this.slots().named(URL_OBJECT) {
            Ref::<URL>::from_js(cx, &url)?.set_query(&this.serialize());
        }
        Ok(())
    }
}

impl URLSearchParamsMethods for URLSearchParams {
    /// <https://url.spec.whatwg.org/#urlsearchparams-initialize>
    fn constructor<'js>(cx: &Cx<'js>, _: &Slots<'js>, init: Init) -> Fallible<'js, Self> {
        let this = Self::default();
        let pairs = match init {
            Init::UsvString(query) => {
                this.reload(cx, Some(query.strip_prefix('?').unwrap_or(&query)))?;
                return Ok(this);
            }
            Init::Record(record) => record.0,
            Init::UsvStringSequenceSequence(sequence) => {
                let pairs = sequence.into_iter().map(|inner| {
                    <[String; 2]>::try_from(inner)
                        .map(|[name, value]| (name, value))
                        .map_err(|inner| {
                            Error::type_error(format!(
                                "a pair has two strings, and one here has {}",
                                inner.len()
                            ))
                        })
                });
                pairs.collect::<Result<_, _>>()?
            }
        };
        let list: Result<_, _> = pairs
            .into_iter()
            .map(|(name, value)| Tuple::new(cx, name, value))
            .collect();
        this.0.replace(list?);
        Ok(this)
    }

    fn size<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u32> {
        Ok(this.0.borrow().len() as u32)
    }

    fn append<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, name: String, value: String) -> Fallible<'js, ()> {
        let tuple = Tuple::new(cx, name, value)?;
        this.0.borrow_mut().push(tuple);
        Self::update(this, cx)
    }

    fn delete<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        name: String,
        value: Option<String>,
    ) -> Fallible<'js, ()> {
        let stays =
            |tuple: &Tuple| tuple.name != name || value.as_ref().is_some_and(|value| *value != tuple.value);
        this.0.borrow_mut().retain(stays);
        Self::update(this, cx)
    }

    fn get<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: String) -> Fallible<'js, Option<String>> {
        let list = this.0.borrow();
        let found = list.iter().find(|tuple| tuple.name == name);
        Ok(found.map(|tuple| tuple.value.clone()))
    }

    fn get_all<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, name: String) -> Fallible<'js, Vec<String>> {
        let list = this.0.borrow();
        let found = list.iter().filter(|tuple| tuple.name == name);
        Ok(found.map(|tuple| tuple.value.clone()).collect())
    }

    fn has<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        name: String,
        value: Option<String>,
    ) -> Fallible<'js, bool> {
        let is_it =
            |tuple: &Tuple| tuple.name == name && value.as_ref().is_none_or(|value| *value == tuple.value);
        Ok(this.0.borrow().iter().any(is_it))
    }

    fn set<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, name: String, value: String) -> Fallible<'js, ()> {
        let tuple = Tuple::new(cx, name, value)?;
        let mut list = this.0.borrow_mut();
        let first = list.iter().position(|other| other.name == tuple.name);
        match first {
            // It keeps its place; the others of its name go.
            Some(first) => {
                let mut index = 0;
                list.retain(|other| {
                    index += 1;
                    index <= first + 1 || other.name != tuple.name
                });
                list[first] = tuple;
            }
            None => list.push(tuple),
        }
        drop(list);
        Self::update(this, cx)
    }

    fn sort<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        // By code units, which is not the order of UTF-8.
        this.0
            .borrow_mut()
            .sort_by(|a, b| a.name.encode_utf16().cmp(b.name.encode_utf16()));
        Self::update(this, cx)
    }

    fn pair_at<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        index: usize,
    ) -> Fallible<'js, Option<(String, String)>> {
        let list = this.0.borrow();
        Ok(list
            .get(index)
            .map(|tuple| (tuple.name.clone(), tuple.value.clone())))
    }

    fn to_string<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.serialize().into())
    }
}
