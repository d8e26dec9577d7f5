//! From configuration text to one model. Two front ends, `supervisord.conf` (INI) and `pistack.toml` (tables),
//! meet in [`model::Model`].

pub mod model;
// to be written: ini (reader), expand (`%(x)s`), values (value types), shlex, supervisord (INI sections -> Model),
// tables (TOML tables -> the same option builder -> Model), diff (reload)
