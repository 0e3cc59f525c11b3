//! Heads to keep: for handlers that decide later, and for tasks of their own.

use alloc::boxed::Box;
use core::fmt;

use super::headers::HeaderSpan;
use super::parse::{RequestLine, StatusLine};
use super::request::Request;
use super::response::Response;

/// A request that does not borrow the input. Made by [`Request::to_head`].
#[derive(Clone)]
pub struct RequestHead {
    head: Box<[u8]>,
    spans: Box<[HeaderSpan]>,
    line: RequestLine,
}

impl RequestHead {
    /// The request.
    #[must_use]
    pub const fn view(&self) -> Request<'_> {
        Request::new(&self.head, self.line, &self.spans)
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

impl Request<'_> {
    /// A copy to keep.
    #[must_use]
    pub fn to_head(&self) -> RequestHead {
        RequestHead {
            head: self.fields.head.into(),
            spans: self.fields.spans.into(),
            line: self.line,
        }
    }
}

/// A response that does not borrow the input. Made by [`Response::to_head`].
#[derive(Clone)]
pub struct ResponseHead {
    head: Box<[u8]>,
    spans: Box<[HeaderSpan]>,
    line: StatusLine,
    body: Box<[u8]>,
}

impl ResponseHead {
    /// The response, with what was kept of its body.
    #[must_use]
    pub const fn view(&self) -> Response<'_> {
        Response::new(&self.head, self.line, &self.spans, &self.body)
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

impl Response<'_> {
    /// A copy to keep.
    #[must_use]
    pub fn to_head(&self) -> ResponseHead {
        ResponseHead {
            head: self.fields.head.into(),
            spans: self.fields.spans.into(),
            line: self.line,
            body: self.body.into(),
        }
    }
}
