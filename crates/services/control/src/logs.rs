//! The logs of several programs on one page: reading windows of them, putting them in one order, finding things.
//!
//! - `ansi`: a line's colours as spans that can do no harm
//! - `stamp`: the time that a line carries
//! - `line`: a piece of a log as lines with their places
//! - `source`: one output of one program, read through the supervisor service
//! - `window`: lines of several sources in one order, from a place backwards or forwards
//! - `search`: what fits a regular expression
//! - `follow`: what comes from now on
//! - `query`: what a page was asked for

pub(crate) mod ansi;
pub(crate) mod follow;
pub(crate) mod line;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod source;
pub(crate) mod stamp;
pub(crate) mod window;
