//! `URL`.

use std::cell::RefCell;

use background_fetch::DomString;
use url::{Url, quirks};

use super::URLSearchParams;
use super::blob_url::{create_object_url, revoke_object_url};
use super::parser::{origin, parse};
use crate::bindings::URLMethods;
use crate::engine::{Cx, Slots};
use crate::interfaces::Blob;
use crate::webidl::{Fallible, FromJs, Ref, create};

/// A URL whose parts can be changed.
///
/// <https://url.spec.whatwg.org/#url-class>
pub struct URL(RefCell<Url>);

/// The query object, from when it is asked for first.
const SEARCH_PARAMS: &str = "searchParams";

impl URL {
    /// The URL as it is now.
    pub fn url(&self) -> Url {
        self.0.borrow().clone()
    }

    /// The query object has changed.
    ///
    /// <https://url.spec.whatwg.org/#concept-urlsearchparams-update>
    pub(super) fn set_query(&self, query: &str) {
        let query = Some(query).filter(|query| !query.is_empty());
        self.0.borrow_mut().set_query(query);
    }

    /// The query has changed: so does the query object.
    fn refresh_search_params<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        if let Some(params) = this.slots().named(SEARCH_PARAMS) {
            let params = Ref::<URLSearchParams>::from_js(cx, &params)?;
            params.reload(cx, this.0.borrow().query())?;
        }
        Ok(())
    }

    /// Changes a part; what cannot be, changes nothing.
    fn change<'js>(
        this: &Ref<'js, Self>,
        set: impl FnOnce(&mut Url, &str) -> Result<(), ()>,
        value: &str,
    ) -> Fallible<'js, ()> {
        // Web IDL has no exception for it.
        let _ = set(&mut this.0.borrow_mut(), value);
        Ok(())
    }
}

impl URLMethods for URL {
    fn kept_bytes(&self) -> usize {
        self.0.borrow().as_str().len()
    }

    fn constructor<'js>(
        _: &Cx<'js>,
        _: &Slots<'js>,
        url: String,
        base: Option<String>,
    ) -> Fallible<'js, Self> {
        Ok(Self(RefCell::new(parse(&url, base.as_deref())?)))
    }

    fn parse<'js>(cx: &Cx<'js>, url: String, base: Option<String>) -> Fallible<'js, Option<Ref<'js, Self>>> {
        match parse(&url, base.as_deref()) {
            Ok(url) => create(cx, Self(RefCell::new(url)), Slots::default()).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn can_parse<'js>(_: &Cx<'js>, url: String, base: Option<String>) -> Fallible<'js, bool> {
        Ok(parse(&url, base.as_deref()).is_ok())
    }

    fn create_object_url<'js>(cx: &Cx<'js>, obj: Ref<'js, Blob>) -> Fallible<'js, DomString> {
        create_object_url(cx, obj.data())
    }

    fn revoke_object_url<'js>(cx: &Cx<'js>, url: DomString) -> Fallible<'js, ()> {
        revoke_object_url(cx, &url);
        Ok(())
    }

    fn href<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::href(&this.0.borrow()).to_owned())
    }

    fn set_href<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        let parsed = parse(&value, None)?;
        *this.0.borrow_mut() = parsed;
        Self::refresh_search_params(this, cx)
    }

    fn origin<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(origin(&this.0.borrow()))
    }

    fn protocol<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::protocol(&this.0.borrow()).to_owned())
    }

    fn set_protocol<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        Self::change(this, quirks::set_protocol, &value)
    }

    fn username<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::username(&this.0.borrow()).to_owned())
    }

    fn set_username<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        Self::change(this, quirks::set_username, &value)
    }

    fn password<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::password(&this.0.borrow()).to_owned())
    }

    fn set_password<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        Self::change(this, quirks::set_password, &value)
    }

    fn host<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::host(&this.0.borrow()).to_owned())
    }

    fn set_host<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        Self::change(this, quirks::set_host, &value)
    }

    fn hostname<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::hostname(&this.0.borrow()).to_owned())
    }

    fn set_hostname<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        Self::change(this, quirks::set_hostname, &value)
    }

    fn port<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::port(&this.0.borrow()).to_owned())
    }

    fn set_port<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        // What is ignored in a URL is no port, and does not take it away.
        if !value.is_empty() && value.chars().all(|c| matches!(c, '\t' | '\n' | '\r')) {
            return Ok(());
        }
        Self::change(this, quirks::set_port, &value)
    }

    fn pathname<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::pathname(&this.0.borrow()).to_owned())
    }

    fn set_pathname<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        quirks::set_pathname(&mut this.0.borrow_mut(), &value);
        Ok(())
    }

    fn search<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::search(&this.0.borrow()).to_owned())
    }

    fn set_search<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        quirks::set_search(&mut this.0.borrow_mut(), &value);
        Self::refresh_search_params(this, cx)
    }

    fn search_params<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, URLSearchParams>> {
        if let Some(params) = this.slots().named(SEARCH_PARAMS) {
            return Ref::from_js(cx, &params);
        }
        let params = URLSearchParams::of_url(cx, this, this.0.borrow().query())?;
        this.slots().set_named(SEARCH_PARAMS, params.value());
        Ok(params)
    }

    fn hash<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(quirks::hash(&this.0.borrow()).to_owned())
    }

    fn set_hash<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        quirks::set_hash(&mut this.0.borrow_mut(), &value);
        Ok(())
    }

    fn to_json<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, String> {
        Self::href(this, cx)
    }
}
