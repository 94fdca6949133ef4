//! Requests of scripts as those of the component, and back.

use std::cell::RefCell;

use background_fetch::api::{self, RequestObject};
use background_fetch::fetch::{self, RequestBody};

use super::Request;
use crate::bindings::RequestInfo;
use crate::engine::{Cx, Slots};
use crate::interfaces::fetch::body::{self, Body};
use crate::interfaces::fetch::{Guard, SharedHeaders};
use crate::interfaces::{ByteStream, EndReason};
use crate::webidl::{Error, Fallible, Ref, create};

impl Request {
    /// The request for the component and its network: with its headers, as HTTP sends them.
    ///
    /// # Errors
    ///
    /// A TypeError where a header cannot be sent.
    pub fn to_component<'js>(&self) -> Fallible<'js, fetch::Request> {
        let headers = self.headers.borrow().to_map().map_err(Error::type_error)?;
        Ok(fetch::Request {
            headers,
            ..self.request.clone()
        })
    }

    /// Takes its body: none where it has none.
    ///
    /// # Errors
    ///
    /// A TypeError where it was used, or its stream is locked.
    pub fn take_body<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<RequestBody>> {
        body::send(this, cx, EndReason::default())
    }

    /// An object for a request of the component.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn from_component<'js>(
        cx: &Cx<'js>,
        request: &fetch::Request,
        guard: Guard,
        body: Option<ByteStream>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let slots = Slots::default();
        let headers = (&request.headers).into();
        let this = Self {
            request: fetch::Request {
                headers: http::HeaderMap::new(),
                ..request.clone()
            },
            headers: SharedHeaders::new(RefCell::new(headers)),
            guard,
            body: body.map(Body::stream).unwrap_or_default(),
            blob: None,
        };
        let this = Self::assemble(cx, &slots, this, &[])?;
        create(cx, this, slots)
    }
}

/// What a script gives to a method that fetches it: the body goes with it.
///
/// # Errors
///
/// A TypeError where a header cannot be sent.
pub fn request_info<'js>(cx: &Cx<'js>, info: &RequestInfo<'js>) -> Fallible<'js, api::RequestInfo> {
    let request = match info {
        RequestInfo::UsvString(url) => return Ok(url.as_str().into()),
        RequestInfo::Request(request) => request,
    };
    let body_used = body::is_unusable(request, cx);
    let object = RequestObject {
        request: request.to_component()?,
        body: if body_used {
            None
        } else {
            body::send(request, cx, EndReason::default())?
        },
        body_used,
    };
    Ok(object.into())
}

/// What a script gives to a method that only looks for it: it keeps its body.
///
/// # Errors
///
/// A TypeError where a header cannot be sent.
pub fn request_info_to_match<'js>(info: &RequestInfo<'js>) -> Fallible<'js, api::RequestInfo> {
    match info {
        RequestInfo::UsvString(url) => Ok(url.as_str().into()),
        RequestInfo::Request(request) => Ok(request.to_component()?.into()),
    }
}
