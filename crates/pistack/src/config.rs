//! The configuration as a whole: which files, both front ends, the environment, one result.

pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod find;
pub(crate) mod load;

pub(crate) use load::{Loaded, load};
